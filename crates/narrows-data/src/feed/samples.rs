//! The prepared samples of a subset, block by block: single rows, or the windows that begin in a block.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::spans::{Restart, spans};
use crate::{Any, Block, Encoder, Notices, Preparation, Result, Rows, Source, Subset, Window};

/// The samples of a subset in file order.
#[derive(Debug)]
pub(super) struct Samples {
    subset: Subset<Any>,
    encoder: Encoder,
    windows: Option<Windows>,
    counts: Vec<usize>,
    total: usize,
}

#[derive(Debug)]
struct Windows {
    window: Window,
    spans: Vec<Range<usize>>,
    restarts: Vec<Restart>,
}

/// What is loaded beside the features.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Extras {
    /// The raw rows.
    pub(super) values: bool,
    /// What is remarkable about them.
    pub(super) notices: bool,
}

/// Prepared samples of one block.
#[derive(Debug)]
pub(super) struct Loaded {
    pub(super) rows: Rows,
    /// The row of the source that each sample is, or begins at.
    pub(super) numbers: Vec<usize>,
    /// The raw rows; none for windows.
    pub(super) values: Option<Block>,
    pub(super) notices: Notices,
}

impl Samples {
    pub(super) fn new<K>(subset: &Subset<K>, preparation: &Arc<Preparation>) -> Result<Self> {
        let source = subset.source();
        let encoder = Encoder::new(preparation.clone(), source.as_ref())?;
        let windows = match preparation.window() {
            Some(window) => {
                let (spans, restarts) = spans(subset)?;
                Some(Windows { window, spans, restarts })
            }
            None => None,
        };
        let count = |block: &Range<usize>| match &windows {
            Some(windows) => windows.starts(block).map(|starts| starts.len()).sum(),
            None => subset.places(block.clone()).len(),
        };
        let counts: Vec<usize> = source.blocks().par_iter().map(count).collect();
        let total = counts.iter().sum();
        Ok(Self { subset: subset.clone().unmarked(), encoder, windows, counts, total })
    }

    pub(super) fn source(&self) -> &dyn Source {
        self.subset.source().as_ref()
    }

    /// Whether samples are windows.
    pub(super) const fn are_windows(&self) -> bool {
        self.windows.is_some()
    }

    /// Where windows end because time goes backwards.
    pub(super) fn restarts(&self) -> &[Restart] {
        self.windows.as_ref().map_or(&[], |windows| &windows.restarts)
    }

    /// Samples in all blocks.
    pub(super) fn total(&self) -> usize {
        self.total
    }

    /// Samples of each block.
    pub(super) fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Features of a sample.
    pub(super) fn width(&self) -> usize {
        self.encoder.preparation().layout().width()
    }

    /// Reads and prepares the samples of block `index`.
    pub(super) fn load(&self, index: usize, extras: Extras) -> Result<Loaded> {
        let range = self.source().blocks()[index].clone();
        if let Some(windows) = &self.windows {
            return self.load_windows(index, &range, windows, extras.notices);
        }
        let places = self.subset.places(range.clone());
        let mut block = if places.is_empty() {
            return Ok(self.nothing());
        } else {
            self.source().read(index)?
        };
        if places.len() < block.rows {
            block = block.select(&places);
        }
        let numbers: Vec<usize> = places.into_iter().map(|place| range.start + place).collect();
        let rows = self.encoder.apply(&block, 0).map_err(|error| error.of_rows(&numbers))?;
        let notices = if extras.notices { self.encoder.notices(&block, &numbers) } else { Notices::default() };
        Ok(Loaded { rows, numbers, values: extras.values.then_some(block), notices })
    }

    fn nothing(&self) -> Loaded {
        let rows = Rows::with_capacity(0, self.width());
        Loaded { rows, numbers: Vec::new(), values: None, notices: Notices::default() }
    }

    fn load_windows(&self, index: usize, range: &Range<usize>, windows: &Windows, notice: bool) -> Result<Loaded> {
        let numbers: Vec<usize> = windows.starts(range).flatten().collect();
        let (Some(&first), Some(&last)) = (numbers.first(), numbers.last()) else {
            return Ok(self.nothing());
        };
        let end = last + windows.window.length();
        let row_width = self.encoder.preparation().layout().row_width();
        let mut steps = Rows::with_capacity(end - first, row_width);
        let mut notices = Notices::default();
        for (block, rows) in self.source().blocks().iter().enumerate().skip(index) {
            if rows.start >= end {
                break;
            }
            let read = self.source().read(block)?;
            let encoded = self.encoder.apply(&read, rows.start)?;
            let wanted = first.max(rows.start) - rows.start..end.min(rows.end) - rows.start;
            if notice {
                let numbers: Vec<usize> = rows.clone().collect();
                notices.extend(self.encoder.notices(&read, &numbers).within(first, end - 1));
            }
            steps.extend(&encoded, wanted);
        }
        let mut rows = Rows::with_capacity(numbers.len(), self.width());
        let starts = numbers.iter().map(|number| number - first);
        rows.extend_features(&steps.features, steps.observed.as_deref(), starts, row_width);
        Ok(Loaded { rows, numbers, values: None, notices })
    }
}

impl Windows {
    /// The first rows of the windows that begin in `block`.
    fn starts(&self, block: &Range<usize>) -> impl Iterator<Item = std::iter::StepBy<Range<usize>>> {
        let (length, stride) = (self.window.length(), self.window.stride());
        let first = self.spans.partition_point(|span| span.end <= block.start);
        let overlapping = self.spans[first..].iter().take_while({
            let end = block.end;
            move |span| span.start < end
        });
        let block = block.clone();
        overlapping.map(move |span| {
            let behind = block.start.saturating_sub(span.start).next_multiple_of(stride);
            let end = (span.end + 1).saturating_sub(length).min(block.end);
            (span.start + behind..end).step_by(stride)
        })
    }
}
