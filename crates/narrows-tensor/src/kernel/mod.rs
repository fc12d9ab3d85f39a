//! The machinery under the fused operations: slices of tensors, parallel loops, vector code chosen at run time.

pub(crate) mod parallel;
pub(crate) mod simd;
pub(crate) mod storage;
