//! Gaussian clusters on a curved surface: two coordinates, bent into 20 dimensions by sines, plus noise.

use std::f64::consts::PI;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Block, Column, ColumnData, ColumnKind, Sample, Schema};

const CLUSTERS: usize = 5;
const WIDTH: usize = 20;
const SPREAD: f64 = 0.25;
const NOISE: f64 = 0.05;

pub(super) fn generate(rows: usize, random: &mut ChaCha8Rng) -> (Schema, Block) {
    let mut normal = || -> f64 { StandardNormal.sample(random) };
    let directions: Vec<[f64; 3]> = (0..WIDTH).map(|_| [normal(), normal(), PI * normal()]).collect();
    let mut dense = Vec::with_capacity(rows * WIDTH);
    let mut labels = Vec::with_capacity(rows);
    for _ in 0..rows {
        let cluster = random.random_range(0..CLUSTERS);
        let mut normal = || -> f64 { StandardNormal.sample(random) };
        let angle = 2.0 * PI * cluster as f64 / CLUSTERS as f64;
        let (u, v) = (angle.cos() + SPREAD * normal(), angle.sin() + SPREAD * normal());
        dense.extend(directions.iter().map(|[a, b, phase]| ((a * u + b * v + phase).sin() + NOISE * normal()) as f32));
        labels.push(cluster as f64);
    }
    let columns = vec![Column::label("cluster", ColumnKind::Number)];
    let schema = Schema { sample: Sample::Array { dims: vec![WIDTH] }, columns };
    (schema, Block { rows, dense, columns: vec![ColumnData::Numbers(labels)] })
}
