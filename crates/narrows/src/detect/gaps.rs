//! Where the time of a file's rows jumps or goes backwards: windows and means reach over such a place as if it were none.

use narrows_data::{Any, Block, ColumnData, Role, Schema, Source, Subset};

use super::clock::{Clock, Step};
use super::detected::counted;
use crate::Model;

/// Jumps and steps back so far.
#[derive(Clone, Debug)]
pub(super) struct Gaps {
    /// Which column is the time.
    place: usize,
    clock: Clock,
    /// Rows so far, and those that have a time.
    rows: usize,
    timed: usize,
    pub(super) jumps: usize,
    /// The longest jump and the row behind it.
    longest: (f64, usize),
    pub(super) backwards: usize,
}

impl Gaps {
    /// None where the time of rows does not matter or rows are picked out of the file.
    pub(super) fn new(model: &Model, schema: &Schema, rows: &Subset<Any>) -> Option<Self> {
        let matters = model.preparation.window().is_some() || model.open_options().smooth.is_some_and(|rows| rows > 1);
        let place = schema.role(Role::Time).filter(|_| matters && rows.rows() == rows.source().rows())?;
        Some(Self { place, clock: Clock::default(), rows: 0, timed: 0, jumps: 0, longest: (0.0, 0), backwards: 0 })
    }

    /// Takes the next rows.
    pub(super) fn add(&mut self, block: &Block) {
        let Some(ColumnData::Numbers(times)) = block.columns.get(self.place) else { return };
        for time in times {
            match self.clock.tick(*time) {
                Step::Usual => {}
                Step::Jump(by) => {
                    self.jumps += 1;
                    if by > self.longest.0 {
                        self.longest = (by, self.rows);
                    }
                }
                Step::Backwards(_) => self.backwards += 1,
            }
            self.rows += 1;
            self.timed += usize::from(time.is_finite());
        }
    }

    /// What to say of them; steps back only where no window ends there.
    pub(super) fn sentences(&self, source: &dyn Source, windowed: bool) -> Vec<String> {
        let mut sentences = Vec::new();
        if self.timed < self.rows {
            sentences.push(format!(
                "without a time, so in the order of the file whatever that is: {}",
                counted(self.rows - self.timed, "row")
            ));
        }
        if self.jumps > 0 {
            sentences.push(format!(
                "time jumps in {}, most by {} at {} where {} is usual; windows and means reach over it, so scores around \
                 say less",
                counted(self.jumps, "place"),
                self.longest.0,
                source.place(self.longest.1),
                self.clock.usual().unwrap_or(f64::NAN)
            ));
        }
        if self.backwards > 0 && !windowed {
            sentences.push(format!(
                "time goes backwards in {}, and means reach over it; sort the file by its time column if it is one \
                 recording",
                counted(self.backwards, "place")
            ));
        }
        sentences
    }
}
