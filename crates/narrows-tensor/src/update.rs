//! Parameter updates: AdamW (Loshchilov & Hutter 2019), SGD with momentum and the moving average of parameters, each one
//! parallel pass in place.
//!
//! The formulas, and their order of operations, are those of PyTorch's `AdamW` and `SGD`.

use candle_core::{Tensor, Var};

use crate::kernel::parallel::{CHUNK, Shared, for_each, for_each_chunk};
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result};

/// The numbers of one AdamW step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub rate: f64,
    /// Decay of the mean of gradients.
    pub beta1: f64,
    /// Decay of the mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean square.
    pub eps: f64,
    /// Decoupled weight decay.
    pub decay: f64,
    /// Updates done including this one: the first is 1.
    pub step: u64,
    /// Factor on the gradient, such as that of clipping by norm.
    pub scale: f64,
}

/// The numbers of one SGD step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub rate: f64,
    /// Factor on the velocity; 0 without momentum.
    pub momentum: f64,
    /// Whether the gradient is taken at the point that the velocity leads to (Nesterov).
    pub nesterov: bool,
    /// L2 penalty, added to the gradient.
    pub decay: f64,
    /// Factor on the gradient, such as that of clipping by norm.
    pub scale: f64,
}

/// `p ← (1 - rate decay) p - rate m̂ / (√v̂ + eps)`, and the moments `m`, `v` moved on.
///
/// # Shapes
/// - `gradient`, both of `moments`: the shape of `parameter`
///
/// # Errors
/// The shapes differ.
pub fn adamw(parameter: &Var, gradient: &Tensor, moments: (&Var, &Var), at: AdamW) -> Result<()> {
    check("adamw", parameter, [gradient, moments.0, moments.1])?;
    if !storage::fused([parameter, gradient, moments.0, moments.1]) {
        return adamw_composite(parameter, gradient, moments, at);
    }
    let factors = Factors::new(at);
    Ok(storage::with(gradient, |g| {
        storage::with_mut(moments.0, |m| {
            storage::with_mut(moments.1, |v| {
                storage::with_mut(parameter, |p| {
                    let len = p.len();
                    let (p, m, v) = (Shared::new(p), Shared::new(m), Shared::new(v));
                    for_each(len.div_ceil(CHUNK), |chunk| {
                        let (start, len) = (chunk * CHUNK, CHUNK.min(len - chunk * CHUNK));
                        // SAFETY: chunks do not overlap.
                        let (p, m, v) = unsafe { (p.part(start, len), m.part(start, len), v.part(start, len)) };
                        adamw_slice(p, &g[start..start + len], m, v, factors);
                    });
                    Ok(())
                })
            })
        })
    })?)
}

/// Moves `parameter` against the gradient, through `velocity` if there is one.
///
/// # Shapes
/// - `gradient`, `velocity`: the shape of `parameter`
///
/// # Errors
/// The shapes differ.
pub fn sgd(parameter: &Var, gradient: &Tensor, velocity: Option<&Var>, at: Sgd) -> Result<()> {
    let velocity = velocity.filter(|_| at.momentum != 0.0);
    check("sgd", parameter, [gradient].into_iter().chain(velocity.map(Var::as_tensor)))?;
    if !storage::fused([parameter.as_tensor(), gradient].into_iter().chain(velocity.map(Var::as_tensor))) {
        return sgd_composite(parameter, gradient, velocity, at);
    }
    let (rate, momentum) = (at.rate as f32, at.momentum as f32);
    let (decay, scale) = (at.decay as f32, at.scale as f32);
    Ok(storage::with(gradient, |g| {
        let Some(velocity) = velocity else {
            return storage::with_mut(parameter, |p| {
                for_each_chunk(p, |start, p| {
                    sgd_slice(p, &g[start..start + p.len()], rate, decay, scale);
                });
                Ok(())
            });
        };
        storage::with_mut(velocity, |v| {
            let v = Shared::new(v);
            storage::with_mut(parameter, |p| {
                for_each_chunk(p, |start, p| {
                    // SAFETY: chunks do not overlap.
                    let v = unsafe { v.part(start, p.len()) };
                    momentum_slice(p, &g[start..start + p.len()], v, rate, momentum, at.nesterov, decay, scale);
                });
                Ok(())
            })
        })
    })?)
}

/// `a ← decay a + (1 - decay) p`: the exponential moving average of a parameter moved on.
///
/// # Shapes
/// - `average`: the shape of `parameter`
///
/// # Errors
/// The shapes differ.
pub fn average(average: &Var, parameter: &Var, decay: f64) -> Result<()> {
    check("average", parameter, [average.as_tensor()])?;
    if !storage::fused([average.as_tensor(), parameter]) {
        let moved = (average.as_detached_tensor() * decay)? + (parameter.as_detached_tensor() * (1.0 - decay))?;
        return Ok(average.set(&moved?)?);
    }
    let (keep, rest) = (decay as f32, (1.0 - decay) as f32);
    Ok(storage::with(parameter, |p| {
        storage::with_mut(average, |a| {
            for_each_chunk(a, |start, a| average_slice(a, &p[start..start + a.len()], keep, rest));
            Ok(())
        })
    })?)
}

fn check<'a>(operation: &'static str, parameter: &Var, others: impl IntoIterator<Item = &'a Tensor>) -> Result<()> {
    match others.into_iter().find(|other| other.shape() != parameter.shape()) {
        None => Ok(()),
        Some(other) => Err(Error::Shape {
            operation,
            argument: "gradient or state",
            found: other.dims().to_vec(),
            expected: format!("the parameter's {:?}", parameter.dims()),
        }),
    }
}

/// The numbers of a step as the loop uses them.
#[derive(Clone, Copy)]
struct Factors {
    keep: f32,
    beta1: f32,
    beta2: f32,
    rest1: f32,
    rest2: f32,
    rate: f32,
    root: f32,
    eps: f32,
    scale: f32,
}

impl Factors {
    fn new(at: AdamW) -> Self {
        let (unbias1, unbias2) = unbias(at);
        Self {
            keep: (1.0 - at.rate * at.decay) as f32,
            beta1: at.beta1 as f32,
            beta2: at.beta2 as f32,
            rest1: (1.0 - at.beta1) as f32,
            rest2: (1.0 - at.beta2) as f32,
            rate: (at.rate / unbias1) as f32,
            root: (1.0 / unbias2.sqrt()) as f32,
            eps: at.eps as f32,
            scale: at.scale as f32,
        }
    }
}

/// `1 - βᵗ` for both moments.
fn unbias(at: AdamW) -> (f64, f64) {
    let step = at.step.max(1) as f64;
    (1.0 - at.beta1.powf(step), 1.0 - at.beta2.powf(step))
}

vectorized! {
    fn adamw_slice(p: &mut [f32], g: &[f32], m: &mut [f32], v: &mut [f32], at: Factors) {
        for (((p, g), m), v) in p.iter_mut().zip(g).zip(m).zip(v) {
            let g = g * at.scale;
            *m = at.beta1 * *m + at.rest1 * g;
            *v = at.beta2 * *v + at.rest2 * (g * g);
            *p = at.keep * *p - at.rate * *m / (v.sqrt() * at.root + at.eps);
        }
    }
}

vectorized! {
    fn average_slice(a: &mut [f32], p: &[f32], keep: f32, rest: f32) {
        for (a, p) in a.iter_mut().zip(p) {
            *a = keep * *a + rest * p;
        }
    }
}

vectorized! {
    fn sgd_slice(p: &mut [f32], g: &[f32], rate: f32, decay: f32, scale: f32) {
        for (p, g) in p.iter_mut().zip(g) {
            *p -= rate * (g * scale + decay * *p);
        }
    }
}

vectorized! {
    fn momentum_slice(
        p: &mut [f32], g: &[f32], v: &mut [f32], rate: f32, momentum: f32, nesterov: bool, decay: f32, scale: f32,
    ) {
        for ((p, g), v) in p.iter_mut().zip(g).zip(v) {
            let g = g * scale + decay * *p;
            *v = momentum * *v + g;
            *p -= rate * if nesterov { g + momentum * *v } else { *v };
        }
    }
}

fn adamw_composite(p: &Var, g: &Tensor, (m, v): (&Var, &Var), at: AdamW) -> Result<()> {
    let (unbias1, unbias2) = unbias(at);
    let g = (g.detach() * at.scale)?;
    m.set(&((m.as_detached_tensor() * at.beta1)? + (&g * (1.0 - at.beta1))?)?)?;
    v.set(&((v.as_detached_tensor() * at.beta2)? + (g.sqr()? * (1.0 - at.beta2))?)?)?;
    let root = ((v.as_detached_tensor().sqrt()? * (1.0 / unbias2.sqrt()))? + at.eps)?;
    let change = ((m.as_detached_tensor() / root)? * (at.rate / unbias1))?;
    Ok(p.set(&((p.as_detached_tensor() * (1.0 - at.rate * at.decay))? - change)?)?)
}

fn sgd_composite(p: &Var, g: &Tensor, velocity: Option<&Var>, at: Sgd) -> Result<()> {
    let g = ((g.detach() * at.scale)? + (p.as_detached_tensor() * at.decay)?)?;
    let change = match velocity {
        None => g,
        Some(v) => {
            v.set(&((v.as_detached_tensor() * at.momentum)? + &g)?)?;
            let v = v.as_detached_tensor();
            if at.nesterov { (g + (v * at.momentum)?)? } else { v }
        }
    };
    Ok(p.set(&(p.as_detached_tensor() - (change * at.rate)?)?)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::{Key, random};

    const AT: AdamW = AdamW { rate: 0.1, beta1: 0.9, beta2: 0.99, eps: 1e-8, decay: 0.05, step: 3, scale: 0.5 };

    fn draw(name: &str, dtype: DType) -> Tensor {
        random::uniform(&Key::new(1).named(name), 40_000, DType::F32, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    }

    fn distance(a: &Var, b: &Var) -> f64 {
        let difference = (a.to_dtype(DType::F64).unwrap() - b.to_dtype(DType::F64).unwrap()).unwrap();
        difference.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn fused_adamw_agrees_with_the_formula_in_f64() {
        let run = |dtype| {
            let [p, m, v] = ["p", "m", "v"].map(|name| Var::from_tensor(&draw(name, dtype)).unwrap());
            adamw(&p, &draw("g", dtype), (&m, &v), AT).unwrap();
            [p, m, v]
        };
        for (fused, exact) in run(DType::F32).iter().zip(&run(DType::F64)) {
            assert!(distance(fused, exact) < 1e-6);
        }
    }

    #[test]
    fn fused_sgd_agrees_with_the_formula_in_f64() {
        for (momentum, nesterov) in [(0.0, false), (0.9, false), (0.9, true)] {
            let at = Sgd { rate: 0.1, momentum, nesterov, decay: 0.01, scale: 0.5 };
            let run = |dtype| {
                let [p, v] = ["p", "v"].map(|name| Var::from_tensor(&draw(name, dtype)).unwrap());
                sgd(&p, &draw("g", dtype), Some(&v), at).unwrap();
                [p, v]
            };
            for (fused, exact) in run(DType::F32).iter().zip(&run(DType::F64)) {
                assert!(distance(fused, exact) < 1e-6);
            }
        }
    }

    #[test]
    fn the_fused_average_agrees_with_the_formula_in_f64() {
        let run = |dtype| {
            let [a, p] = ["a", "p"].map(|name| Var::from_tensor(&draw(name, dtype)).unwrap());
            average(&a, &p, 0.9).unwrap();
            a
        };
        assert!(distance(&run(DType::F32), &run(DType::F64)) < 1e-6);
        let before = Var::from_tensor(&draw("a", DType::F32)).unwrap();
        assert!(distance(&run(DType::F32), &before) > 0.01);
    }

    #[test]
    fn shapes_must_agree() {
        let p = Var::zeros(3, DType::F32, &Device::Cpu).unwrap();
        let g = Tensor::zeros(4, DType::F32, &Device::Cpu).unwrap();
        assert!(adamw(&p, &g, (&p, &p), AT).is_err());
        assert!(average(&Var::from_tensor(&g).unwrap(), &p, 0.5).is_err());
    }
}
