//! Numerical against automatic gradients in f64, and fused f32 against composite f64.

use candle_core::{DType, Device, Tensor, Var};
use narrows_tensor::{Key, Result, random};

/// A function of tensors.
pub(crate) type Op<'a> = &'a dyn Fn(&[Tensor]) -> Result<Tensor>;

/// Standard normal numbers, the same for the same name, moved away from zero so that kinks are not hit.
pub(crate) fn draw(name: &str, shape: &[usize]) -> Tensor {
    let key = Key::new(5).named(name);
    let x = random::normal(&key, shape, DType::F32, &Device::Cpu).unwrap();
    (&x + (x.sign().unwrap() * 0.05).unwrap()).unwrap().to_dtype(DType::F64).unwrap()
}

fn scalar(x: &Tensor) -> f64 {
    x.to_dtype(DType::F64).unwrap().sum_all().unwrap().to_scalar().unwrap()
}

/// `sum(f(inputs) * direction)` as variables of `dtype`, and the gradient of each input.
pub(crate) fn gradients(f: Op<'_>, inputs: &[Tensor], dtype: DType, direction: &Tensor) -> (Tensor, Vec<Tensor>) {
    let vars: Vec<_> = inputs.iter().map(|x| Var::from_tensor(&x.to_dtype(dtype).unwrap()).unwrap()).collect();
    let tensors: Vec<_> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let y = f(&tensors).unwrap();
    let mut store = (&y * direction.to_dtype(dtype).unwrap()).unwrap().sum_all().unwrap().backward().unwrap();
    let gradients = vars.iter().map(|v| store.remove(v).unwrap_or_else(|| v.zeros_like().unwrap())).collect();
    (y.detach(), gradients)
}

/// The largest difference, relative to the largest number.
pub(crate) fn distance(a: &Tensor, b: &Tensor) -> f64 {
    assert_eq!(a.dims(), b.dims());
    let (a, b) = (a.to_dtype(DType::F64).unwrap(), b.to_dtype(DType::F64).unwrap());
    let largest = |x: &Tensor| x.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar::<f64>().unwrap();
    largest(&(&a - &b).unwrap()) / largest(&b).max(1e-3)
}

/// Checks `f` at `inputs` (f64) in every way.
pub(crate) fn check(name: &str, inputs: &[Tensor], f: Op<'_>) {
    let y = f(inputs).unwrap();
    let direction = draw(&format!("direction of {name}"), y.dims());
    let (exact, automatic) = gradients(f, inputs, DType::F64, &direction);
    for (index, (input, automatic)) in inputs.iter().zip(&automatic).enumerate() {
        let shape = input.dims();
        // The derivative along a random direction, by central differences.
        let along = draw(&format!("along {index} in {name}"), shape);
        let moved = |step: f64| {
            let mut inputs = inputs.to_vec();
            inputs[index] = (input + (&along * step).unwrap()).unwrap();
            scalar(&(f(&inputs).unwrap() * &direction).unwrap())
        };
        let h = 1e-4;
        // Fourth-order central difference.
        let numeric = (8.0 * (moved(h) - moved(-h)) - (moved(2.0 * h) - moved(-2.0 * h))) / (12.0 * h);
        let analytic = scalar(&(automatic * &along).unwrap());
        let size = scalar(&(automatic * &along).unwrap().abs().unwrap()).max(1e-3);
        assert!((numeric - analytic).abs() <= 1e-6 * size, "{name}, input {index}: {numeric} is not {analytic}");
    }
    let (fused, ours) = gradients(f, inputs, DType::F32, &direction);
    assert!(distance(&fused, &exact) < 1e-5, "{name}: value off by {}", distance(&fused, &exact));
    for (index, (ours, exact)) in ours.iter().zip(&automatic).enumerate() {
        assert!(distance(ours, exact) < 2e-5, "{name}: gradient {index} off by {}", distance(ours, exact));
    }
}

/// The same numbers in a tensor that does not begin at its storage's start nor, with more than one axis, is contiguous.
pub(crate) fn strided(x: &Tensor) -> Tensor {
    let last = x.rank() - 1;
    let padded = x.pad_with_zeros(last, 2, 3).unwrap();
    if last == 0 {
        return padded.narrow(0, 2, x.dims()[0]).unwrap();
    }
    let padded = padded.pad_with_zeros(0, 1, 0).unwrap();
    padded.narrow(last, 2, x.dims()[last]).unwrap().narrow(0, 1, x.dims()[0]).unwrap()
}
