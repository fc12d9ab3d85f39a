//! Tensor utilities over candle: fused kernels, keyed randomness, parameter store, atomic tensor files.
