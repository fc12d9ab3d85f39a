//! The patches that a window cuts from an image, as a matrix that is read where the image lies.

use super::super::gemm::Operand;
use super::Image;

/// A window moving along one axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    /// Places that it takes.
    pub(super) positions: usize,
    /// Pixels from one place to the next.
    pub(super) step: usize,
    /// First pixel at the first place; negative in the padding.
    pub(super) first: isize,
    /// Pixels seen at once.
    pub(super) taps: usize,
}

/// A matrix with a row for each position `(sample, y, x)` and a column for each `(tap y, tap x, channel)`.
#[derive(Clone, Copy)]
pub(super) struct Patches<'a> {
    pub(super) data: &'a [f32],
    pub(super) image: Image,
    pub(super) y: Window,
    pub(super) x: Window,
}

impl Patches<'_> {
    /// Copies columns `from..` of the row at `(sample, y, x)`.
    fn copy(&self, (sample, y, x): (usize, usize, usize), mut from: usize, mut into: &mut [f32]) {
        let Image { height, width, channels } = self.image;
        let run = self.x.taps * channels;
        let left = self.x.first + (x * self.x.step) as isize;
        // The part of each run that lies inside the image.
        let inside = (-left).clamp(0, self.x.taps as isize) as usize * channels;
        let behind = (width as isize - left).clamp(0, self.x.taps as isize) as usize * channels;
        let top = self.y.first + (y * self.y.step) as isize;
        while !into.is_empty() {
            let (tap, skip) = (from / run, from % run);
            let (part, rest) = into.split_at_mut((run - skip).min(into.len()));
            let row = top + tap as isize;
            let (start, end) = (inside.clamp(skip, skip + part.len()), behind.clamp(skip, skip + part.len()));
            if row < 0 || row >= height as isize || start >= end {
                part.fill(0.0);
            } else {
                let line = (sample * height + row as usize) * width * channels;
                let place = line as isize + left * channels as isize + start as isize;
                part[..start - skip].fill(0.0);
                part[start - skip..end - skip]
                    .copy_from_slice(&self.data[place as usize..place as usize + end - start]);
                part[end - skip..].fill(0.0);
            }
            from += part.len();
            into = rest;
        }
    }

    /// The position of a row.
    fn position(&self, row: usize) -> (usize, usize, usize) {
        let line = row / self.x.positions;
        (line / self.y.positions, line % self.y.positions, row % self.x.positions)
    }
}

impl Operand for Patches<'_> {
    fn depth_contiguous(&self) -> bool {
        true
    }

    fn copy_row(&self, row: usize, from: usize, into: &mut [f32]) {
        self.copy(self.position(row), from, into);
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        let mut line = vec![0.0; into.len() / width];
        into.fill(0.0);
        for column in 0..rows {
            self.copy_row(row + column, from, &mut line);
            for (into, value) in into.chunks_exact_mut(width).zip(&line) {
                into[column] = *value;
            }
        }
    }
}

/// The transpose of [`Patches`].
pub(super) struct Transposed<'a>(pub(super) Patches<'a>);

impl Operand for Transposed<'_> {
    fn depth_contiguous(&self) -> bool {
        false
    }

    fn copy_row(&self, row: usize, from: usize, into: &mut [f32]) {
        for (depth, into) in into.iter_mut().enumerate() {
            self.0.copy_row(from + depth, row, std::slice::from_mut(into));
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        let mut position = self.0.position(from);
        for into in into.chunks_exact_mut(width) {
            self.0.copy(position, row, &mut into[..rows]);
            into[rows..].fill(0.0);
            position.2 += 1;
            if position.2 == self.0.x.positions {
                position = (position.0, position.1 + 1, 0);
                if position.1 == self.0.y.positions {
                    position = (position.0 + 1, 0, 0);
                }
            }
        }
    }
}
