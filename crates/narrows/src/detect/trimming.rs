//! Training rows that may be anomalies, left out before anything is fitted.
//!
//! A training row is as strange as the way to a tenth of all training rows is long ([`KthNeighbour`]): a few rows far off are,
//! and so is a group of rows that are alike, as long as it is less than a tenth. The strangest share goes. Every tenth of a
//! thousand evenly spaced rows stands for all.

use std::sync::Arc;

use narrows_data::{Preparation, Subset, Train, in_order};
use narrows_eval::scorer::KthNeighbour;

use super::Trim;
use crate::evaluate::ROWS;
use crate::{Error, Result};

/// Rows that stand for all.
const REFERENCES: usize = 1_000;
/// The share of rows that must be met.
const MET: f64 = 0.1;

/// The training rows without the share `trim` of the strangest.
///
/// # Errors
/// Rows form windows, or cannot be read.
pub(crate) fn without_strangest(
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
    trim: Trim,
) -> Result<Subset<Train>> {
    let layout = preparation.layout();
    if layout.steps > 1 {
        let reason = "trim: rows of windows cannot be left out one by one; train on a stretch that is known to be normal, or use \
                      --set train.trim=0.05";
        return Err(Error::Detect { reason: reason.into() });
    }
    let portions = in_order(train, preparation, ROWS)?;
    let apart = portions.samples().div_ceil(REFERENCES).max(1);
    let (mut references, mut seen) = (Vec::new(), 0_usize);
    for portion in portions {
        for row in portion?.rows.features.chunks_exact(layout.width()) {
            if seen.is_multiple_of(apart) {
                references.extend_from_slice(row);
            }
            seen += 1;
        }
    }
    let nearest = KthNeighbour::new(&references, &layout.metric(), MET)?;
    let mut strange: Vec<(f64, usize)> = Vec::with_capacity(seen);
    for portion in in_order(train, preparation, ROWS)? {
        let portion = portion?;
        strange.extend(nearest.distances(&portion.rows.features).into_iter().zip(portion.numbers));
    }
    // Of rows that are equally strange the first stay.
    strange.sort_by(|a, b| b.0.total_cmp(&a.0).then(b.1.cmp(&a.1)));
    strange.truncate((trim.get() * seen as f64) as usize);
    let mut rows: Vec<usize> = strange.into_iter().map(|(_, row)| row).collect();
    rows.sort_unstable();
    Ok(train.without(&rows))
}
