//! Prepared samples for training, shuffled as a function of the step, and for use, in file order.

mod in_order;
mod row_scores;
mod samples;
mod spans;
mod streamed;

use std::sync::Arc;

use rayon::prelude::*;

pub use in_order::{InOrder, Portion, in_order};
pub use row_scores::RowScores;
pub use spans::Restart;

use crate::keyed::{Permutation, Stream, derive};
use crate::{Error, Preparation, Result, Rows, Subset};
use samples::{Extras, Samples};
use streamed::Streamed;

/// How training batches are served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedConfig {
    /// Samples in a batch.
    pub batch: usize,
    /// Seed of the order.
    pub seed: u64,
    /// Bytes of prepared samples that may be held.
    pub budget: usize,
}

impl Default for FeedConfig {
    fn default() -> Self {
        Self { batch: 128, seed: 0, budget: 256 << 20 }
    }
}

/// Shuffled batches: the batch of a step depends on the data, the seed and the step, and on nothing else, whichever
/// steps were asked for before.
///
/// Samples that fit in the budget are held and each epoch draws them in a permutation of its own. Else each epoch
/// permutes the blocks of the file, reads as many at a time as a quarter of the budget holds, and draws these samples in
/// a permutation, while a thread reads the next ones. An epoch is `samples / batch` steps: what is left over after the
/// last whole batch is not drawn in this epoch (it is another remainder in each).
#[derive(Debug)]
pub struct Feed {
    samples: Arc<Samples>,
    config: FeedConfig,
    held: Held,
}

#[derive(Debug)]
enum Held {
    All(Rows),
    Some(Streamed),
}

impl Feed {
    /// Serves the samples of `subset`; reads them now if they fit in the budget.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] when there are fewer samples than a batch needs; whatever reading and preparing can meet.
    pub fn new<K>(subset: &Subset<K>, preparation: &Arc<Preparation>, config: FeedConfig) -> Result<Self> {
        if config.batch == 0 {
            return Err(Error::Setting { name: "batch", value: "0".into(), expected: "a whole number above 0" });
        }
        let samples = Arc::new(Samples::new(subset, preparation)?);
        if samples.total() == 0 && preparation.layout().steps > 1 {
            return Err(Error::TooFewRows {
                origin: samples.source().origin().to_owned(),
                rows: 0,
                needed: 1,
                purpose: "training on windows",
                advice: "sort the file by its time column: no window may reach over a place where time goes backwards; \
                         or choose a shorter --window",
            });
        }
        if samples.total() < config.batch {
            return Err(Error::TooFewRows {
                origin: samples.source().origin().to_owned(),
                rows: samples.total(),
                needed: config.batch,
                purpose: "a batch of training samples",
                advice: "choose a smaller batch (--batch), or collect more rows",
            });
        }
        let bytes = samples.total().saturating_mul(samples.width()).saturating_mul(size_of::<f32>());
        let held = if bytes <= config.budget {
            let all: Vec<usize> = (0..samples.counts().len()).collect();
            Held::All(load_all(&samples, &all)?)
        } else {
            Held::Some(Streamed::new(samples.clone(), config))
        };
        Ok(Self { samples, config, held })
    }

    /// The number of samples.
    #[must_use]
    pub fn samples(&self) -> usize {
        self.samples.total()
    }

    /// Steps in one epoch, at least 1.
    #[must_use]
    pub fn steps_per_epoch(&self) -> u64 {
        (self.samples.total() / self.config.batch) as u64
    }

    /// Whether all samples are held in memory.
    #[must_use]
    pub const fn is_resident(&self) -> bool {
        matches!(self.held, Held::All(_))
    }

    /// The batch of step `step`, counted from 0 over all epochs.
    ///
    /// # Errors
    /// The file can no longer be read, or a value in it has no place in its column.
    pub fn batch(&self, step: u64) -> Result<Rows> {
        let epoch = step / self.steps_per_epoch();
        let first = (step % self.steps_per_epoch()) as usize * self.config.batch;
        match &self.held {
            Held::Some(streamed) => streamed.draw(epoch, first..first + self.config.batch),
            Held::All(rows) => {
                let order = Permutation::new(self.samples.total(), derive(self.config.seed, Stream::Rows, epoch));
                let mut batch = Rows::with_capacity(self.config.batch, rows.width);
                batch.extend(rows, (first..first + self.config.batch).map(|place| order.forward(place)));
                Ok(batch)
            }
        }
    }
}

/// The samples of `blocks`, in this order; read in parallel.
fn load_all(samples: &Samples, blocks: &[usize]) -> Result<Rows> {
    let count = blocks.iter().map(|&block| samples.counts()[block]).sum();
    let mut rows = Rows::with_capacity(count, samples.width());
    for wave in blocks.chunks(rayon::current_num_threads().max(1)) {
        let loaded: Vec<_> =
            wave.par_iter().map(|&block| samples.load(block, Extras::default())).collect::<Result<_>>()?;
        for part in loaded {
            rows.extend(&part.rows, 0..part.rows.rows);
        }
    }
    Ok(rows)
}
