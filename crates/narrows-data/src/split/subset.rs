//! Some of a source's rows, marked in the type by the split they belong to.

use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::ops::Range;
use std::sync::Arc;

use crate::keyed::Permutation;
use crate::{Error, Result, Source};

mod sealed {
    pub trait Sealed {}
}

/// A part of a split, as a type.
pub trait Split: sealed::Sealed + 'static {
    /// Its name in messages and on the command line.
    const NAME: &'static str;
}

macro_rules! split {
    ($($(#[$doc:meta])* $name:ident = $text:literal),*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Split for $name { const NAME: &'static str = $text; }
    )*};
}

split! {
    /// Rows that preparation and model are fitted on.
    Train = "train",
    /// Rows that decide when to stop and which model is best.
    Validation = "validation",
    /// Rows that the final figures are computed on.
    Test = "test",
    /// Rows of any part; nothing can be fitted on them.
    Any = "all"
}

/// The rows of `source` that belong to the part `K`.
///
/// Only a split makes a `Subset<Train>`, and preparations are fitted on nothing else:
///
/// ```
/// # use narrows_data::{PrepareConfig, Preparation, Splits};
/// fn fit(splits: &Splits, config: &PrepareConfig) {
///     let fitted = Preparation::fit(&splits.train, config);
/// }
/// ```
///
/// ```compile_fail,E0308
/// # use narrows_data::{PrepareConfig, Preparation, Splits};
/// fn leak(splits: &Splits, config: &PrepareConfig) {
///     let fitted = Preparation::fit(&splits.test, config); // expected `Subset<Train>`, found `Subset<Test>`
/// }
/// ```
pub struct Subset<K> {
    source: Arc<dyn Source>,
    members: Members,
    within: Range<usize>,
    rows: usize,
    split: PhantomData<fn() -> K>,
}

/// Which rows belong, before the bounds of `within`.
#[derive(Clone, Debug)]
pub(super) enum Members {
    /// All.
    Every,
    /// Those whose place in a permutation of all rows lies in a range.
    Permuted { permutation: Permutation, places: Range<usize> },
    /// Those of one part in a list with two bits for each row.
    Assigned { parts: Arc<[u8]>, part: u8 },
}

impl Members {
    fn contains(&self, row: usize) -> bool {
        match self {
            Self::Every => true,
            Self::Permuted { permutation, places } => places.contains(&permutation.forward(row)),
            Self::Assigned { parts, part } => parts[row / 4] >> (row % 4 * 2) & 3 == *part,
        }
    }
}

impl<K> Subset<K> {
    pub(super) fn new(source: Arc<dyn Source>, members: Members, within: Range<usize>) -> Self {
        let rows = match &members {
            Members::Permuted { places, .. } if within == (0..source.rows()) => places.len(),
            Members::Every => within.len(),
            members => within.clone().filter(|&row| members.contains(row)).count(),
        };
        Self { source, members, within, rows, split: PhantomData }
    }

    /// The source that the rows belong to.
    pub fn source(&self) -> &Arc<dyn Source> {
        &self.source
    }

    /// The number of rows in this part.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether there are no rows in this part.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether row `row` of the source is in this part.
    pub fn contains(&self, row: usize) -> bool {
        self.within.contains(&row) && row < self.source.rows() && self.members.contains(row)
    }

    /// The rows of `range` that are in this part, as places counted from its start.
    pub fn places(&self, range: Range<usize>) -> Vec<usize> {
        let bounds = range.start.max(self.within.start)..range.end.min(self.within.end);
        bounds.filter(|&row| self.members.contains(row)).map(|row| row - range.start).collect()
    }

    /// The rows as one range, where they are one by construction (a split by time, a whole source).
    pub fn contiguous(&self) -> Option<Range<usize>> {
        matches!(self.members, Members::Every).then(|| self.within.clone())
    }

    /// The first `limit` rows in file order.
    #[must_use]
    pub fn limit(self, limit: usize) -> Self {
        if limit >= self.rows {
            return self;
        }
        let mut count = 0;
        let beyond = self.within.clone().find(|&row| {
            count += usize::from(self.members.contains(row));
            count > limit
        });
        let end = beyond.unwrap_or(self.within.end);
        Self { within: self.within.start..end, rows: limit, ..self }
    }

    /// The same rows without those called `rows`, in rising order.
    #[must_use]
    pub fn without(&self, rows: &[usize]) -> Self {
        // Two bits a row: 0 for those that stay, 3 for all others.
        let mut parts = vec![u8::MAX; self.source.rows().div_ceil(4)];
        for row in self.within.clone().filter(|row| self.contains(*row) && rows.binary_search(row).is_err()) {
            parts[row / 4] &= !(3 << (row % 4 * 2));
        }
        Self::new(self.source.clone(), Members::Assigned { parts: parts.into(), part: 0 }, self.within.clone())
    }

    /// The same rows without the mark of their split.
    pub fn unmarked(self) -> Subset<Any> {
        Subset { source: self.source, members: self.members, within: self.within, rows: self.rows, split: PhantomData }
    }

    /// At least `needed` rows, for `purpose`.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] with `advice`.
    pub(crate) fn require(&self, needed: usize, purpose: &'static str, advice: &'static str) -> Result<()> {
        if self.rows >= needed {
            return Ok(());
        }
        Err(Error::TooFewRows { origin: self.source.origin().to_owned(), rows: self.rows, needed, purpose, advice })
    }
}

impl Subset<Any> {
    /// All rows of `source`.
    pub fn all(source: Arc<dyn Source>) -> Self {
        let rows = source.rows();
        Self::new(source, Members::Every, 0..rows)
    }
}

impl Subset<Test> {
    /// All rows of `source`, which is a test set of its own.
    pub fn whole(source: Arc<dyn Source>) -> Self {
        let rows = source.rows();
        Self::new(source, Members::Every, 0..rows)
    }
}

impl<K> Clone for Subset<K> {
    fn clone(&self) -> Self {
        Self {
            source: self.source.clone(),
            members: self.members.clone(),
            within: self.within.clone(),
            rows: self.rows,
            split: PhantomData,
        }
    }
}

impl<K: Split> Debug for Subset<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows ({}) of {}", self.rows, K::NAME, self.source.origin())
    }
}
