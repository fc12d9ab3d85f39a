//! Samples that do not fit in memory: shuffled blocks, a part at a time, the next part read ahead by a thread.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::samples::Samples;
use super::{FeedConfig, load_all};
use crate::keyed::{Permutation, Stream, derive, mix};
use crate::{Result, Rows};

/// Serves shuffled samples from a part of the file at a time.
#[derive(Debug)]
pub(super) struct Streamed {
    samples: Arc<Samples>,
    seed: u64,
    /// Samples that one part may hold.
    capacity: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    plan: Option<(u64, Arc<[Part]>)>,
    held: Vec<(Key, Arc<Rows>)>,
    ahead: Option<(Key, JoinHandle<Result<Rows>>)>,
}

/// A part of an epoch: epoch and place in its plan.
type Key = (u64, usize);

/// Blocks whose samples are drawn together.
#[derive(Debug)]
struct Part {
    blocks: Vec<usize>,
    /// Places in the epoch.
    places: Range<usize>,
}

impl Streamed {
    pub(super) fn new(samples: Arc<Samples>, config: FeedConfig) -> Self {
        let bytes = (samples.width() * size_of::<f32>()).max(1);
        Self { capacity: (config.budget / 4 / bytes).max(1), seed: config.seed, samples, state: Mutex::default() }
    }

    /// The samples at the places `wanted` of the epoch.
    pub(super) fn draw(&self, epoch: u64, wanted: Range<usize>) -> Result<Rows> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let plan = self.plan(&mut state, epoch);
        let mut batch = Rows::with_capacity(wanted.len(), self.samples.width());
        let first = plan.partition_point(|part| part.places.end <= wanted.start);
        for (index, part) in plan.iter().enumerate().skip(first).take_while(|(_, part)| part.places.start < wanted.end)
        {
            let rows = self.part(&mut state, (epoch, index), part)?;
            self.read_ahead(&mut state, &plan, (epoch, index));
            let order = Permutation::new(part.places.len(), mix(derive(self.seed, Stream::Rows, epoch) ^ index as u64));
            let from = wanted.start.max(part.places.start) - part.places.start;
            let to = wanted.end.min(part.places.end) - part.places.start;
            batch.extend(&rows, (from..to).map(|place| order.forward(place)));
        }
        Ok(batch)
    }

    /// The blocks of the epoch in shuffled order, as many together as the capacity holds (at least one).
    fn plan(&self, state: &mut State, epoch: u64) -> Arc<[Part]> {
        if let Some((planned, plan)) = &state.plan
            && *planned == epoch
        {
            return plan.clone();
        }
        let plan = self.new_plan(epoch);
        state.plan = Some((epoch, plan.clone()));
        plan
    }

    fn new_plan(&self, epoch: u64) -> Arc<[Part]> {
        let counts = self.samples.counts();
        let order = Permutation::new(counts.len(), derive(self.seed, Stream::Blocks, epoch));
        let mut parts: Vec<Part> = Vec::new();
        let mut end = 0;
        for block in (0..counts.len()).map(|place| order.forward(place)).filter(|block| counts[*block] > 0) {
            match parts.last_mut() {
                Some(part) if part.places.len() + counts[block] <= self.capacity => part.blocks.push(block),
                _ => parts.push(Part { blocks: vec![block], places: end..end }),
            }
            end += counts[block];
            if let Some(part) = parts.last_mut() {
                part.places.end = end;
            }
        }
        parts.into()
    }

    fn part(&self, state: &mut State, key: Key, part: &Part) -> Result<Arc<Rows>> {
        if let Some((_, rows)) = state.held.iter().find(|(held, _)| *held == key) {
            return Ok(rows.clone());
        }
        let awaited = state.ahead.take_if(|(ahead, _)| *ahead == key);
        let rows = match awaited.map(|(_, thread)| thread.join()) {
            Some(Ok(rows)) => rows?,
            _ => load_all(&self.samples, &part.blocks)?,
        };
        let rows = Arc::new(rows);
        state.held.truncate(1);
        state.held.insert(0, (key, rows.clone()));
        Ok(rows)
    }

    /// Has a thread read the part that follows `key`, unless one reads or it is held.
    fn read_ahead(&self, state: &mut State, plan: &Arc<[Part]>, (epoch, index): Key) {
        let (next, blocks) = if let Some(part) = plan.get(index + 1) {
            ((epoch, index + 1), part.blocks.clone())
        } else {
            let plan = self.new_plan(epoch + 1);
            let Some(part) = plan.first() else { return };
            ((epoch + 1, 0), part.blocks.clone())
        };
        let held = state.held.iter().any(|(held, _)| *held == next);
        if held || state.ahead.as_ref().is_some_and(|(ahead, _)| *ahead == next) {
            return;
        }
        let samples = self.samples.clone();
        let thread = std::thread::Builder::new().name("narrows-read-ahead".into());
        state.ahead = thread.spawn(move || load_all(&samples, &blocks)).ok().map(|thread| (next, thread));
    }
}
