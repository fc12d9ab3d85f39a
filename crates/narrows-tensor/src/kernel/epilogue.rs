//! Where the sums of a product go: into rows of the output, with bias and activation.

use super::gemm::{COLUMNS, Target};
use super::parallel::Shared;
use super::pointwise::activate;
use super::simd::vectorized;
use crate::Activation;

/// Rows of an output matrix, possibly scattered; `offset(row)` is where a row starts.
pub(crate) struct Rows<'a, F> {
    pub(crate) out: Shared<'a, f32>,
    pub(crate) offset: F,
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
    /// Whether to add to what the output holds.
    pub(crate) add: bool,
}

impl<F: Fn(usize) -> usize + Sync> Target for Rows<'_, F> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool) {
        let bias = self.bias.filter(|_| first).map(|bias| &bias[column..column + columns]);
        let add = self.add || !first;
        for (i, sums) in sums.iter().enumerate() {
            // SAFETY: rows do not overlap, nor do the tiles of a row.
            let into = unsafe { self.out.part((self.offset)(row + i) + column, columns) };
            store(into, sums, bias, add);
            if last && self.activation != Activation::Identity {
                activate(into, self.activation);
            }
        }
    }
}

vectorized! {
    /// `into = sums + bias`, or added to it.
    fn store(into: &mut [f32], sums: &[f32; COLUMNS], bias: Option<&[f32]>, add: bool) {
        match (bias, add) {
            (None, false) => into.copy_from_slice(&sums[..into.len()]),
            (None, true) => {
                for (into, sum) in into.iter_mut().zip(sums) {
                    *into += sum;
                }
            }
            (Some(bias), false) => {
                for ((into, sum), bias) in into.iter_mut().zip(sums).zip(bias) {
                    *into = sum + bias;
                }
            }
            (Some(bias), true) => {
                for ((into, sum), bias) in into.iter_mut().zip(sums).zip(bias) {
                    *into += sum + bias;
                }
            }
        }
    }
}
