//! Activations and their slopes over slices.

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

/// Calls `$run` with the activation's slope inlined: a function of its value where [`slope_from_value`], else of its
/// argument.
macro_rules! for_slope {
    ($activation:expr, |$f:ident| $run:expr) => {
        match $activation {
            Activation::Identity => {
                let $f = |_: f32| 1.0;
                $run
            }
            Activation::Relu => {
                let $f = |y: f32| if y > 0.0 { 1.0 } else { 0.0 };
                $run
            }
            Activation::LeakyRelu => {
                let $f = |y: f32| if y > 0.0 { 1.0 } else { $crate::kernel::pointwise::LEAK };
                $run
            }
            Activation::Sigmoid => {
                let $f = |y: f32| y * (1.0 - y);
                $run
            }
            Activation::Tanh => {
                let $f = |y: f32| 1.0 - y * y;
                $run
            }
            Activation::Softplus => {
                let $f = |y: f32| 1.0 - $crate::kernel::math::exp(-y);
                $run
            }
            Activation::Silu => {
                let $f = |x: f32| {
                    let s = $crate::kernel::math::sigmoid(x);
                    s * (1.0 + x * (1.0 - s))
                };
                $run
            }
            Activation::Gelu => {
                let $f = |x: f32| {
                    let (distribution, density) = $crate::kernel::math::normal(x);
                    distribution + x * density
                };
                $run
            }
        }
    };
}
pub(crate) use for_slope;

vectorized! {
    /// `out = gradient * slope`, with the slope taken from `values`: the activation's values where
    /// [`slope_from_value`], else its arguments.
    pub(crate) fn scale_by_slope(out: &mut [f32], gradient: &[f32], values: &[f32], activation: Activation) {
        for_slope!(activation, |slope| for ((out, g), &value) in out.iter_mut().zip(gradient).zip(values) {
            *out = g * slope(value);
        });
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
