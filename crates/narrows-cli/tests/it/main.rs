//! The program from outside: command lines in, exit codes, messages and files out.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_detection;
mod bad_files;
mod bad_models;
mod bad_options;
mod bad_pictures;
mod bad_tables;
mod careful;
mod catalogue;
mod comparing;
mod contamination;
mod denoising;
mod detection;
mod files;
mod following;
mod full_disk;
mod generation;
mod inspection;
mod interruption;
mod json_lines;
mod likelihoods;
mod memory;
mod one_class;
mod results;
mod scene;
mod scores;
