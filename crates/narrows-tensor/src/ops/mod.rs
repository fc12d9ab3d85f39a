//! Operations with backward, each chosen between a fused kernel (f32 on the CPU) and a composite of candle's own.

pub mod activation;
pub mod affine;
pub mod batch_norm;
pub mod centre;
pub mod conv;
pub mod conv1d;
mod conv_composite;
pub mod linear;
pub mod loss;
pub mod normalize;
pub mod perceptron;
pub mod ragged;
mod row_sums;
mod slope;
pub mod softmax;
pub mod sparse;
pub mod upsample;
