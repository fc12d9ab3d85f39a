//! `narrows init`: a configuration file to start from.

use clap::Args;

use super::Result;
use crate::exit::Outcome;

/// Options of `narrows init`.
#[derive(Args, Debug)]
pub(crate) struct Init {
    /// The variant to configure; without it, one is chosen when the data are read.
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
}

impl Init {
    /// Prints the file.
    pub(crate) fn run(&self) -> Result {
        let text = narrows::starter(self.model.as_deref())?;
        std::io::Write::write_all(&mut std::io::stdout().lock(), text.as_bytes())?;
        Ok(Outcome::Done)
    }
}
