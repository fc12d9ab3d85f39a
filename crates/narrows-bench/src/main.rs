//! Runs one workload in rounds, on request, so that `cargo xtask bench` can take turns with other programs.
//!
//! `narrows-bench WORKLOAD fused|candle`: each line on standard input is a number of seconds; the answer is one line of
//! JSON with the samples of a step, the steps done, and the median and processor seconds of a step. At the end of input it reports its
//! peak memory.

mod conv;
mod dense;
mod layers;
mod matmul;
mod report;
mod sparse;

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use candle_core::Result;
use serde_json::json;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Something to repeat.
trait Workload {
    /// Samples that a step handles.
    fn samples(&self) -> usize;

    /// One step; returns a number that depends on the result.
    fn step(&mut self) -> Result<f32>;
}

/// Which operations a workload is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operations {
    Fused,
    Candle,
}

fn build(name: &str, operations: Operations) -> Option<Result<Box<dyn Workload>>> {
    Some(match name {
        "dense-128" => dense::Training::boxed(128, operations),
        "dense-512" => dense::Training::boxed(512, operations),
        "conv-small-128" => conv::Vae::boxed(128, 28, &[1, 32, 64], operations),
        "conv-small-512" => conv::Vae::boxed(512, 28, &[1, 32, 64], operations),
        "conv-large-64" => conv::Vae::boxed(64, 64, &[3, 64, 128, 256], operations),
        "sparse-1024" => sparse::TopK::boxed(operations),
        "infer-dense-4096" => dense::Inference::boxed(&dense::DENSE, operations),
        "infer-tabular-4096" => dense::Inference::boxed(&dense::TABULAR, operations),
        "matmul-2048" => matmul::Product::boxed(2048, operations),
        _ => return None,
    })
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, operations) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name, "fused"] => {
            narrows_tensor::candle_threads::keep_to_one();
            (name.to_owned(), Operations::Fused)
        }
        [name, "candle"] => (name.to_owned(), Operations::Candle),
        _ => {
            eprintln!("usage: narrows-bench WORKLOAD fused|candle");
            return ExitCode::FAILURE;
        }
    };
    narrows_tensor::allocator::keep_freed_memory();
    let Some(workload) = build(&name, operations) else {
        eprintln!("error: `{name}` is not a workload");
        return ExitCode::FAILURE;
    };
    match workload.and_then(answer) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a round for each line of input.
fn answer(mut workload: Box<dyn Workload>) -> Result<()> {
    let mut output = std::io::stdout();
    for line in std::io::stdin().lock().lines() {
        let seconds: f64 = line?.trim().parse().map_err(candle_core::Error::wrap)?;
        let until = Instant::now() + Duration::from_secs_f64(seconds);
        let (mut times, mut result) = (Vec::new(), 0.0);
        let used = report::processor_seconds();
        while times.len() < 3 || Instant::now() < until {
            let start = Instant::now();
            result = workload.step()?;
            times.push(start.elapsed().as_secs_f64());
        }
        let processor = (report::processor_seconds() - used) / times.len() as f64;
        times.sort_by(f64::total_cmp);
        let (median, best) = (times[times.len() / 2], times[0]);
        let line = json!({
            "samples": workload.samples(), "steps": times.len(), "median": median, "best": best,
            "processor": processor, "result": result,
        });
        writeln!(output, "{line}")?;
        output.flush()?;
    }
    writeln!(output, "{}", json!({"peak_mib": report::peak_mib()}))?;
    Ok(())
}
