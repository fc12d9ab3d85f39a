//! `narrows completions`: what a shell needs to complete command lines.

use clap::{Args, CommandFactory as _};
use clap_complete::Shell;

use super::Result;
use crate::arguments::Arguments;
use crate::exit::Outcome;

/// Options of `narrows completions`.
#[derive(Args, Debug)]
pub(crate) struct Completions {
    /// The shell, e.g. `narrows completions bash > ~/.local/share/bash-completion/completions/narrows`.
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    /// Prints the script.
    pub(crate) fn run(&self) -> Result {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "narrows", &mut script);
        std::io::Write::write_all(&mut std::io::stdout().lock(), &script)?;
        Ok(Outcome::Done)
    }
}
