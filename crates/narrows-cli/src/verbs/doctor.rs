//! `narrows doctor`: whether this machine has what training needs.

use clap::Args;
use narrows::doctor::{Checkup, Place};

use super::Result;
use crate::arguments::Shared;
use crate::exit::Outcome;
use crate::terminal::table::Table;

/// Options of `narrows doctor`.
#[derive(Args, Debug)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Looks and prints.
    #[allow(clippy::unused_self, reason = "verbs have one form")]
    pub(crate) fn run(&self, shared: &Shared) -> Result {
        let checkup = Checkup::new(shared.data_dir.as_deref(), rayon::current_num_threads());
        if shared.json {
            say!("{}", serde_json::to_string(&checkup)?)?;
        } else {
            print(&checkup)?;
        }
        if checkup.is_well() {
            return Ok(Outcome::Done);
        }
        let problems = [&checkup.data, &checkup.temporary].into_iter().filter_map(|place| place.problem.clone());
        Err(narrows::Error::Unfit { problems: problems.collect() }.into())
    }
}

fn print(checkup: &Checkup) -> std::io::Result<()> {
    let mut table = Table::new(["narrows", checkup.version]);
    table.row(["platform", &checkup.platform]);
    let names = |present: bool| {
        let names: Vec<_> =
            checkup.instructions.iter().filter(|set| set.present == present).map(|set| set.name).collect();
        names.join(", ")
    };
    table.row(["vector instructions", &names(true)]);
    if checkup.instructions.iter().any(|set| !set.present) {
        table.row(["not there", &names(false)]);
    }
    table.row(["threads", &checkup.threads.to_string()]);
    if let Some(memory) = checkup.memory {
        let gib = |bytes: u64| bytes as f64 / f64::from(1 << 30);
        table.row(["memory", &format!("{:.1} GiB, {:.1} GiB available", gib(memory.total), gib(memory.available))]);
    }
    table.row(["datasets in", &place(&checkup.data)]);
    table.row(["datasets here", &checkup.datasets.join(", ")]);
    table.row(["temporary files", &place(&checkup.temporary)]);
    table.print()
}

fn place(place: &Place) -> String {
    let state = match (&place.problem, place.exists) {
        (Some(_), _) => "not writable",
        (None, true) => "writable",
        (None, false) => "made when needed",
    };
    format!("{} ({state})", place.path.display())
}
