//! Nothing is allocated for each sample: an operation and its gradients take as many pieces of memory for many rows as for
//! few. This binary runs itself so that no other test allocates meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use candle_core::{DType, Tensor, Var};
use narrows_tensor::Result;

use crate::every::{Case, cases};

const VARIABLE: &str = "NARROWS_TEST_COUNT_ALLOCATIONS";

/// The system's allocator, counted.
struct Counting;

static TAKEN: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    // SAFETY: the contract is that of the trait.
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        TAKEN.fetch_add(1, Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.alloc(layout) }
    }

    // SAFETY: the contract is that of the trait.
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the system's.
        unsafe { System.dealloc(at, layout) }
    }

    // SAFETY: the contract is that of the trait.
    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        TAKEN.fetch_add(1, Relaxed);
        // SAFETY: the caller's contract is the system's.
        unsafe { System.realloc(at, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Pieces of memory that the operation and the gradients of its mean take once everything that is kept is there.
fn taken(Case { inputs, f, .. }: &Case) -> Result<usize> {
    let single = |input: &Tensor| Var::from_tensor(&input.to_dtype(DType::F32)?);
    let inputs = inputs.iter().map(single).collect::<candle_core::Result<Vec<_>>>()?;
    let inputs: Vec<_> = inputs.iter().map(|input| input.as_tensor().clone()).collect();
    let run = || -> Result<()> {
        f(&inputs)?.mean_all()?.backward()?;
        Ok(())
    };
    for _ in 0..3 {
        run()?;
    }
    let before = TAKEN.load(Relaxed);
    run()?;
    Ok(TAKEN.load(Relaxed) - before)
}

#[test]
fn no_sample_costs_an_allocation() {
    if std::env::var_os(VARIABLE).is_some() {
        for seed in 1..4 {
            for (few, many) in cases(seed, 800).iter().zip(&cases(seed, 4_000)) {
                let rows = [few, many].map(|case| case.inputs[0].dims()[0]);
                assert!(rows[1] > 4 * rows[0], "{rows:?}");
                println!("taken {} {} {} {}", taken(few).unwrap(), taken(many).unwrap(), rows[1] - rows[0], few.name);
            }
        }
        return;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["allocations::no_sample_costs_an_allocation", "--exact", "--nocapture"])
        .envs([(VARIABLE, "1"), ("RAYON_NUM_THREADS", "2")])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let found: Vec<(usize, usize, usize, &str)> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_once("taken ")?.1.splitn(4, ' ');
            let mut number = || words.next()?.parse().ok();
            Some((number()?, number()?, number()?, words.next()?))
        })
        .collect();
    assert!(found.len() > 40, "{text}");
    for (few, many, rows, name) in found {
        // Tasks of more rows each may take a few more; samples may not.
        assert!(20 * many <= 20 * few + rows + 80, "{name}: {few} allocations for few rows, {many} with {rows} more");
    }
}
