//! The patches that a window cuts from an image, as a matrix that is read where the image lies.

use super::Image;
use crate::kernel::gemm::{LinesMut, Operand, copy_run};
use crate::kernel::parallel::for_each_part;
use crate::kernel::scratch::Scratch;

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

/// Where a window stands.
#[derive(Clone, Copy)]
struct Place {
    sample: usize,
    y: usize,
    x: usize,
}

/// Runs of a patch up to this length are copied from an image with its padding written out.
const SHORT: usize = 16;

impl<'a> Patches<'a> {
    /// The same patches, cut from a padded copy of the images in `room` if their runs are short: then no run is cut off at
    /// a border, and looking for borders would take longer than copying.
    pub(super) fn padded(self, room: &'a mut Option<Scratch>) -> Self {
        let Image { height, width, channels } = self.image;
        if self.x.taps * channels > SHORT || self.image.len() == 0 {
            return self;
        }
        let extent = |window: Window| (window.positions - 1) * window.step + window.taps;
        let image = Image { height: extent(self.y), width: extent(self.x), channels };
        let samples = self.data.len() / self.image.len();
        let room = room.insert(Scratch::new(samples * image.len()));
        let line = image.width * channels;
        let from = (-self.x.first).clamp(0, image.width as isize) as usize;
        let to = (width as isize - self.x.first).clamp(from as isize, image.width as isize) as usize;
        for_each_part(room, image.len(), |first, into| {
            let data = &self.data[first / image.len() * self.image.len()..][..self.image.len()];
            for (y, into) in (self.y.first..).zip(into.chunks_exact_mut(line)) {
                if y < 0 || y >= height as isize || from == to {
                    into.fill(0.0);
                    continue;
                }
                let start = y as usize * width + (from as isize + self.x.first) as usize;
                into[..from * channels].fill(0.0);
                into[from * channels..to * channels]
                    .copy_from_slice(&data[start * channels..(start + to - from) * channels]);
                into[to * channels..].fill(0.0);
            }
        });
        let at = |window: Window| Window { first: 0, ..window };
        Self { data: room, image, y: at(self.y), x: at(self.x) }
    }

    /// Copies columns `from..` of the row at `place`.
    #[inline(always)]
    fn copy(&self, place: Place, from: usize, into: &mut [f32]) {
        let Image { height, width, channels } = self.image;
        let run = self.x.taps * channels;
        let left = self.x.first + (place.x * self.x.step) as isize;
        let top = self.y.first + (place.y * self.y.step) as isize;
        // The part of each run that lies inside the image.
        let inside = (-left).clamp(0, self.x.taps as isize) as usize * channels;
        let behind = (width as isize - left).clamp(0, self.x.taps as isize) as usize * channels;
        let (tap, mut skip) = if from == 0 { (0, 0) } else { (from / run, from % run) };
        let whole = inside == 0 && behind == run && top >= 0 && top as usize + self.y.taps <= height;
        if whole && run == 4 && from == 0 && into.len().is_multiple_of(4) {
            let start = ((place.sample * height + top as usize) * width + left as usize) * channels;
            let lines = self.data[start..].chunks(width * channels);
            return into.chunks_exact_mut(4).zip(lines).for_each(|(into, line)| into.copy_from_slice(&line[..4]));
        }
        let mut row = top + tap as isize;
        let mut rest = into;
        while !rest.is_empty() {
            let (part, after) = rest.split_at_mut((run - skip).min(rest.len()));
            let line = || (place.sample * height + row as usize) * width * channels;
            if whole {
                let start = line() + left as usize * channels + skip;
                copy_run(part, &self.data[start..start + part.len()]);
            } else {
                let (start, end) = (inside.clamp(skip, skip + part.len()), behind.clamp(skip, skip + part.len()));
                if row < 0 || row >= height as isize || start >= end {
                    part.fill(0.0);
                } else {
                    let place = (line() as isize + left * channels as isize + start as isize) as usize;
                    part[..start - skip].fill(0.0);
                    copy_run(&mut part[start - skip..end - skip], &self.data[place..place + end - start]);
                    part[end - skip..].fill(0.0);
                }
            }
            (row, skip, rest) = (row + 1, 0, after);
        }
    }

    /// The place of a row.
    fn place(&self, row: usize) -> Place {
        let line = row / self.x.positions;
        Place { sample: line / self.y.positions, y: line % self.y.positions, x: row % self.x.positions }
    }

    /// The place behind `place`.
    fn after(&self, place: Place) -> Place {
        let Place { sample, y, x } = place;
        match (x + 1 < self.x.positions, y + 1 < self.y.positions) {
            (true, _) => Place { x: x + 1, ..place },
            (false, true) => Place { sample, y: y + 1, x: 0 },
            (false, false) => Place { sample: sample + 1, y: 0, x: 0 },
        }
    }
}

impl Operand for Patches<'_> {
    fn depth_contiguous(&self) -> bool {
        true
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        let mut place = self.place(row);
        for line in into {
            self.copy(place, from, line);
            place = self.after(place);
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        let mut line = vec![0.0; into.len() / width];
        into.fill(0.0);
        for column in 0..rows {
            self.copy(self.place(row + column), from, &mut line);
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

    fn alike(&self) -> bool {
        true
    }

    fn copy_rows(&self, row: usize, from: usize, into: LinesMut<'_>) {
        for (row, line) in (row..).zip(into) {
            for (depth, into) in (from..).zip(line) {
                self.0.copy(self.0.place(depth), row, std::slice::from_mut(into));
            }
        }
    }

    fn fill_depth_major(&self, row: usize, rows: usize, from: usize, width: usize, into: &mut [f32]) {
        let mut place = self.0.place(from);
        for into in into.chunks_exact_mut(width) {
            self.0.copy(place, row, &mut into[..rows]);
            into[rows..].fill(0.0);
            place = self.0.after(place);
        }
    }
}
