//! Rows in the order of time whose numbers are trailing means: row `i` holds the mean of the values present in the rows
//! `i - n + 1 ..= i`, fewer at the start. What is noise within `n` rows shrinks, what lasts longer stays, and no row knows
//! a later one. Rows of another group (another file of a folder) do not count.

use std::ops::Range;

use crate::source::as_inner;
use crate::{Block, ColumnData, ColumnKind, Error, Faults, Result, Role, Sample, Schema, Source};

/// A source through a trailing mean.
#[derive(Debug)]
pub(crate) struct Smoothed {
    inner: Box<dyn Source>,
    rows: usize,
}

impl Smoothed {
    /// `inner` with each number averaged over `rows` rows.
    ///
    /// # Errors
    /// There are no rows to average over, or the rows are pictures.
    pub(crate) fn new(inner: Box<dyn Source>, rows: usize) -> Result<Self> {
        let expected = "a whole number of rows from 1 to 1000000";
        if matches!(inner.schema().sample, Sample::Image { .. }) {
            let value = format!("{rows} for pictures");
            return Err(Error::Setting { name: "smooth", value, expected: "tables and arrays in the order of time" });
        }
        if !(1..=1_000_000).contains(&rows) {
            return Err(Error::Setting { name: "smooth", value: rows.to_string(), expected });
        }
        Ok(Self { inner, rows })
    }

    /// Rows that the mean of `row` is over: fewer at the start of its group.
    fn count(&self, row: usize) -> usize {
        let groups = self.inner.groups().unwrap_or_default();
        let place = groups.partition_point(|group| group.end <= row);
        let start = groups.get(place).map_or(0, |group| group.start);
        self.rows.min(row - start + 1)
    }

    /// The last `rows - 1` rows before block `index`, or as many as there are.
    fn before(&self, index: usize) -> Result<Vec<Block>> {
        let (mut blocks, mut missing, mut place) = (Vec::new(), self.rows - 1, index);
        while missing > 0 && place > 0 {
            place -= 1;
            let block = self.inner.read(place)?;
            let taken = missing.min(block.rows);
            let places: Vec<usize> = (block.rows - taken..block.rows).collect();
            blocks.push(block.select(&places));
            missing -= taken;
        }
        blocks.reverse();
        Ok(blocks)
    }
}

impl Source for Smoothed {
    as_inner!();

    fn read(&self, index: usize) -> Result<Block> {
        let mut block = self.inner.read(index)?;
        let before = self.before(index)?;
        let start = self.inner.blocks().get(index).map_or(0, |rows| rows.start);
        let counts: Vec<usize> = (start..start + block.rows).map(|row| self.count(row)).collect();
        let width = self.schema().sample.width().unwrap_or(0);
        for feature in 0..if block.dense.is_empty() { 0 } else { width } {
            let of = |block: &Block| block.dense.iter().skip(feature).step_by(width).copied().map(f64::from).collect();
            let past: Vec<f64> = before.iter().flat_map(|block| -> Vec<f64> { of(block) }).collect();
            let means = trailing(&past, &of(&block), &counts);
            let places = block.dense.iter_mut().skip(feature).step_by(width);
            places.zip(means).for_each(|(value, mean)| *value = mean as f32);
        }
        for (place, column) in self.inner.schema().columns.iter().enumerate() {
            let averaged = column.role == Role::Feature && column.kind == ColumnKind::Number;
            let of = |block: &Block| match block.columns.get(place) {
                Some(ColumnData::Numbers(values)) if averaged => values.clone(),
                _ => Vec::new(),
            };
            let past: Vec<f64> = before.iter().flat_map(of).collect();
            if averaged && let Some(ColumnData::Numbers(values)) = block.columns.get_mut(place) {
                *values = trailing(&past, values, &counts);
            }
        }
        Ok(block)
    }

    fn faults(&self) -> Faults {
        self.inner.faults()
    }
}

/// The mean of each of `values` and of those before it, as many together as its count says, without those that are missing;
/// missing where all are. Infinite values are left for the preparation to refuse.
fn trailing(before: &[f64], values: &[f64], counts: &[usize]) -> Vec<f64> {
    let all: Vec<f64> = before.iter().chain(values).copied().collect();
    let mean = |(place, count): (usize, &usize)| {
        let last = before.len() + place;
        let window = &all[(last + 1).saturating_sub(*count)..=last];
        let present = window.iter().filter(|value| !value.is_nan());
        let (sum, seen) = present.fold((0.0, 0.0), |(sum, seen), value| (sum + value, seen + 1.0));
        if seen > 0.0 { sum / seen } else { f64::NAN }
    };
    counts.iter().enumerate().take(values.len()).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn means_look_back_only_and_skip_what_is_missing() {
        assert_eq!(trailing(&[], &[1.0, 3.0, 8.0], &[1, 2, 2]), [1.0, 2.0, 5.5]);
        assert_eq!(trailing(&[5.0, 7.0], &[3.0], &[3]), [5.0]);
        assert_eq!(trailing(&[], &[2.0, f64::NAN, 4.0], &[1, 2, 2]), [2.0, 2.0, 4.0]);
        assert!(trailing(&[], &[f64::NAN], &[1])[0].is_nan());
    }

    fn array(values: &[f32]) -> Memory {
        let schema = Schema { sample: Sample::Array { dims: vec![1] }, columns: Vec::new() };
        Memory::new("array", schema, Block { rows: values.len(), dense: values.to_vec(), columns: Vec::new() }).unwrap()
    }

    fn smoothed(source: Memory, rows: usize) -> Vec<f32> {
        let smoothed = Smoothed::new(Box::new(source), rows).unwrap();
        (0..smoothed.blocks().len()).flat_map(|index| smoothed.read(index).unwrap().dense).collect()
    }

    #[test]
    fn blocks_do_not_matter_and_groups_do() {
        let values: Vec<f32> = (0..12).map(|value| (value * value % 7) as f32).collect();
        let whole = smoothed(array(&values), 5);
        assert_eq!(whole, smoothed(array(&values).with_block_rows(3), 5));
        let parted = array(&values).with_block_rows(3).with_groups(vec![0..4, 4..12]).unwrap();
        let parted = smoothed(parted, 5);
        assert_eq!((&parted[..4], parted[4], parted[11]), (&whole[..4], values[4], whole[11]));
    }

    #[test]
    fn pictures_and_no_rows_are_refused() {
        assert!(matches!(Smoothed::new(Box::new(array(&[1.0])), 0), Err(Error::Setting { name: "smooth", .. })));
        let schema = Schema { sample: Sample::Image { height: 1, width: 1, channels: 1 }, columns: Vec::new() };
        let picture = Memory::new("picture", schema, Block { rows: 1, dense: vec![0.5], columns: Vec::new() }).unwrap();
        assert!(matches!(Smoothed::new(Box::new(picture), 2), Err(Error::Setting { name: "smooth", .. })));
    }
}
