//! What each column of an alarm contributes: how far the score falls when the column has the value that the others let
//! expect.
//!
//! The expected value is that of the training row nearest in all other columns; where no rows are stored, the one at which
//! replacing the column by its reconstruction comes to rest. A column that is strange by itself explains the alarm alone;
//! columns that only contradict each other share it.

use narrows_core::{Autoencoder, Batch};
use narrows_tensor::{Device, Tensor};

use super::Detector;
use super::reasons;
use super::stored::StoredRows;
use crate::Result;

/// Columns that are tried for each alarm: those with the largest residuals.
const TRIED: usize = 8;
/// Times that a column is replaced by its reconstruction.
const ROUNDS: usize = 4;

/// One column of one alarm.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Attribution {
    pub(super) column: usize,
    /// Its share of the score; the shares of an alarm sum to at most 1.
    pub(super) share: f64,
    /// The features of the row with this column as expected.
    pub(super) expected: Vec<f32>,
}

/// The columns of each alarm, those that contribute most first.
///
/// # Errors
/// Candle cannot compute a score.
pub(super) fn attribute(
    detector: &Detector,
    network: &(impl Autoencoder + ?Sized),
    alarms: &Batch,
) -> Result<Vec<Vec<Attribution>>> {
    let evidence = detector.evidence(network, alarms)?;
    let x = crate::transform::flat(&alarms.x)?;
    let observed = alarms.observed.as_ref().map(crate::transform::flat).transpose()?;
    let count = alarms.x.dims().first().copied().unwrap_or(0);
    let width = x.len() / count.max(1);
    let mut tried: Vec<(usize, usize)> = Vec::new();
    for row in 0..count {
        let shares = detector.contributions(&evidence.row(row));
        tried.extend(reasons::strongest(&shares, TRIED).into_iter().map(|(column, _)| (row, column)));
    }
    let repeated = |values: &[f32]| -> Vec<f32> {
        tried.iter().flat_map(|(row, _)| values[row * width..(row + 1) * width].iter().copied()).collect()
    };
    let mut changed = repeated(&x);
    let known = observed.as_deref().map(repeated);
    let dims: Vec<usize> = std::iter::once(tried.len()).chain(alarms.x.dims()[1..].iter().copied()).collect();
    let tensor =
        |values: &[f32]| Tensor::from_slice(values, dims.as_slice(), &Device::Cpu).map_err(narrows_tensor::Error::from);
    let mut replace = |expected: &[f32]| {
        for (place, (_, column)) in tried.iter().enumerate() {
            for feature in detector.features(*column) {
                changed[place * width + feature] = expected[place * width + feature];
            }
        }
        changed.clone()
    };
    if let Some(nearest) = detector.stored().map(StoredRows::nearest) {
        let mut others = known.clone().unwrap_or_else(|| vec![1.0; tried.len() * width]);
        for (place, (_, column)) in tried.iter().enumerate() {
            detector.features(*column).for_each(|feature| others[place * width + feature] = 0.0);
        }
        let found = nearest.find(&tensor(&repeated(&x))?, Some(&tensor(&others)?))?;
        let rows = crate::transform::flat(nearest.rows())?;
        let expected: Vec<f32> =
            found.iter().flat_map(|one| rows[one.row * width..(one.row + 1) * width].iter().copied()).collect();
        replace(&expected);
    } else {
        let mut current = repeated(&x);
        for _ in 0..ROUNDS {
            let expected = crate::transform::flat(&network.reconstruct(&tensor(&current)?)?)?;
            current = replace(&expected);
        }
    }
    let observed = known.map(|known| tensor(&known)).transpose()?;
    let after = detector.evidence(network, &Batch { observed, ..Batch::new(tensor(&changed)?) })?;
    let mut attributions: Vec<Vec<Attribution>> = vec![Vec::new(); count];
    for (place, (row, column)) in tried.iter().enumerate() {
        let before = detector.score(&evidence.row(*row));
        let share = (1.0 - detector.score(&after.row(place)) / before.max(f64::MIN_POSITIVE)).max(0.0);
        let expected = changed[place * width..(place + 1) * width].to_vec();
        attributions[*row].push(Attribution { column: *column, share, expected });
    }
    for attribution in &mut attributions {
        let total: f64 = attribution.iter().map(|one| one.share).sum();
        for one in attribution.iter_mut() {
            one.share /= total.max(1.0);
        }
        attribution.sort_by(|a, b| b.share.total_cmp(&a.share));
        attribution.truncate(reasons::REASONS);
    }
    Ok(attributions)
}
