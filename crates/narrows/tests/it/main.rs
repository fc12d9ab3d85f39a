//! What holds only where models and training meet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod example_configs;
mod resume;
