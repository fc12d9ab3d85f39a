//! A list of (value, column) for each row of a matrix, found in parallel.

use std::ops::Range;

use super::parallel::for_each_part;

/// Parts into which rows are divided for a parallel pass.
const PARTS: usize = 64;

/// The lists of all rows, in parts of consecutive ones.
pub(crate) struct Lists(Vec<Part>);

/// The lists of a few rows.
#[derive(Default)]
pub(crate) struct Part {
    entries: Vec<(f32, u32)>,
    /// Where those of each row end.
    ends: Vec<usize>,
}

impl Part {
    /// The list of the next row: what `find` adds.
    pub(crate) fn row(&mut self, find: impl FnOnce(&mut Vec<(f32, u32)>)) {
        find(&mut self.entries);
        self.ends.push(self.entries.len());
    }
}

impl Lists {
    /// What `find(row, list)` adds to a list for each row, about `expected` entries.
    pub(crate) fn new(rows: usize, expected: usize, find: impl Fn(usize, &mut Vec<(f32, u32)>) + Sync) -> Self {
        Self::by_parts(rows, rows.div_ceil(PARTS).max(1), expected, |rows, part| {
            for row in rows {
                part.row(|list| find(row, list));
            }
        })
    }

    /// The lists that `find` adds to parts of `each` rows, about `expected` entries for a row.
    pub(crate) fn by_parts(
        rows: usize,
        each: usize,
        expected: usize,
        find: impl Fn(Range<usize>, &mut Part) + Sync,
    ) -> Self {
        let mut parts = Vec::new();
        parts.resize_with(rows.div_ceil(each), Part::default);
        for_each_part(&mut parts, 1, |number, part| {
            for part in part {
                let rows = number * each..rows.min((number + 1) * each);
                part.ends.reserve_exact(rows.len());
                part.entries.reserve(rows.len() * expected);
                find(rows, part);
            }
        });
        Self(parts)
    }

    /// The list of each row.
    pub(crate) fn rows(&self) -> impl Iterator<Item = &[(f32, u32)]> {
        self.0.iter().flat_map(|part| {
            let starts = std::iter::once(&0).chain(&part.ends);
            starts.zip(&part.ends).map(|(&start, &end)| &part.entries[start..end])
        })
    }

    /// All entries, row by row.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (f32, u32)> {
        self.0.iter().flat_map(|part| part.entries.iter().copied())
    }

    /// Entries of all lists together.
    pub(crate) fn len(&self) -> usize {
        self.0.iter().map(|part| part.entries.len()).sum()
    }

    /// Keeps the entries whose values are to be kept, asked row by row.
    pub(crate) fn retain(&mut self, mut kept: impl FnMut(f32) -> bool) {
        for Part { entries, ends } in &mut self.0 {
            let (mut start, mut count) = (0, 0);
            for end in ends {
                for at in start..*end {
                    if kept(entries[at].0) {
                        entries[count] = entries[at];
                        count += 1;
                    }
                }
                (start, *end) = (*end, count);
            }
            entries.truncate(count);
        }
    }
}
