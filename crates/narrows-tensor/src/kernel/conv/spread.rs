//! Small image → big image: the adjoint of the convolution, without scattered additions.
//!
//! The big pixels whose coordinates leave the same remainder modulo the stride (a phase) all see the small image through
//! the same taps, next to each other: one product over patches of the small image for each phase. With few big channels
//! such a product would waste most of a vector; then each sample's products with all taps are summed pixel by pixel.

use super::patches::{Patches, Window};
use super::{Finish, Geometry};
use crate::Activation;
use crate::kernel::epilogue::Rows;
use crate::kernel::gemm::{self, LinesMut, Matrix, Operand, Size};
use crate::kernel::parallel::{Shared, for_each};
use crate::kernel::pointwise;
use crate::kernel::scratch::Scratch;

/// Big channels from which on one product for each phase is the faster way.
const WIDE: usize = 16;

/// The taps of a phase along one axis.
#[derive(Clone, Copy)]
struct Phase {
    window: Window,
    /// Kernel index of the first tap; later ones lie `stride` before it.
    kernel: usize,
}

impl Phase {
    fn new(phase: usize, big: usize, kernel: usize, stride: usize, padding: usize) -> Self {
        let (place, stride) = ((phase + padding) as isize, stride as isize);
        // Tap o has kernel index place - stride * o, in 0..kernel.
        let first = (place - kernel as isize).div_euclid(stride) + 1;
        let last = place.div_euclid(stride);
        let positions = (big - phase).div_ceil(stride as usize);
        let window = Window { positions, step: 1, first, taps: (last - first + 1) as usize };
        Self { window, kernel: (place - stride * first).max(0) as usize }
    }
}

/// The weight of a phase: `[big channels, (tap y, tap x, small channel)]`.
struct Taps<'a> {
    weight: &'a [f32],
    geometry: Geometry,
    y: Phase,
    x: Phase,
}

impl Operand for Taps<'_> {
    fn depth_contiguous(&self) -> bool {
        false
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        for (row, line) in (row..).zip(into) {
            for (depth, into) in (from..).zip(line) {
                self.fill_depth_major(row, 1, depth, 1, std::slice::from_mut(into));
            }
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        let Geometry { big, small, kernel, stride, .. } = self.geometry;
        for (depth, into) in into.chunks_exact_mut(width).enumerate() {
            let (tap, channel) = ((from + depth) / small.channels, (from + depth) % small.channels);
            let ky = self.y.kernel - tap / self.x.window.taps * stride.0;
            let kx = self.x.kernel - tap % self.x.window.taps * stride.1;
            let place = ((channel * kernel.0 + ky) * kernel.1 + kx) * big.channels + row;
            into[..rows].copy_from_slice(&self.weight[place..place + rows]);
            into[rows..].fill(0.0);
        }
    }
}

impl Geometry {
    /// `big = finish(adjoint of gather(small))`, for `weight: [small, KH, KW, big]`.
    pub(crate) fn spread(&self, small: &[f32], weight: &[f32], big: &mut [f32], finish: Finish<'_>) {
        if self.big.channels < WIDE {
            self.sum_taps(small, weight, big, finish);
        } else {
            self.phases(small, weight, big, finish);
        }
    }

    fn phases(&self, small: &[f32], weight: &[f32], big: &mut [f32], finish: Finish<'_>) {
        let channels = self.big.channels;
        let big = Shared::new(big);
        for phase_y in 0..self.stride.0.min(self.big.height) {
            let y = Phase::new(phase_y, self.big.height, self.kernel.0, self.stride.0, self.padding.0);
            for phase_x in 0..self.stride.1.min(self.big.width) {
                let x = Phase::new(phase_x, self.big.width, self.kernel.1, self.stride.1, self.padding.1);
                let (rows, columns) = (y.window.positions, x.window.positions);
                let size = Size {
                    rows: self.samples * rows * columns,
                    columns: channels,
                    depth: y.window.taps * x.window.taps * self.small.channels,
                };
                let offset = |row: usize| {
                    let (line, column) = (row / columns, row % columns);
                    let line = line / rows * self.big.height + line % rows * self.stride.0 + phase_y;
                    (line * self.big.width + column * self.stride.1 + phase_x) * channels
                };
                let patches = Patches { data: small, image: self.small, y: y.window, x: x.window };
                let taps = Taps { weight, geometry: *self, y, x };
                let Finish { bias, activation } = finish;
                gemm::product(size, &patches, &taps, &Rows { out: big, offset, bias, activation, add: false });
            }
        }
    }

    fn sum_taps(&self, small: &[f32], weight: &[f32], big: &mut [f32], finish: Finish<'_>) {
        let (channels, depth) = (self.big.channels, self.depth());
        let size = Size { rows: self.small.height * self.small.width, columns: depth, depth: self.small.channels };
        let big = Shared::new(big);
        for_each(self.samples, |sample| {
            let mut products = Scratch::new(size.rows * depth);
            let small = &small[sample * self.small.len()..(sample + 1) * self.small.len()];
            let target = Rows {
                out: Shared::new(&mut products),
                offset: |row: usize| row * depth,
                bias: None,
                activation: Activation::Identity,
                add: false,
            };
            gemm::product(size, &Matrix::rows(small, size.depth), &Matrix::columns(weight, depth), &target);
            // SAFETY: each task has its own sample.
            let out = unsafe { big.part(sample * self.big.len(), self.big.len()) };
            match finish.bias {
                Some(bias) => out.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_from_slice(bias)),
                None => out.fill(0.0),
            }
            self.add_products(&products, out);
            pointwise::activate_in_place(out, finish.activation);
        });
    }

    /// Adds each product to the pixel that its position and tap point at.
    fn add_products(&self, products: &[f32], out: &mut [f32]) {
        let (channels, (kernel_y, kernel_x)) = (self.big.channels, self.kernel);
        let run = kernel_x * channels;
        for (position, products) in products.chunks_exact(kernel_y * run).enumerate() {
            let (y, x) = (position / self.small.width, position % self.small.width);
            let left = (x * self.stride.1) as isize - self.padding.1 as isize;
            let start = (-left).clamp(0, kernel_x as isize);
            let end = (self.big.width as isize - left).clamp(start, kernel_x as isize);
            for (tap, products) in products.chunks_exact(run).enumerate() {
                let row = (y * self.stride.0 + tap).wrapping_sub(self.padding.0);
                if row >= self.big.height || start == end {
                    continue;
                }
                let place = (row * self.big.width) as isize + left + start;
                let len = (end - start) as usize * channels;
                let out = &mut out[place as usize * channels..][..len];
                for (out, product) in out.iter_mut().zip(&products[start as usize * channels..][..len]) {
                    *out += product;
                }
            }
        }
    }
}
