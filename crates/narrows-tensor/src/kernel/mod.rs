//! The machinery under the fused operations: slices of tensors, parallel loops, vector code chosen at run time.

pub(crate) mod by_column;
pub(crate) mod conv;
pub(crate) mod epilogue;
pub(crate) mod gemm;
pub(crate) mod lists;
pub(crate) mod math;
pub(crate) mod parallel;
pub(crate) mod perceptron;
pub(crate) mod picked;
pub(crate) mod pointwise;
mod pool;
pub(crate) mod scratch;
pub(crate) mod screen;
pub(crate) mod select;
pub(crate) mod simd;
pub(crate) mod sparse;
pub(crate) mod storage;
