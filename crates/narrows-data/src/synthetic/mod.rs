//! Generated data by name, `synthetic:NAME?rows=N&seed=S`: for demonstrations, tests and benchmarks, without a file.

mod factors;
mod manifold;
mod payments;
mod sensors;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::keyed::{Stream, derive};
use crate::{Error, Memory, Result};

/// What can be generated: name, rows unless asked otherwise, and what it is.
pub const SYNTHETIC: [(&str, usize, &str); 4] = [
    (
        "manifold",
        10_000,
        "5 Gaussian clusters on a curved 2-dimensional surface in 20 dimensions, with noise; labelled",
    ),
    (
        "squares",
        10_000,
        "grey 32 x 32 pictures of a square; its place x, y and its size vary independently and are kept columns",
    ),
    ("sensors", 20_000, "4 seasonal sensors with drift and planted anomalies, one row a minute; labelled"),
    ("payments", 20_000, "card payments of mixed types with missing cells and planted fraud; labelled"),
];

/// The prefix of a synthetic dataset's name.
const PREFIX: &str = "synthetic:";

/// Whether `name` asks for generated data.
#[must_use]
pub fn is_synthetic(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// Generates the data that `name` asks for: `synthetic:NAME`, `synthetic:NAME?rows=N&seed=S`. The same name gives the
/// same rows everywhere.
///
/// # Errors
/// No such data can be generated, or a parameter is not `rows` (1 to 10,000,000) or `seed`.
pub fn synthetic(name: &str) -> Result<Memory> {
    let asked = name.strip_prefix(PREFIX).unwrap_or(name);
    let (kind, parameters) = asked.split_once('?').unwrap_or((asked, ""));
    let Some((kind, rows, _)) = SYNTHETIC.iter().find(|(known, ..)| *known == kind) else {
        let known = SYNTHETIC.map(|(known, ..)| known);
        return Err(Error::UnknownDataset { name: name.to_owned(), known: known.to_vec() });
    };
    let (mut rows, mut seed) = (*rows, 0_u64);
    for parameter in parameters.split('&').filter(|parameter| !parameter.is_empty()) {
        match parameter.split_once('=').map(|(key, value)| (key, value.parse::<u64>())) {
            Some(("rows", Ok(value))) if (1..=10_000_000).contains(&value) => rows = value as usize,
            Some(("seed", Ok(value))) => seed = value,
            _ => {
                return Err(Error::Setting {
                    name: "a parameter of synthetic data",
                    value: parameter.to_owned(),
                    expected: "rows=N with N from 1 to 10000000, or seed=N",
                });
            }
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(derive(seed, Stream::Synthetic, 0));
    let (schema, data) = match *kind {
        "manifold" => manifold::generate(rows, &mut random),
        "squares" => factors::generate(rows, &mut random),
        "sensors" => sensors::generate(rows, &mut random),
        _ => payments::generate(rows, &mut random),
    };
    Memory::new(name, schema, data)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ColumnData, Source};

    #[test]
    fn names_and_seeds_decide() {
        for (name, ..) in SYNTHETIC {
            let of = |seed| synthetic(&format!("synthetic:{name}?rows=50&seed={seed}")).unwrap();
            let (a, b, c) = (of(1), of(1), of(2));
            assert_eq!(a.rows(), 50);
            let shown = |source: &Memory| format!("{:?}", source.read(0).unwrap());
            assert_eq!(shown(&a), shown(&b), "{name}");
            assert_ne!(shown(&a), shown(&c), "{name}");
        }
        assert_eq!(synthetic("synthetic:sensors").unwrap().rows(), 20_000);
        for bad in
            ["synthetic:nothing", "synthetic:squares?rows=0", "synthetic:squares?row=3", "synthetic:squares?rows"]
        {
            assert!(synthetic(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn anomalies_are_rare_and_labelled() {
        for name in ["synthetic:sensors", "synthetic:payments"] {
            let source = synthetic(name).unwrap();
            let label = source.schema().role(crate::Role::Label).unwrap();
            let (mut anomalous, mut rows) = (0.0, 0.0);
            for index in 0..source.blocks().len() {
                let block = source.read(index).unwrap();
                let ColumnData::Numbers(labels) = &block.columns[label] else { panic!("labels are booleans") };
                anomalous += labels.iter().sum::<f64>();
                rows += labels.len() as f64;
            }
            assert!((0.002..0.05).contains(&(anomalous / rows)), "{name}: {}", anomalous / rows);
        }
    }
}
