//! Small networks: the values of 32 samples lie side by side in vectors, so that a layer's sums, finished, are the panel that the
//! next layer multiplies. Only what goes in and comes out is transposed.

use super::Layer;
use crate::Activation;
use crate::kernel::gemm::{COLUMNS, Matrix, Operand, Resident, Tile};
use crate::kernel::parallel::{Shared, for_each};
use crate::kernel::pointwise::for_activation;
use crate::kernel::scratch::Scratch;
use crate::kernel::simd::vectorized;

/// Weights that stay in the second-level cache beside the values.
const SMALL: usize = 32 * 1024;
/// Samples that one task takes.
const SAMPLES: usize = 4 * COLUMNS;

/// Whether all layers together are small enough, and the samples enough to fill vectors.
pub(super) fn suits(layers: &[Layer<'_>], rows: usize) -> bool {
    let all: usize = layers.iter().map(|layer| layer.weight.len()).sum();
    rows >= COLUMNS && all <= SMALL && layers.iter().all(|layer| Resident::possible(layer.forward(rows).0))
}

/// Writes the values behind the last layer to `y`.
pub(super) fn forward(layers: &[Layer<'_>], x: &[f32], y: &mut [f32]) {
    let (inputs, out) = (layers[0].inputs, layers[layers.len() - 1].out);
    let rows = x.len() / inputs;
    let packed: Vec<_> = layers
        .iter()
        .map(|layer| Resident::new(&Matrix::rows(layer.weight, layer.inputs), layer.out, layer.inputs))
        .collect();
    let widest = layers.iter().map(|layer| layer.out).fold(inputs, usize::max);
    let y = Shared::new(y);
    for_each(rows.div_ceil(SAMPLES), |task| {
        let mut tile = Tile::new();
        let mut values = [0, 1].map(|_| Scratch::new(widest * COLUMNS));
        let end = rows.min((task + 1) * SAMPLES);
        for first in (task * SAMPLES..end).step_by(COLUMNS) {
            let samples = COLUMNS.min(end - first);
            let [mut from, mut into] = values.each_mut();
            Matrix::rows(x, inputs).fill_depth_major(first, samples, 0, COLUMNS, &mut from[..inputs * COLUMNS]);
            for (layer, packed) in layers.iter().zip(&packed) {
                packed.multiply(from, samples, &mut tile, |unit, sums| {
                    let bias = layer.bias.map(|bias| &bias[unit..unit + sums.len()]);
                    finish(sums, bias, layer.activation, &mut into[unit * COLUMNS..]);
                });
                std::mem::swap(&mut from, &mut into);
            }
            // SAFETY: each task has its own samples.
            let y = unsafe { y.part(first * out, samples * out) };
            Matrix::rows(from, COLUMNS).fill_depth_major(0, out, 0, out, y);
        }
    });
}

vectorized! {
    /// `values = f(sums + bias)` for the units of a tile.
    fn finish(sums: &[[f32; COLUMNS]], bias: Option<&[f32]>, activation: Activation, values: &mut [f32]) {
        let (values, _) = values.as_chunks_mut::<COLUMNS>();
        for_activation!(activation, |f| for (unit, (sums, values)) in sums.iter().zip(values).enumerate() {
            let bias = match bias {
                Some(bias) => bias[unit],
                None => 0.0,
            };
            for (value, sum) in values.iter_mut().zip(sums) {
                *value = f(sum + bias);
            }
        });
    }
}
