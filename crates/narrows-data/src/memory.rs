//! Rows held in memory as a [`Source`]: generated data, embedded datasets, tests.

use std::ops::Range;

use crate::{Block, ColumnData, Error, Result, Schema, Source, Texts};

/// Rows in memory, cut into blocks.
#[derive(Clone, Debug)]
pub struct Memory {
    schema: Schema,
    data: Block,
    blocks: Vec<Range<usize>>,
    groups: Option<Vec<Range<usize>>>,
    origin: String,
}

/// Values in one block.
const BLOCK_VALUES: usize = 1 << 19;

impl Memory {
    /// Rows called `origin` in messages.
    ///
    /// # Errors
    /// [`Error::Shape`] when the values do not fill the schema's columns and sample.
    pub fn new(origin: impl Into<String>, schema: Schema, data: Block) -> Result<Self> {
        let origin = origin.into();
        let width = schema.sample.width().unwrap_or(0);
        let check = |what: String, found: usize, expected: usize| {
            if found == expected { Ok(()) } else { Err(Error::Shape { origin: origin.clone(), what, found, expected }) }
        };
        check("the samples".into(), data.dense.len(), data.rows * width)?;
        check("the list of columns".into(), data.columns.len(), schema.columns.len())?;
        for (column, values) in schema.columns.iter().zip(&data.columns) {
            check(format!("column `{}`", column.name), values.len(), data.rows)?;
        }
        let rows = (BLOCK_VALUES / (width + schema.columns.len()).max(1)).max(1);
        Ok(Self { blocks: cut(data.rows, rows), schema, data, groups: None, origin })
    }

    /// The same rows in blocks of `rows`.
    #[must_use]
    pub fn with_block_rows(mut self, rows: usize) -> Self {
        self.blocks = cut(self.data.rows, rows.max(1));
        self
    }

    /// The same rows, of which those of one range belong together.
    ///
    /// # Errors
    /// [`Error::Shape`] when the ranges do not cover all rows in order.
    pub fn with_groups(mut self, groups: Vec<Range<usize>>) -> Result<Self> {
        let mut end = 0;
        for group in &groups {
            if group.start != end || group.end < group.start {
                let what = format!("a group starting at row {}", group.start);
                return Err(Error::Shape { origin: self.origin, what, found: group.start, expected: end });
            }
            end = group.end;
        }
        if end != self.data.rows {
            let what = "the list of groups".into();
            return Err(Error::Shape { origin: self.origin, what, found: end, expected: self.data.rows });
        }
        self.groups = Some(groups);
        Ok(self)
    }
}

/// `0..rows` in ranges of `each`.
pub(crate) fn cut(rows: usize, each: usize) -> Vec<Range<usize>> {
    (0..rows).step_by(each).map(|start| start..(start + each).min(rows)).collect()
}

impl Source for Memory {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.data.rows
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let Some(range) = self.blocks.get(index).cloned() else {
            let what = "the list of blocks".into();
            return Err(Error::Shape {
                origin: self.origin.clone(),
                what,
                found: self.blocks.len(),
                expected: index + 1,
            });
        };
        Ok(self.data.slice(range))
    }

    fn origin(&self) -> &str {
        &self.origin
    }

    fn groups(&self) -> Option<&[Range<usize>]> {
        self.groups.as_deref()
    }
}

impl Block {
    /// The rows of `range`.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        let rows: Vec<usize> = range.collect();
        self.select(&rows)
    }

    /// The rows at the places `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        let width = self.dense.len().checked_div(self.rows).unwrap_or(0);
        let mut dense = Vec::with_capacity(rows.len() * width);
        for &row in rows {
            dense.extend_from_slice(&self.dense[row * width..(row + 1) * width]);
        }
        Self { rows: rows.len(), dense, columns: self.columns.iter().map(|column| column.select(rows)).collect() }
    }
}

impl ColumnData {
    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(texts) => texts.codes.len(),
        }
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The values at the places `rows`, in that order.
    #[must_use]
    pub fn select(&self, rows: &[usize]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(rows.iter().map(|&row| values[row]).collect()),
            Self::Texts(texts) => Self::Texts(Texts {
                codes: rows.iter().map(|&row| texts.codes[row]).collect(),
                levels: texts.levels.clone(),
            }),
        }
    }
}
