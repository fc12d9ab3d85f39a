//! A picture cut into overlapping tiles, and put together again: where tiles overlap, the mean of what they say, weighted by
//! the distance from the tile's edge (Burger, Schuler & Harmeling 2012 weigh patches likewise).

use std::ops::Range;

/// The upper left corners of tiles that cover a picture, `step` apart and the last ones at its edges.
pub(super) fn corners(sides: [usize; 2], tile: [usize; 2], step: [usize; 2]) -> Vec<[usize; 2]> {
    let along = |axis: usize| {
        let last = sides[axis].saturating_sub(tile[axis]);
        let mut starts: Vec<usize> = (0..last).step_by(step[axis].max(1)).collect();
        starts.push(last);
        starts
    };
    let across = along(1);
    along(0).into_iter().flat_map(|top| across.iter().map(move |&left| [top, left])).collect()
}

/// Sums over tiles.
pub(super) struct Canvas {
    sides: [usize; 2],
    channels: usize,
    sum: Vec<f64>,
    weight: Vec<f64>,
}

impl Canvas {
    pub(super) fn new(sides: [usize; 2], channels: usize) -> Self {
        let places = sides[0] * sides[1];
        Self { sides, channels, sum: vec![0.0; places * channels], weight: vec![0.0; places] }
    }

    /// Adds a tile `[height, width, channels]`.
    pub(super) fn add(&mut self, [top, left]: [usize; 2], [height, width]: [usize; 2], values: &[f32]) {
        let inward = |at: usize, length: usize| (at + 1).min(length - at) as f64;
        for row in 0..height {
            for column in 0..width {
                let weight = inward(row, height) * inward(column, width);
                let (from, to) = (row * width + column, (top + row) * self.sides[1] + left + column);
                self.weight[to] += weight;
                for channel in 0..self.channels {
                    let value = f64::from(values[from * self.channels + channel]);
                    self.sum[to * self.channels + channel] += weight * value;
                }
            }
        }
    }

    pub(super) fn finish(self) -> Vec<f32> {
        let each = |(place, sum): (usize, f64)| (sum / self.weight[place / self.channels]) as f32;
        self.sum.into_iter().enumerate().map(each).collect()
    }
}

/// The part of a picture `[height, width, channels]` in rows and columns.
pub(super) fn cut(
    values: &[f32],
    width: usize,
    channels: usize,
    rows: Range<usize>,
    columns: Range<usize>,
) -> impl Iterator<Item = f32> + '_ {
    rows.flat_map(move |row| {
        let start = (row * width + columns.start) * channels;
        values[start..start + columns.len() * channels].iter().copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_every_place_and_give_back_what_was_cut() {
        for (sides, tile, step) in [([7, 9], [4, 4], [3, 2]), ([4, 4], [4, 4], [1, 1]), ([5, 4], [4, 4], [9, 9])] {
            let values: Vec<f32> = (0..sides[0] * sides[1] * 2).map(|value| value as f32).collect();
            let mut canvas = Canvas::new(sides, 2);
            for [top, left] in corners(sides, tile, step) {
                let part = cut(&values, sides[1], 2, top..top + tile[0], left..left + tile[1]).collect::<Vec<_>>();
                canvas.add([top, left], tile, &part);
            }
            let back = canvas.finish();
            assert!(back.iter().zip(&values).all(|(a, b)| (a - b).abs() < 1e-4), "{sides:?}");
        }
        assert_eq!(corners([4, 6], [4, 4], [2, 2]), [[0, 0], [0, 2]]);
    }
}
