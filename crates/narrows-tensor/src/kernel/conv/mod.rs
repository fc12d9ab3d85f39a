//! Convolution in channels-last layout as products over image patches that are never written out.
//!
//! A convolution relates a big image to a small one. Three products serve both directions and both layers:
//! [`Geometry::gather`] big → small, [`Geometry::spread`] small → big (its adjoint, one product for each phase of the
//! stride, so that nothing is scattered), and [`Geometry::weight_gradient`].

mod patches;
mod spread;
mod weight;

use candle_core::Tensor;

use super::epilogue::Rows;
use super::gemm::{self, Matrix, Size};
use super::parallel::Shared;
use crate::ops::conv::Stride2;
use crate::{Activation, Error, Result};
use patches::{Patches, Window};

/// Height, width and channels of an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Image {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) channels: usize,
}

impl Image {
    pub(crate) fn len(self) -> usize {
        self.height * self.width * self.channels
    }
}

/// The extents of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) samples: usize,
    pub(crate) big: Image,
    pub(crate) small: Image,
    pub(crate) kernel: (usize, usize),
    pub(crate) stride: (usize, usize),
    pub(crate) padding: (usize, usize),
}

/// A layer's bias and activation.
#[derive(Clone, Copy)]
pub(crate) struct Finish<'a> {
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) activation: Activation,
}

impl Finish<'_> {
    pub(crate) const NOTHING: Self = Self { bias: None, activation: Activation::Identity };
}

impl Geometry {
    /// The geometry of a convolution of `x` by `weight`, or an error that names what does not fit.
    pub(crate) fn convolution(x: &Tensor, weight: &Tensor, at: Stride2) -> Result<Self> {
        let (samples, big, [out, kh, kw, inputs]) = read("conv2d", x, weight, at)?;
        if inputs != big.channels {
            return Err(shape("conv2d", "weight", weight, format!("[out, KH, KW, {}]", big.channels)));
        }
        let extent = |size: usize, kernel: usize, stride: usize, padding: usize| {
            (size + 2 * padding).checked_sub(kernel).map(|room| room / stride + 1)
        };
        let (Some(height), Some(width)) =
            (extent(big.height, kh, at.stride.0, at.padding.0), extent(big.width, kw, at.stride.1, at.padding.1))
        else {
            return Err(shape("conv2d", "x", x, format!("a padded height and width of at least {kh} x {kw}")));
        };
        let small = Image { height, width, channels: out };
        Ok(Self { samples, big, small, kernel: (kh, kw), stride: at.stride, padding: at.padding })
    }

    /// The geometry of a transposed convolution of `x` by `weight`.
    pub(crate) fn transposed(x: &Tensor, weight: &Tensor, at: Stride2) -> Result<Self> {
        const NAME: &str = "conv_transpose2d";
        let (samples, small, [inputs, kh, kw, out]) = read(NAME, x, weight, at)?;
        if inputs != small.channels {
            return Err(shape(NAME, "weight", weight, format!("[{}, KH, KW, out]", small.channels)));
        }
        if at.output_padding.0 >= at.stride.0 || at.output_padding.1 >= at.stride.1 {
            let expected = format!("an output padding {:?} smaller than the stride {:?}", at.output_padding, at.stride);
            return Err(shape(NAME, "output_padding", x, expected));
        }
        let extent = |size: usize, kernel: usize, stride: usize, padding: usize, behind: usize| {
            ((size - 1) * stride + kernel + behind).checked_sub(2 * padding).filter(|&size| size > 0)
        };
        let (Some(height), Some(width)) = (
            extent(small.height, kh, at.stride.0, at.padding.0, at.output_padding.0),
            extent(small.width, kw, at.stride.1, at.padding.1, at.output_padding.1),
        ) else {
            return Err(shape(NAME, "x", x, format!("an output larger than the padding {:?}", at.padding)));
        };
        let big = Image { height, width, channels: out };
        Ok(Self { samples, big, small, kernel: (kh, kw), stride: at.stride, padding: at.padding })
    }

    /// Numbers that one output of `gather` sums over.
    fn depth(&self) -> usize {
        self.kernel.0 * self.kernel.1 * self.big.channels
    }

    /// Small positions in the batch.
    fn positions(&self) -> usize {
        self.samples * self.small.height * self.small.width
    }

    /// The patches of the big image that the small positions see.
    fn patches<'a>(&self, big: &'a [f32]) -> Patches<'a> {
        let axis = |extent: usize, kernel: usize, stride: usize, padding: usize| Window {
            positions: extent,
            step: stride,
            first: -(padding as isize),
            taps: kernel,
        };
        Patches {
            data: big,
            image: self.big,
            y: axis(self.small.height, self.kernel.0, self.stride.0, self.padding.0),
            x: axis(self.small.width, self.kernel.1, self.stride.1, self.padding.1),
        }
    }

    /// `small = finish(patches(big) weightᵀ)`, for `weight: [small, KH, KW, big]`.
    pub(crate) fn gather(&self, big: &[f32], weight: &[f32], small: &mut [f32], finish: Finish<'_>) {
        let size = Size { rows: self.positions(), columns: self.small.channels, depth: self.depth() };
        let offset = |row: usize| row * size.columns;
        let Finish { bias, activation } = finish;
        let target = Rows { out: Shared::new(small), offset, bias, activation, add: false };
        let mut room = None;
        gemm::product(size, &self.patches(big).padded(&mut room), &Matrix::rows(weight, size.depth), &target);
    }
}

/// Samples and image of `x`, and the dimensions of `weight`.
fn read(operation: &'static str, x: &Tensor, weight: &Tensor, at: Stride2) -> Result<(usize, Image, [usize; 4])> {
    let &[samples, height, width, channels] = x.dims() else {
        return Err(shape(operation, "x", x, "[N, H, W, C]".into()));
    };
    if x.elem_count() == 0 {
        return Err(shape(operation, "x", x, "at least one sample, row, column and channel".into()));
    }
    let &[a, kh, kw, b] = weight.dims() else {
        return Err(shape(operation, "weight", weight, "four dimensions".into()));
    };
    if weight.elem_count() == 0 || at.stride.0 == 0 || at.stride.1 == 0 {
        return Err(shape(
            operation,
            "weight",
            weight,
            format!("no empty dimension, and a stride {:?} above zero", at.stride),
        ));
    }
    Ok((samples, Image { height, width, channels }, [a, kh, kw, b]))
}

fn shape(operation: &'static str, argument: &'static str, found: &Tensor, expected: String) -> Error {
    Error::Shape { operation, argument, found: found.dims().to_vec(), expected }
}
