//! The narrows command line: argv, terminal and exit codes. Everything it does is done by the facade.

#![deny(clippy::print_stdout)]

#[macro_use]
mod terminal;

mod arguments;
mod exit;
mod options;
mod verbs;

use clap::Parser as _;

/// glibc's allocator returns every large tensor to the system and asks for it again at the next step.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    narrows::narrows_tensor::candle_threads::keep_to_one();
    narrows::narrows_tensor::allocator::keep_freed_memory();
    let arguments = arguments::Arguments::parse();
    terminal::log::start(&arguments.shared);
    match verbs::run(&arguments) {
        Ok(outcome) => outcome.into(),
        Err(error) => exit::report(error.as_ref()),
    }
}
