//! Sparse autoencoders with an overcomplete dictionary: `f = rule(W (u - c) + b)`, `v = Σ f_i d_i + c`, directions `d_i` of
//! length 1.
//!
//! `u` is a sample as networks see it (mean square 1 a value). A [`Rule`] says which latents are active; the rest is the
//! same for all variants: unit directions whose gradients lose their radial part, the centre `c` at the geometric median of
//! training rows (Bricken et al. 2023), counts of idle latents in buffers, and the revival of dead ones (Gao et al. 2024).

pub mod activity;
pub mod autoencoder;
pub mod code;
pub mod dictionary;
pub mod median;
pub mod options;
pub mod pressure;
pub mod revival;
pub mod rule;

pub use activity::Activity;
pub use autoencoder::{Parts, SparseAutoencoder};
pub use code::Code;
pub use dictionary::Dictionary;
pub use pressure::Pressure;
pub use revival::Revival;
pub use rule::{Coded, Pass, Rule};
