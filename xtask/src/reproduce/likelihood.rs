//! The likelihood of MNIST under `vae` and `iwae` as Burda, Grosse & Salakhutdinov 2016 measure it: pixels drawn anew as
//! black or white, 50 latents, two layers of 200 units, the bound with 5,000 codes for each test picture.

use super::Row;
use super::runs::{Runs, number};
use crate::{Result, repository};

/// What the paper reports, in nats.
const PAPER: [(&str, f64); 2] = [("vae", 86.76), ("iwae", 85.54)];

/// Trains both and measures them.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = runs.data("mnist")?;
    let mut rows = Vec::new();
    let mut measured = Vec::new();
    for (model, paper) in PAPER {
        let config = repository::root().join(format!("examples/configs/burda-2016-{model}.toml"));
        runs.train(model, &mnist, &["--config", &config.to_string_lossy()])?;
        let found = runs.evaluate(model, &mnist, &["--split", "test", "--samples", "5000"])?;
        let nats = number(&found, "/likelihood/negative_log_likelihood")?;
        println!("{model}: {nats:.2} nats; {paper} in the paper");
        measured.push(nats);
    }
    let what = "MNIST, dynamic binarisation, 50 latents, 5,000 codes a test picture: -log p(x) of";
    rows.push(Row::at_most(format!("{what} `vae`, nats"), measured[0], 87.5, "86.76 in the paper"));
    let gain = measured[0] - measured[1];
    rows.push(Row::at_least(
        format!("{what} `vae` less that of `iwae` with k = 5, nats"),
        gain,
        0.8,
        "1.22 in the paper",
    ));
    Ok(rows)
}
