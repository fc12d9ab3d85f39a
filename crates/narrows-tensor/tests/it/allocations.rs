//! Nothing is allocated for each sample: an operation and its gradients, and a whole training step, take as many pieces of
//! memory for many rows as for few, and as many in each step. This binary runs itself so that no other test allocates meanwhile.

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use candle_core::{DType, Device, Tensor, Var};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::update::{AdamW, adamw};
use narrows_tensor::{Activation, Gradients, Init, Key, Result, Scope};

use crate::check::draw;
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

/// Those of each of several training steps: two layers, the loss of each sample, gradients, their norm, AdamW.
fn taken_by_steps(rows: usize) -> Result<Vec<usize>> {
    let scope = Scope::root(Key::new(1), DType::F32, &Device::Cpu);
    let parameter = |name: &str, shape: &[usize]| scope.parameter(name, shape, Init::Normal(0.1));
    let [w, b] = [parameter("w", &[24, 40])?, parameter("b", &[24])?];
    let [v, c] = [parameter("v", &[40, 24])?, parameter("c", &[40])?];
    let parameters = scope.parameters();
    let zeros = |_| parameters.trained().map(|(_, var)| Ok(Var::from_tensor(&var.zeros_like()?)?)).collect();
    let [first, second]: [Result<Vec<Var>>; 2] = [0, 1].map(zeros);
    let (first, second) = (first?, second?);
    let x = draw("x", &[rows, 40]).to_dtype(DType::F32)?;
    let step = |number: u64| -> Result<()> {
        let h = linear(&x, &w, Some(&b), Activation::Relu)?;
        let y = linear(&h, &v, Some(&c), Activation::Identity)?;
        let gradients = Gradients::backward(&squared_error(&y, &x, None)?.mean_all()?, &parameters)?;
        let scale = 1.0 / gradients.norm()?.max(1.0);
        let at = AdamW { step: number, rate: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, decay: 0.01, scale };
        for (((name, var), first), second) in parameters.trained().zip(&first).zip(&second) {
            adamw(var, gradients.get(name).unwrap(), (first, second), at)?;
        }
        Ok(())
    };
    (0..3).try_for_each(step)?;
    (3..8)
        .map(|number| {
            let before = TAKEN.load(Relaxed);
            step(number)?;
            Ok(TAKEN.load(Relaxed) - before)
        })
        .collect()
}

#[test]
fn no_sample_costs_an_allocation() {
    if std::env::var_os(VARIABLE).is_some() {
        let [few, many] = [800, 4_000].map(|rows| taken_by_steps(rows).unwrap());
        println!("taken {} {} 3200 a step", few[0], many[0]);
        for (number, step) in many.iter().enumerate() {
            println!("taken {} {step} 0 step {number} after the first", many[0]);
        }
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
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
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
