//! Activations and their slopes over slices.

use super::math;
use super::simd::vectorized;
use crate::Activation;

/// Slope of the leaky rectifier on the negative side.
pub(crate) const LEAK: f32 = 0.01;

/// Calls `$run` with the activation's function inlined, one loop for each.
macro_rules! for_activation {
    ($activation:expr, |$f:ident| $run:expr) => {
        match $activation {
            Activation::Identity => {
                let $f = |x: f32| x;
                $run
            }
            Activation::Relu => {
                let $f = |x: f32| if x < 0.0 { 0.0 } else { x };
                $run
            }
            Activation::LeakyRelu => {
                let $f = |x: f32| if x < 0.0 { x * $crate::kernel::pointwise::LEAK } else { x };
                $run
            }
            Activation::Sigmoid => {
                let $f = |x: f32| $crate::kernel::math::sigmoid(x);
                $run
            }
            Activation::Tanh => {
                let $f = |x: f32| $crate::kernel::math::tanh(x);
                $run
            }
            Activation::Silu => {
                let $f = |x: f32| x * $crate::kernel::math::sigmoid(x);
                $run
            }
            Activation::Gelu => {
                let $f = |x: f32| x * $crate::kernel::math::normal(x).0;
                $run
            }
            Activation::Softplus => {
                let $f = |x: f32| $crate::kernel::math::softplus(x);
                $run
            }
        }
    };
}
pub(crate) use for_activation;

/// Replaces each number by the activation's value.
pub(crate) fn activate_in_place(values: &mut [f32], activation: Activation) {
    if activation != Activation::Identity {
        let mut x = [0.0; 256];
        for values in values.chunks_mut(x.len()) {
            let x = &mut x[..values.len()];
            x.copy_from_slice(values);
            activate(values, x, activation);
        }
    }
}

vectorized! {
    /// `out = activation(x)`. Not in place: a rectifier would become a masked store, which some processors do slowly.
    pub(crate) fn activate(out: &mut [f32], x: &[f32], activation: Activation) {
        for_activation!(activation, |f| for (out, &x) in out.iter_mut().zip(x) {
            *out = f(x);
        });
    }
}

/// Whether the slope follows from the activation's value alone.
pub(crate) fn slope_from_value(activation: Activation) -> bool {
    !matches!(activation, Activation::Silu | Activation::Gelu)
}

vectorized! {
    /// `out = gradient * slope`, with the slope taken from `values`: the activation's values where
    /// [`slope_from_value`], else its arguments.
    pub(crate) fn scale_by_slope(out: &mut [f32], gradient: &[f32], values: &[f32], activation: Activation) {
        macro_rules! slope {
            (|$v:ident| $slope:expr) => {
                for ((out, g), $v) in out.iter_mut().zip(gradient).zip(values.iter().copied()) {
                    *out = g * $slope;
                }
            };
        }
        match activation {
            Activation::Identity => out.copy_from_slice(gradient),
            Activation::Relu => slope!(|y| if y > 0.0 { 1.0 } else { 0.0 }),
            Activation::LeakyRelu => slope!(|y| if y > 0.0 { 1.0 } else { LEAK }),
            Activation::Sigmoid => slope!(|y| y * (1.0 - y)),
            Activation::Tanh => slope!(|y| 1.0 - y * y),
            Activation::Softplus => slope!(|y| 1.0 - math::exp(-y)),
            Activation::Silu => slope!(|x| {
                let s = math::sigmoid(x);
                s * (1.0 + x * (1.0 - s))
            }),
            Activation::Gelu => slope!(|x| {
                let (distribution, density) = math::normal(x);
                distribution + x * density
            }),
        }
    }
}

vectorized! {
    /// Adds each row of `rows` to `sums`.
    pub(crate) fn add_rows(sums: &mut [f32], rows: &[f32]) {
        for row in rows.chunks_exact(sums.len()) {
            for (sum, value) in sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
    }
}
