//! The variants, one file each: paper, formula, configuration, construction, and tests of its own mathematics.

pub mod ae;
pub mod batch_top_k;
pub mod beta_tc_vae;
pub mod beta_vae;
pub mod conditional_vae;
pub mod contractive;
pub mod conv_ae;
pub mod dae;
pub mod factor_vae;
pub mod fsq;
pub mod gated;
pub mod info_vae;
pub mod iwae;
pub mod jump_relu;
pub mod kl_sae;
pub mod l1_sae;
pub mod linear_ae;
pub mod matryoshka;
pub mod rae;
pub mod rq_vae;
pub mod stacked;
pub mod top_k;
pub mod vae;
pub mod vamp_vae;
pub mod vq_vae;
pub mod wae_mmd;
