//! The variants, one file each: paper, formula, configuration, construction, and tests of its own mathematics.

pub mod ae;
pub mod beta_tc_vae;
pub mod beta_vae;
pub mod conv_ae;
pub mod dae;
pub mod factor_vae;
pub mod fsq;
pub mod info_vae;
pub mod iwae;
pub mod linear_ae;
pub mod rq_vae;
pub mod vae;
pub mod vamp_vae;
pub mod vq_vae;
pub mod wae_mmd;
