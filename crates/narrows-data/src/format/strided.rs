//! A dense array in storage, read by runs of rows in C or Fortran order.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::storage::{Storage, io_error};
use super::{Element, Endian};
use crate::{Error, Result};

/// Values in one block: 4 MiB of f32.
pub(crate) const BLOCK_VALUES: usize = 1 << 20;

/// The widest sample: 64 Mi values are 256 MiB of f32.
const MAX_WIDTH: usize = 1 << 26;

/// Rows of a Fortran-ordered block at least, unless samples are very wide: each column of it costs one read.
const FORTRAN_ROWS: usize = 256;

/// How the elements follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The last index runs fastest.
    C,
    /// The first index, that of the rows, runs fastest.
    Fortran,
}

/// An array `[rows, ..dims]`.
#[derive(Clone, Debug)]
pub(crate) struct StridedArray {
    path: PathBuf,
    storage: Storage,
    base: u64,
    element: Element,
    endian: Endian,
    order: Order,
    rows: usize,
    dims: Vec<usize>,
    /// The Fortran position of each value of a sample; empty in C order.
    columns: Vec<usize>,
}

/// What is known about an array from its file's header.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) element: Element,
    pub(crate) endian: Endian,
    pub(crate) order: Order,
    /// Rows first.
    pub(crate) shape: Vec<usize>,
}

impl Layout {
    /// Bytes of all values; may exceed what can be addressed.
    pub(crate) fn bytes(&self) -> u128 {
        count(&self.shape).saturating_mul(self.element.size() as u128)
    }
}

/// The number of elements of a shape.
pub(crate) fn count(shape: &[usize]) -> u128 {
    if shape.contains(&0) {
        return 0;
    }
    shape.iter().fold(1_u128, |product, &dim| product.saturating_mul(dim as u128))
}

/// Consecutive ranges of at most `step` rows.
pub(crate) fn ranges(rows: usize, step: usize) -> Vec<Range<usize>> {
    (0..rows).step_by(step.max(1)).map(|start| start..rows.min(start.saturating_add(step))).collect()
}

impl StridedArray {
    /// `base` is the offset of the first value; the caller has compared `layout.bytes()` with what is there.
    pub(crate) fn new(path: &Path, storage: Storage, base: u64, layout: &Layout) -> Result<Self> {
        let Some((&rows, dims)) = layout.shape.split_first() else {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                found: "a single number".into(),
                advice: "save an array whose first axis counts the rows".into(),
            });
        };
        let dims = if dims.is_empty() { vec![1] } else { dims.to_vec() };
        if rows == 0 {
            return Err(Error::Empty { path: path.to_owned(), expected: "an array whose first axis counts the rows" });
        }
        let width = count(&dims);
        if width == 0 || width > MAX_WIDTH as u128 {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                found: format!("samples of {width} values (shape {:?})", layout.shape),
                advice: format!("a sample holds between 1 and {MAX_WIDTH} values"),
            });
        }
        let columns = match layout.order {
            Order::C => Vec::new(),
            Order::Fortran => fortran_positions(&dims),
        };
        let Layout { element, endian, order, .. } = *layout;
        Ok(Self { path: path.to_owned(), storage, base, element, endian, order, rows, dims, columns })
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn dims(&self) -> &[usize] {
        &self.dims
    }

    pub(crate) fn element(&self) -> Element {
        self.element
    }

    fn width(&self) -> usize {
        self.dims.iter().product()
    }

    /// Row ranges of about 4 MiB of f32 each.
    pub(crate) fn blocks(&self) -> Vec<Range<usize>> {
        let width = self.width();
        let rows = (BLOCK_VALUES / width).max(1);
        match self.order {
            Order::C => ranges(self.rows, rows),
            Order::Fortran => ranges(self.rows, rows.max(FORTRAN_ROWS.min(16 * BLOCK_VALUES / width))),
        }
    }

    /// The values of some rows in C order.
    pub(crate) fn read_f32(&self, rows: Range<usize>) -> Result<Vec<f32>> {
        let bytes = self.read_bytes(&rows)?;
        let mut values = Vec::with_capacity(bytes.len() / self.element.size());
        self.element.to_f32(self.endian, &bytes, &mut values);
        Ok(self.in_c_order(values, rows.len()))
    }

    /// The values of some rows in C order, without rounding to f32.
    pub(crate) fn read_f64(&self, rows: Range<usize>) -> Result<Vec<f64>> {
        let bytes = self.read_bytes(&rows)?;
        let mut values = Vec::with_capacity(bytes.len() / self.element.size());
        self.element.to_f64(self.endian, &bytes, &mut values);
        Ok(self.in_c_order(values, rows.len()))
    }

    fn read_bytes(&self, rows: &Range<usize>) -> Result<Vec<u8>> {
        let (size, width) = (self.element.size(), self.width());
        let mut bytes = vec![0; rows.len() * width * size];
        let failed = |source| io_error(&self.path, "cannot read values", source);
        match self.order {
            Order::C => {
                let offset = self.base + (rows.start as u64) * (width * size) as u64;
                self.storage.read_at(offset, &mut bytes).map_err(failed)?;
            }
            Order::Fortran if rows.len() == self.rows => self.storage.read_at(self.base, &mut bytes).map_err(failed)?,
            Order::Fortran => {
                for (column, run) in bytes.chunks_exact_mut((rows.len() * size).max(1)).enumerate() {
                    let first = (column as u64) * (self.rows as u64) + rows.start as u64;
                    self.storage.read_at(self.base + first * size as u64, run).map_err(failed)?;
                }
            }
        }
        Ok(bytes)
    }

    fn in_c_order<T: Copy>(&self, values: Vec<T>, rows: usize) -> Vec<T> {
        if self.columns.is_empty() {
            return values;
        }
        let mut ordered = Vec::with_capacity(values.len());
        for row in 0..rows {
            ordered.extend(self.columns.iter().map(|&column| values[column * rows + row]));
        }
        ordered
    }
}

/// For each value of a sample in C order, its position in Fortran order.
fn fortran_positions(dims: &[usize]) -> Vec<usize> {
    (0..dims.iter().product())
        .map(|flat: usize| {
            let (mut rest, mut position) = (flat, 0);
            for (axis, &dim) in dims.iter().enumerate().rev() {
                let stride: usize = dims[..axis].iter().product();
                position += (rest % dim) * stride;
                rest /= dim;
            }
            position
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fortran_positions_transpose() {
        assert_eq!(fortran_positions(&[2, 3]), [0, 2, 4, 1, 3, 5]);
        assert_eq!(fortran_positions(&[5]), [0, 1, 2, 3, 4]);
    }

    #[test]
    fn a_product_that_overflows_saturates() {
        assert_eq!(count(&[usize::MAX; 5]), u128::MAX);
        assert_eq!(count(&[usize::MAX, usize::MAX, 0]), 0);
    }
}
