//! The variants, one file each: paper, formula, configuration, construction, and tests of its own mathematics.

pub mod ae;
pub mod beta_vae;
pub mod conv_ae;
pub mod dae;
pub mod linear_ae;
pub mod vae;
