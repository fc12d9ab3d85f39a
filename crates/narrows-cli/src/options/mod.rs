//! Groups of options that several verbs share.

mod config;
mod reading;

pub(crate) use config::{ConfigOptions, TrainOptions};
pub(crate) use reading::{ReadOptions, SplitName};
