//! All samples of a subset once, in file order: for evaluation, encoding and scoring.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use rayon::prelude::*;

use super::samples::{Extras, Loaded, Samples};
use super::spans::Restart;
use crate::{Block, Error, Notices, Preparation, Result, Rows, Subset};

/// Consecutive samples of a subset.
#[derive(Clone, Debug)]
pub struct Portion {
    /// The prepared samples.
    pub rows: Rows,
    /// For each sample its row in the source, from 0; for a window its first row.
    pub numbers: Vec<usize>,
    /// The raw rows, if asked for with [`InOrder::with_values`]; none for windows.
    pub values: Option<Block>,
    /// What is remarkable about the rows, if asked for with [`InOrder::with_notices`]. Those of windows come before the
    /// first window that holds them or with it, and may come again.
    pub notices: Notices,
}

/// Iterates over all samples of `subset` in file order, at most `batch` at a time (fewer at the end of a block).
/// Blocks are read and prepared in parallel ahead of the consumer, as many as there are threads.
///
/// # Errors
/// The preparation does not fit the source, or windows are asked for of a shuffled subset. The iterator's items can
/// fail with whatever reading and preparing meets; it ends after the first error.
pub fn in_order<K>(subset: &Subset<K>, preparation: &Arc<Preparation>, batch: usize) -> Result<InOrder> {
    let samples = Arc::new(Samples::new(subset, preparation)?);
    Ok(InOrder { samples, batch: batch.max(1), extras: Extras::default(), blocks: None, current: None })
}

/// See [`in_order`].
#[derive(Debug)]
pub struct InOrder {
    samples: Arc<Samples>,
    batch: usize,
    extras: Extras,
    blocks: Option<Receiver<Result<Loaded>>>,
    current: Option<(Loaded, usize)>,
}

impl InOrder {
    /// The same portions with their raw rows.
    #[must_use]
    pub fn with_values(mut self) -> Self {
        self.extras.values = true;
        self
    }

    /// The same portions with what is remarkable about their rows.
    #[must_use]
    pub fn with_notices(mut self) -> Self {
        self.extras.notices = true;
        self
    }

    /// Where windows end because time goes backwards.
    #[must_use]
    pub fn restarts(&self) -> &[Restart] {
        self.samples.restarts()
    }

    /// The number of samples in all portions.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples.total()
    }

    /// Starts the thread that reads ahead. It is none of rayon's, because it waits for the consumer, and the consumer may
    /// need all of those.
    fn start(&self) -> Result<Receiver<Result<Loaded>>> {
        let wave = rayon::current_num_threads().max(1);
        let (sender, receiver) = sync_channel(wave);
        let (samples, extras) = (self.samples.clone(), self.extras);
        let run = move || {
            let blocks: Vec<usize> = (0..samples.counts().len()).filter(|&block| samples.counts()[block] > 0).collect();
            for wave in blocks.chunks(wave) {
                let loaded: Vec<_> = wave.par_iter().map(|&block| samples.load(block, extras)).collect();
                for block in loaded {
                    let failed = block.is_err();
                    if sender.send(block).is_err() || failed {
                        return;
                    }
                }
            }
        };
        let thread = std::thread::Builder::new().name("narrows-read".into()).spawn(run);
        match thread {
            Ok(_) => Ok(receiver),
            Err(source) => {
                let path = self.samples.source().origin().into();
                Err(Error::Io { path, action: "cannot start a thread that reads it", source })
            }
        }
    }
}

impl Iterator for InOrder {
    type Item = Result<Portion>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.current.is_none() {
            if self.blocks.is_none() {
                match self.start() {
                    Ok(blocks) => self.blocks = Some(blocks),
                    Err(error) => return Some(Err(error)),
                }
            }
            match self.blocks.as_ref()?.recv().ok()? {
                Ok(loaded) => self.current = Some((loaded, 0)),
                Err(error) => return Some(Err(error)),
            }
        }
        let (loaded, start) = self.current.take()?;
        let end = (start + self.batch).min(loaded.rows.rows);
        let whole = start == 0 && end == loaded.rows.rows;
        if whole {
            let Loaded { rows, numbers, values, notices } = loaded;
            return Some(Ok(Portion { rows, numbers, values, notices }));
        }
        let portion = slice(&loaded, start..end, self.samples.are_windows());
        self.current = (end < loaded.rows.rows).then_some((loaded, end));
        Some(Ok(portion))
    }
}

fn slice(loaded: &Loaded, range: Range<usize>, windows: bool) -> Portion {
    let mut rows = Rows::with_capacity(range.len(), loaded.rows.width);
    rows.extend(&loaded.rows, range.clone());
    let values = loaded.values.as_ref().map(|block| block.slice(range.clone()));
    let numbers = loaded.numbers[range.clone()].to_vec();
    let notices = match (numbers.first(), numbers.last()) {
        (Some(&first), Some(&last)) if !windows => loaded.notices.within(first, last),
        _ if windows && range.start == 0 => loaded.notices.clone(),
        _ => Notices::default(),
    };
    Portion { rows, numbers, values, notices }
}
