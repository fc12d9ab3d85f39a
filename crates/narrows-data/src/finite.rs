//! Infinite numbers as missing values, where a file is read leniently: most formats can hold them, and no model takes them.

use std::ops::Range;

use crate::source::as_inner;
use crate::table::faults::Seen;
use crate::{Block, ColumnData, Faults, Result, Role, Schema, Source};

/// A source whose infinite features are missing, and told.
#[derive(Debug)]
pub(crate) struct Finite {
    inner: Box<dyn Source>,
    seen: Seen,
}

impl Finite {
    pub(crate) fn new(inner: Box<dyn Source>) -> Self {
        Self { inner, seen: Seen::default() }
    }

    fn note(&self, faults: &mut Faults, row: usize, column: &str) {
        let (origin, place) = (self.inner.origin(), self.inner.place(row));
        faults.cell(format!("{origin}: {place}, column {column}: infinite"));
    }
}

impl Source for Finite {
    as_inner!();

    fn read(&self, index: usize) -> Result<Block> {
        let mut block = self.inner.read(index)?;
        let start = self.blocks().get(index).map_or(0, |rows| rows.start);
        let width = self.schema().sample.width().unwrap_or(1).max(1);
        let mut faults = Faults::default();
        for (at, value) in block.dense.iter_mut().enumerate().filter(|(_, value)| value.is_infinite()) {
            *value = f32::NAN;
            self.note(&mut faults, start + at / width, &format!("{}", at % width + 1));
        }
        for (column, values) in self.schema().columns.iter().zip(&mut block.columns) {
            let ColumnData::Numbers(values) = values else { continue };
            // Without a branch for each number, for all but a few columns hold none.
            let any = values.iter().fold(false, |any, value| any | value.is_infinite());
            if column.role != Role::Feature || !any {
                continue;
            }
            for (row, value) in values.iter_mut().enumerate().filter(|(_, value)| value.is_infinite()) {
                *value = f64::NAN;
                self.note(&mut faults, start + row, &format!("`{}`", column.name));
            }
        }
        self.seen.set(start as u64, faults);
        Ok(block)
    }

    fn faults(&self) -> Faults {
        self.inner.faults().and(self.seen.total())
    }
}
