//! Four sensors of one machine, a row a minute: daily and hourly seasons, slow drift, correlated noise, and planted
//! anomalies of four sorts (spike, step, stuck sensor, broken correlation) of 5 to 60 minutes.

use std::f64::consts::TAU;
use std::ops::Range;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::{Block, Column, ColumnData, ColumnKind, Role, Sample, Schema};

const NAMES: [&str; 4] = ["temperature", "pressure", "flow", "vibration"];

/// One anomaly begins in about so many rows.
const SPACING: usize = 2000;

/// 2024-01-01 00:00 UTC.
const START: f64 = 1_704_067_200.0;

pub(super) fn generate(rows: usize, random: &mut ChaCha8Rng) -> (Schema, Block) {
    let anomalies = plant(rows, random);
    let mut sensors: [Vec<f64>; 4] = std::array::from_fn(|_| Vec::with_capacity(rows));
    let mut labels = vec![0.0; rows];
    let (mut drift, mut load_noise) = (0.0, 0.0);
    for row in 0..rows {
        let mut normal = || -> f64 { StandardNormal.sample(random) };
        let day = TAU * row as f64 / 1440.0;
        drift += 0.002 * normal() - 0.0005 * drift;
        load_noise = 0.9 * load_noise + 0.1 * normal();
        let load = 0.6 * day.sin() + 0.25 * (24.0 * day).sin() + load_noise;
        let clean = [
            60.0 + 8.0 * (load + drift) + 0.2 * normal(),
            3.0 + 0.5 * load + 0.02 * normal(),
            30.0 + 6.0 * load + 0.3 * (2.0 * day).cos() + 0.2 * normal(),
            0.2 + 0.05 * load.max(0.0) + 0.01 * normal().abs(),
        ];
        sensors.iter_mut().zip(clean).for_each(|(values, value)| values.push(value));
    }
    for (index, span) in anomalies.into_iter().enumerate() {
        labels[span.clone()].fill(1.0);
        let values = &mut sensors[index % NAMES.len()];
        let scale = deviation(values);
        let before = values[span.start];
        for row in span.clone() {
            let change = match index / NAMES.len() % 4 {
                0 if row == span.start + span.len() / 2 => 8.0 * scale,
                0 => 1.5 * scale,
                1 => 4.0 * scale,
                2 => before - values[row],
                _ => -2.0 * (values[row] - before) + 2.0 * scale,
            };
            values[row] += change;
        }
    }
    let time = Column { name: "time".into(), kind: ColumnKind::Time, role: Role::Time };
    let mut columns = vec![time];
    columns.extend(NAMES.map(|name| Column::feature(name, ColumnKind::Number)));
    columns.push(Column::label("anomaly", ColumnKind::Boolean));
    let times = (0..rows).map(|row| START + 60.0 * row as f64).collect();
    let mut data = vec![ColumnData::Numbers(times)];
    data.extend(sensors.map(ColumnData::Numbers));
    data.push(ColumnData::Numbers(labels));
    (Schema { sample: Sample::Table, columns }, Block { rows, dense: Vec::new(), columns: data })
}

/// Spans of rows, none in the first half, where a model learns.
fn plant(rows: usize, random: &mut ChaCha8Rng) -> Vec<Range<usize>> {
    let mut spans = Vec::new();
    let mut row = rows / 2;
    loop {
        row += random.random_range(SPACING / 4..SPACING / 2);
        let end = row + random.random_range(5..60);
        if end >= rows {
            return spans;
        }
        spans.push(row..end);
        row = end;
    }
}

fn deviation(values: &[f64]) -> f64 {
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
}
