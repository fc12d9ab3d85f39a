//! `narrows man`: a manual page for the program and for each verb.

use std::path::{Path, PathBuf};

use clap::{Args, Command, CommandFactory as _};
use clap_mangen::Man;
use narrows::Error;

use super::Result;
use crate::arguments::Arguments;
use crate::exit::Outcome;

/// Options of `narrows man`.
#[derive(Args, Debug)]
pub(crate) struct Manual {
    /// Where to put the pages; made where it does not exist.
    dir: PathBuf,
    /// Replace pages that are there.
    #[arg(long)]
    force: bool,
}

impl Manual {
    /// Writes narrows.1, narrows-train.1 and so on.
    pub(crate) fn run(&self) -> Result {
        let mut program = Arguments::command();
        program.build();
        let mut pages = Vec::new();
        gather(&program, &mut pages)?;
        let io = |source| Error::Io { path: self.dir.clone(), action: "cannot create", source };
        std::fs::create_dir_all(&self.dir).map_err(io)?;
        if !self.force
            && let Some(path) = pages.iter().map(|(name, _)| self.dir.join(name)).find(|path| path.exists())
        {
            return Err(Error::Data(narrows::narrows_data::Error::Exists { path }).into());
        }
        for (name, page) in &pages {
            narrows::write_file(&self.dir.join(name), page).map_err(Error::File)?;
        }
        tracing::info!("{} pages in {}", pages.len(), self.dir.display());
        Ok(Outcome::Done)
    }
}

/// The pages of `command` and of all below it.
fn gather(command: &Command, pages: &mut Vec<(PathBuf, Vec<u8>)>) -> std::io::Result<()> {
    let man = Man::new(command.clone());
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((Path::new(&man.get_filename()).to_owned(), page));
    let inner = command.get_subcommands().filter(|inner| inner.get_name() != "help" && !inner.is_hide_set());
    inner.into_iter().try_for_each(|inner| gather(inner, pages))
}
