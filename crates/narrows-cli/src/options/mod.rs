//! Groups of options that several verbs share.

mod config;
mod output;
mod reading;
mod task;

pub(crate) use config::{ConfigOptions, TrainOptions};
pub(crate) use output::{OutputOptions, not_the_input, place};
pub(crate) use reading::{ReadOptions, SplitName, size};
pub(crate) use task::TaskName;
