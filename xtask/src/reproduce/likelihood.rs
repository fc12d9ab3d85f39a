//! The likelihood of MNIST under `vae` and `iwae` as Burda, Grosse & Salakhutdinov 2016 measure it: pixels drawn anew as
//! black or white, 50 latents, two layers of 200 units, the bound with 5,000 codes for each test picture. Both models pass
//! over the training pictures as often; a third run is longer.

use super::Row;
use super::runs::{Runs, number};
use crate::{Result, repository};

const WHAT: &str = "MNIST, dynamic binarisation, 50 latents, 5,000 codes a test picture: -log p(x) of";
/// Minutes that a training may take on two cores.
const MINUTES: f64 = 45.0;

/// Trains both, one after the other, and measures them.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let [vae, iwae] = [measure(runs, "vae")?, measure(runs, "iwae")?];
    let gain = format!("{WHAT} `vae` less that of `iwae` with k = 5 and as many passes, nats");
    let mut rows = vec![
        Row::at_most(format!("{WHAT} `vae`, nats"), vae.nats, 87.5, "86.76 in the paper"),
        Row::at_least(gain, vae.nats - iwae.nats, 0.8, "1.22 in the paper"),
    ];
    for (model, minutes) in [("vae", vae.minutes), ("iwae", iwae.minutes)] {
        rows.push(Row::at_most(format!("minutes to train this `{model}` with two threads"), minutes, MINUTES, ""));
    }
    Ok(rows)
}

/// Trains one code a picture for longer and measures it.
pub(super) fn long(runs: &Runs) -> Result<Vec<Row>> {
    let Measured { nats, minutes } = measure(runs, "vae-long")?;
    let what = format!("{WHAT} `vae` (`iwae` with one code and its gradient) after {minutes:.0} minutes, nats");
    Ok(vec![Row::at_most(what, nats, 86.8, "86.76 in the paper")])
}

struct Measured {
    nats: f64,
    minutes: f64,
}

fn measure(runs: &Runs, config: &str) -> Result<Measured> {
    let mnist = repository::data("mnist")?;
    let path = repository::root().join(format!("examples/configs/burda-2016-{config}.toml"));
    let seconds = runs.train_timed(config, &mnist, &["--threads", "2", "--config", &path.to_string_lossy()])?;
    let found = runs.evaluate(config, &mnist, &["--threads", "2", "--split", "test", "--samples", "5000"])?;
    let (nats, minutes) = (number(&found, "/likelihood/negative_log_likelihood")?, seconds / 60.0);
    println!("{config}: {nats:.3} nats after {minutes:.1} minutes");
    Ok(Measured { nats, minutes })
}
