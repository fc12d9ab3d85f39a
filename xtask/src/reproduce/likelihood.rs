//! The likelihood of MNIST under `vae` and `iwae` as Burda, Grosse & Salakhutdinov 2016 measure it: pixels drawn anew as
//! black or white, 50 latents, two layers of 200 units, the bound with 5,000 codes for each test picture. Both run side by
//! side, one thread each.

use super::Row;
use super::runs::{Runs, number, side_by_side};
use crate::{Result, repository};

/// What the paper reports, in nats.
const PAPER: [(&str, f64); 2] = [("vae", 86.76), ("iwae", 85.54)];
/// Minutes that a training may take on two cores.
const MINUTES: f64 = 45.0;

/// Trains both and measures them.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let measured = side_by_side(&PAPER, |(model, paper)| measure(runs, model, *paper))?;
    let what = "MNIST, dynamic binarisation, 50 latents, 5,000 codes a test picture: -log p(x) of";
    let mut rows = vec![Row::at_most(format!("{what} `vae`, nats"), measured[0].nats, 87.5, "86.76 in the paper")];
    let gain = measured[0].nats - measured[1].nats;
    let name = format!("{what} `vae` less that of `iwae` with k = 5, nats");
    rows.push(Row::at_least(name, gain, 0.8, "1.22 in the paper"));
    for ((model, _), Measured { minutes, .. }) in PAPER.into_iter().zip(measured) {
        let name = format!("minutes of one thread to train this `{model}`, beside the other");
        rows.push(Row::at_most(name, minutes, MINUTES, "two cores"));
    }
    Ok(rows)
}

struct Measured {
    nats: f64,
    minutes: f64,
}

fn measure(runs: &Runs, model: &str, paper: f64) -> Result<Measured> {
    let mnist = repository::data("mnist")?;
    let config = repository::root().join(format!("examples/configs/burda-2016-{model}.toml"));
    let seconds = runs.train_timed(model, &mnist, &["--threads", "1", "--config", &config.to_string_lossy()])?;
    let found = runs.evaluate(model, &mnist, &["--threads", "1", "--split", "test", "--samples", "5000"])?;
    let (nats, minutes) = (number(&found, "/likelihood/negative_log_likelihood")?, seconds / 60.0);
    println!("{model}: {nats:.2} nats after {minutes:.1} minutes; {paper} in the paper");
    Ok(Measured { nats, minutes })
}
