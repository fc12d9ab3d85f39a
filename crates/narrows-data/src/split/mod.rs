//! Training, validation and test rows: which is which, as a function of the configuration and the seed.

mod assign;
mod config;
mod subset;

use std::ops::Range;
use std::sync::Arc;

pub use config::{Fractions, SplitBy, SplitConfig};
pub use subset::{Any, Split, Subset, Test, Train, Validation};

use crate::keyed::{Permutation, Stream, derive};
use crate::{Error, Result, Source};
use subset::Members;

/// The three parts of a source. Validation and test are empty where their fraction is 0.
///
/// Each row is in exactly one part, and the sizes are exact: `n` rows give `round(n * fraction)` (at least one) to test
/// and validation, the rest to training. Where rows belong to groups ([`Source::groups`]) the sizes count groups, and
/// no group is parted. A source with rows set aside by its authors ([`Source::fixed_test`]) keeps them as its test
/// part, and the other fractions share the rest.
#[derive(Clone, Debug)]
pub struct Splits {
    /// Rows to fit on.
    pub train: Subset<Train>,
    /// Rows to choose by.
    pub validation: Subset<Validation>,
    /// Rows to report on.
    pub test: Subset<Test>,
}

impl Splits {
    /// Splits `source`.
    ///
    /// # Errors
    /// Too few rows for three parts, a split by label without labels or with more classes than rows in a part, or the
    /// label column cannot be read.
    pub fn new(source: &Arc<dyn Source>, config: &SplitConfig) -> Result<Self> {
        let rows = source.rows();
        let fixed = source.fixed_test().filter(|_| config.by != SplitBy::Time);
        if let Some(test) = fixed {
            return assign::around_fixed_test(source, config, test);
        }
        let of = |parts| Ok(Self::from_members(source, parts));
        match (config.by, source.groups()) {
            (SplitBy::Time, _) => {
                let [train, validation, _] = sizes(source, rows, config.fractions)?;
                let place = |start, end| (Members::Every, start..end);
                of([place(0, train), place(train, train + validation), place(train + validation, rows)])
            }
            (SplitBy::Shuffled, None) => {
                let [train, validation, _] = sizes(source, rows, config.fractions)?;
                let permutation = Permutation::new(rows, derive(config.seed, Stream::Split, 0));
                let place = |start, end| (Members::Permuted { permutation, places: start..end }, 0..rows);
                of([place(0, train), place(train, train + validation), place(train + validation, rows)])
            }
            (SplitBy::Shuffled | SplitBy::Label, Some(groups)) => assign::by_group(source, config, groups),
            (SplitBy::Label, None) => assign::by_label(source, config),
        }
    }

    fn from_members(source: &Arc<dyn Source>, parts: [(Members, Range<usize>); 3]) -> Self {
        let [train, validation, test] = parts;
        Self {
            train: Subset::new(source.clone(), train.0, train.1),
            validation: Subset::new(source.clone(), validation.0, validation.1),
            test: Subset::new(source.clone(), test.0, test.1),
        }
    }
}

/// Exact sizes of the three parts of `count` rows or groups.
fn sizes(source: &Arc<dyn Source>, count: usize, fractions: Fractions) -> Result<[usize; 3]> {
    let [train, validation, test] = fractions.shares();
    let needed = [train, validation, test].iter().filter(|fraction| **fraction > 0.0).count();
    let part = |fraction: f64| if fraction > 0.0 { ((count as f64 * fraction).round() as usize).max(1) } else { 0 };
    let (validation, test) = (part(validation), part(test));
    if count < needed || validation + test >= count {
        let (origin, purpose) = (source.origin().to_owned(), "a split into training, validation and test rows");
        let advice = "collect more rows, or change the fractions";
        return Err(Error::TooFewRows { origin, rows: count, needed: needed.max(count + 1), purpose, advice });
    }
    Ok([count - validation - test, validation, test])
}
