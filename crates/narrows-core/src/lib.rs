//! The vocabulary of Narrows: autoencoders, losses, batches, steps, schedules, errors.
