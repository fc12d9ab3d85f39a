//! Metrics, scores and the PCA baseline.
