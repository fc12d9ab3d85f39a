//! The training loop, optimizers, schedules, observers and checkpoints.
