//! Where windows may lie: runs of rows that are in one part of the split, in one recording, in the order of time.

use std::ops::Range;

use crate::prepare::sweep::sweep;
use crate::schema::Role;
use crate::{ColumnData, Error, Result, Subset};

/// A row that is older than the one before it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Restart {
    /// The row of the source, from 0.
    pub row: usize,
    /// The time of the row before, in seconds since 1970 for times.
    pub before: f64,
    /// Its own.
    pub time: f64,
}

/// The runs of consecutive rows of `subset` within which windows are formed. A run ends where the part of the split
/// ends, so windows of different parts never share a row; where a group ends; and where time goes backwards, which
/// begins another recording. Unequal steps of time are taken as they are.
pub(super) fn spans<K>(subset: &Subset<K>) -> Result<(Vec<Range<usize>>, Vec<Restart>)> {
    let source = subset.source();
    let runs: Vec<Range<usize>> = match (source.groups(), subset.contiguous()) {
        (None, Some(range)) => vec![range],
        (None, None) => return Err(Error::WindowSplit { origin: source.origin().to_owned() }),
        (Some(groups), _) => groups.iter().filter_map(|group| run_in(subset, group)).collect(),
    };
    let restarts = restarts(subset)?;
    let mut cuts = restarts.iter().map(|restart| restart.row).peekable();
    let mut spans = Vec::with_capacity(runs.len());
    for run in runs {
        let mut start = run.start;
        while let Some(cut) = cuts.next_if(|cut| *cut < run.end) {
            if cut > start {
                spans.push(start..cut);
                start = cut;
            }
        }
        spans.push(start..run.end);
    }
    Ok((spans, restarts))
}

/// The rows of `group` in the subset, which are consecutive: groups are never parted, only cut by bounds.
fn run_in<K>(subset: &Subset<K>, group: &Range<usize>) -> Option<Range<usize>> {
    let start = group.clone().find(|row| subset.contains(*row))?;
    let end = (start..group.end).find(|row| !subset.contains(*row)).unwrap_or(group.end);
    Some(start..end)
}

/// The rows whose time is before that of the row above.
fn restarts<K>(subset: &Subset<K>) -> Result<Vec<Restart>> {
    let Some(column) = subset.source().schema().role(Role::Time) else { return Ok(Vec::new()) };
    let mut restarts = Vec::new();
    let mut latest = f64::NAN;
    sweep(
        subset,
        |block, places, first_row| {
            let Some(ColumnData::Numbers(times)) = block.columns.get(column) else { return Ok(Vec::new()) };
            let known = places.iter().map(|&place| (first_row + place, times[place]));
            Ok(known.filter(|(_, time)| !time.is_nan()).collect::<Vec<_>>())
        },
        |times| {
            for (row, time) in times {
                if time < latest {
                    restarts.push(Restart { row, before: latest, time });
                }
                latest = time;
            }
        },
    )?;
    Ok(restarts)
}
