//! Losses per sample: one pass over outputs and targets, one more for the gradient.

mod bernoulli;
mod categorical;
mod gaussian;
mod kl;
mod squared;
mod sum;

pub use bernoulli::bce_with_logits;
pub use categorical::categorical;
pub use gaussian::gaussian_nll;
pub use kl::kl_gaussian;
pub use squared::squared_error;
