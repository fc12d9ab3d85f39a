//! A flag, set by a signal handler or another thread, that interrupts the run after the step in progress.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Flow, Observer, StepReport};
use crate::BoxError;

/// Asks for an interruption once its flag is set.
#[derive(Clone, Debug, Default)]
pub struct Interruption(Arc<AtomicBool>);

impl Interruption {
    /// An observer of `flag`.
    pub fn new(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }
}

impl Observer for Interruption {
    fn step(&mut self, _: &StepReport) -> Result<Flow, BoxError> {
        Ok(if self.0.load(Ordering::Relaxed) { Flow::Interrupt } else { Flow::Continue })
    }
}
