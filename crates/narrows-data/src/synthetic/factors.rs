//! Pictures with known factors of variation: a bright square of any size around any place,
//! independently of each other, its edges anti-aliased.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use crate::{Block, Column, ColumnData, ColumnKind, Sample, Schema};

const SIDE: usize = 32;
/// The longest side of a square.
const LARGEST: f64 = 14.0;

pub(super) fn generate(rows: usize, random: &mut ChaCha8Rng) -> (Schema, Block) {
    let mut dense = Vec::with_capacity(rows * SIDE * SIDE);
    let mut factors: [Vec<f64>; 3] = Default::default();
    for _ in 0..rows {
        let size = random.random_range(4.0..LARGEST);
        // Every square fits around every centre, so that the three factors are independent.
        let [x, y] = [(); 2].map(|()| random.random_range(LARGEST / 2.0..SIDE as f64 - LARGEST / 2.0));
        let (left, top) = (x - size / 2.0, y - size / 2.0);
        for row in 0..SIDE {
            dense.extend((0..SIDE).map(|column| (cover(row, top, size) * cover(column, left, size)) as f32));
        }
        factors.iter_mut().zip([x, y, size]).for_each(|(values, value)| values.push(value));
    }
    let columns = ["x", "y", "size"].map(|name| Column::kept(name, ColumnKind::Number)).to_vec();
    let schema = Schema { sample: Sample::Image { height: SIDE, width: SIDE, channels: 1 }, columns };
    (schema, Block { rows, dense, columns: factors.map(ColumnData::Numbers).to_vec() })
}

/// The share of pixel `pixel` that the interval from `start` of length `size` covers.
fn cover(pixel: usize, start: f64, size: f64) -> f64 {
    let pixel = pixel as f64;
    ((pixel + 1.0).min(start + size) - pixel.max(start)).clamp(0.0, 1.0)
}
