//! Smooth random deformations of pictures and windows: the affine and elastic distortions of Simard, Steinkraus & Platt
//! 2003, Best Practices for Convolutional Neural Networks Applied to Visual Document Analysis.
//!
//! A place `p` of the deformed sample shows what lies at `c + (I + A)(p - c) + t + Σ_k B_k(p) e_k`, where `c` is the centre, the
//! entries of `A` and `t` are uniform, and `e` are normal displacements of a coarse grid of control points under cubic
//! B-splines `B`. Values between places are interpolated by Catmull-Rom splines, beyond the border it repeats.

use narrows_tensor::{Key, random};
use rayon::prelude::*;

/// Control points along an axis, without the two beyond each border that the spline needs.
const CONTROLS: usize = 4;
/// All control points along an axis.
const GRID: usize = CONTROLS + 3;
/// Normal numbers of a sample: two for each control point.
const DRAWS: usize = 2 * GRID * GRID;

/// How far samples are deformed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deformation {
    /// Largest entry of `A`.
    pub affine: f32,
    /// Largest translation along an axis, in steps.
    pub translation: f32,
    /// Standard deviation of the control points' displacements, in steps.
    pub elastic: f32,
}

/// The height, width and channels of samples.
pub type Grid = [usize; 3];

impl Deformation {
    /// Deformations that move places by about `share` of the distance to the centre, in samples of this many steps along
    /// their longest axis.
    pub fn of(share: f64, longest: usize) -> Self {
        let (share, steps) = (share as f32, longest as f32 / 4.0);
        Self { affine: share, translation: share * steps, elastic: share * steps }
    }

    /// Deforms each sample by a map of its own; channels move together.
    pub fn apply(&self, samples: &[f32], grid: Grid, key: &Key) -> Vec<f32> {
        let [height, width, channels] = grid;
        let size = height * width * channels;
        let mut normals = vec![0f32; samples.len() / size * DRAWS];
        random::fill_normal(&key.named("elastic"), &mut normals);
        let mut uniforms = vec![0f32; samples.len() / size * 6];
        random::fill_uniform(&key.named("affine"), &mut uniforms);
        let (rows, columns) = (basis(height), basis(width));
        let mut deformed = vec![0f32; samples.len()];
        deformed
            .par_chunks_exact_mut(size)
            .zip(samples.par_chunks_exact(size))
            .zip(normals.par_chunks_exact(DRAWS).zip(uniforms.par_chunks_exact(6)))
            .for_each(|((deformed, sample), (normals, uniforms))| {
                let map = Map { deformation: self, normals, uniforms };
                let elastic = map.elastic(&rows, &columns);
                let range = sample.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| (low.min(x), high.max(x)));
                for (place, pixel) in deformed.chunks_exact_mut(channels).enumerate() {
                    let (row, column) = (place / width, place % width);
                    let source = map.source([row, column], [height, width], elastic[place]);
                    interpolate(sample, grid, source, range, pixel);
                }
            });
        deformed
    }
}

/// The map of one sample.
struct Map<'a> {
    deformation: &'a Deformation,
    normals: &'a [f32],
    uniforms: &'a [f32],
}

impl Map<'_> {
    /// The elastic displacement of every place.
    fn elastic(&self, rows: &[Support], columns: &[Support]) -> Vec<[f32; 2]> {
        let controls = self.normals;
        let mut field = Vec::with_capacity(rows.len() * columns.len());
        for row in rows {
            // The spline along rows first: one curve over the columns' control points.
            let mut curve = [[0f32; 2]; GRID];
            for (j, point) in curve.iter_mut().enumerate() {
                for (weight, i) in row.weights.iter().zip(row.first..) {
                    for axis in 0..2 {
                        point[axis] += weight * controls[2 * (i * GRID + j) + axis];
                    }
                }
            }
            for column in columns {
                let mut sum = [0f32; 2];
                for (weight, point) in column.weights.iter().zip(&curve[column.first..]) {
                    for axis in 0..2 {
                        sum[axis] += weight * point[axis];
                    }
                }
                field.push(sum.map(|value| value * self.deformation.elastic));
            }
        }
        field
    }

    fn source(&self, [row, column]: [usize; 2], [height, width]: [usize; 2], elastic: [f32; 2]) -> [f32; 2] {
        let draw = |index: usize, reach: f32| (2.0 * self.uniforms[index] - 1.0) * reach;
        let centre = [(height as f32 - 1.0) / 2.0, (width as f32 - 1.0) / 2.0];
        let (y, x) = (row as f32 - centre[0], column as f32 - centre[1]);
        let Deformation { affine, translation, .. } = *self.deformation;
        [
            centre[0] + y + draw(0, affine) * y + draw(1, affine) * x + draw(4, translation) + elastic[0],
            centre[1] + x + draw(2, affine) * y + draw(3, affine) * x + draw(5, translation) + elastic[1],
        ]
    }
}

/// The four control points that a place depends on, and how much on each.
#[derive(Clone, Copy, Debug)]
struct Support {
    first: usize,
    weights: [f32; 4],
}

/// The cubic B-spline's support of every place of an axis.
fn basis(length: usize) -> Vec<Support> {
    let scale = CONTROLS as f32 / length.max(1) as f32;
    let support = |place: usize| {
        let at = (place as f32 + 0.5) * scale;
        let first = (at as usize).min(CONTROLS - 1);
        let t = at - first as f32;
        let weights = [
            (1.0 - t).powi(3) / 6.0,
            (3.0 * t.powi(3) - 6.0 * t * t + 4.0) / 6.0,
            (-3.0 * t.powi(3) + 3.0 * t * t + 3.0 * t + 1.0) / 6.0,
            t.powi(3) / 6.0,
        ];
        Support { first, weights }
    };
    (0..length).map(support).collect()
}

/// The value at a place between pixels, kept within the sample's range.
fn interpolate(
    sample: &[f32],
    [height, width, channels]: Grid,
    [y, x]: [f32; 2],
    range: (f32, f32),
    pixel: &mut [f32],
) {
    let (rows, columns) = (taps(y, height), taps(x, width));
    for (channel, value) in pixel.iter_mut().enumerate() {
        let mut sum = 0.0;
        for (row, by_row) in rows {
            let line = row * width;
            let along: f32 = columns
                .iter()
                .map(|&(column, by_column)| by_column * sample[(line + column) * channels + channel])
                .sum();
            sum += by_row * along;
        }
        *value = sum.clamp(range.0, range.1);
    }
}

/// The four neighbours of a place along an axis, and their Catmull-Rom weights.
fn taps(at: f32, length: usize) -> [(usize, f32); 4] {
    let last = length - 1;
    let at = at.clamp(0.0, last as f32);
    let base = at as usize;
    let t = at - base as f32;
    [
        (base.saturating_sub(1), t * (-0.5 + t * (1.0 - 0.5 * t))),
        (base, 1.0 + t * t * (1.5 * t - 2.5)),
        ((base + 1).min(last), t * (0.5 + t * (2.0 - 1.5 * t))),
        ((base + 2).min(last), t * t * (0.5 * t - 0.5)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: Grid = [12, 10, 2];

    /// Two samples of a smooth pattern, the second the first turned upside down.
    fn samples() -> Vec<f32> {
        let value = |place: usize| ((place / 20) as f32 / 3.0).sin() * ((place % 20) as f32 / 4.0).cos();
        (0..240).map(value).chain((0..240).rev().map(value)).collect()
    }

    #[test]
    fn no_deformation_changes_nothing() {
        let still = Deformation { affine: 0.0, translation: 0.0, elastic: 0.0 };
        let samples = samples();
        for (found, expected) in still.apply(&samples, GRID, &Key::new(1)).iter().zip(&samples) {
            assert!((found - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn each_sample_is_bent_by_a_map_of_its_own_and_stays_in_its_range() {
        let samples = samples();
        let bent = Deformation::of(0.2, 12).apply(&samples, GRID, &Key::new(1));
        assert_ne!(bent, Deformation::of(0.2, 12).apply(&samples, GRID, &Key::new(2)));
        let moved = |of: &[f32], from: &[f32]| of.iter().zip(from).map(|(a, b)| (a - b).abs()).sum::<f32>();
        assert!(moved(&bent[..240], &samples[..240]) > 1.0);
        let upside_down: Vec<f32> = bent[240..].iter().rev().copied().collect();
        assert!(moved(&upside_down, &bent[..240]) > 1.0, "both samples have the same map");
        let low = samples.iter().copied().fold(f32::MAX, f32::min);
        let high = samples.iter().copied().fold(f32::MIN, f32::max);
        assert!(bent.iter().all(|x| (low..=high).contains(x)));
    }

    #[test]
    fn a_translation_moves_a_ramp_by_its_distance() {
        let ramp: Vec<f32> = (0..400).map(|place| (place % 20) as f32).collect();
        let deformation = Deformation { affine: 0.0, translation: 3.0, elastic: 0.0 };
        let moved = deformation.apply(&ramp, [20, 20, 1], &Key::new(8));
        let distance = moved[200 + 10] - 10.0;
        assert!(distance.abs() > 0.01 && distance.abs() <= 3.0);
        for column in 5..15 {
            assert!((moved[100 + column] - column as f32 - distance).abs() < 1e-4);
        }
    }
}
