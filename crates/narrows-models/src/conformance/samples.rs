//! Data for the checks: typical samples of every kind, and rows that break careless arithmetic.

use candle_core::{DType, Device, Tensor};
use narrows_core::Dims;
use narrows_tensor::{Key, random};

use crate::{DataSpec, Family, Head, Likelihood, Reals, Result};

/// One specification for each kind of data: rows, mixed rows, probabilities, odd pictures, odd windows, rows with a
/// condition (for conditional models).
pub fn data_specs() -> Vec<(&'static str, DataSpec)> {
    let gaussian = |dims: &[usize]| DataSpec::gaussian(Dims::new(dims));
    let head = |range, family| Head { range, family };
    let heads = vec![
        head(0..3, Family::Gaussian),
        head(3..4, Family::Bernoulli),
        head(4..8, Family::Categorical),
        head(8..11, Family::Gaussian),
    ];
    let weights = vec![1.0, 2.0, 0.5, 4.0, 1.5, 1.5, 1.5, 1.5, 1.0, 1.0, 1.0];
    let mut specs = vec![
        ("rows", gaussian(&[12])),
        ("probabilities", DataSpec { likelihood: Likelihood::Bernoulli, ..gaussian(&[10]) }),
        ("pictures", gaussian(&[9, 7, 2])),
        ("values in 0..=1", DataSpec { unit_interval: true, ..gaussian(&[5, 6, 1]) }),
        ("windows", gaussian(&[11, 3])),
        ("rows with a condition", DataSpec { condition: Some(3), ..gaussian(&[7]) }),
    ];
    if let Ok(likelihood) = Likelihood::mixed(heads, weights) {
        specs.push(("mixed rows", DataSpec { likelihood, ..gaussian(&[11]) }));
    }
    specs
}

/// Samples near a curved surface of three dimensions, read through the families of the likelihood.
pub(super) fn typical(data: &DataSpec, n: usize, dtype: DType) -> Result<Tensor> {
    let (device, features) = (Device::Cpu, data.features());
    let draw = |name: &str, shape: (usize, usize)| random::normal(&Key::new(9).named(name), shape, DType::F64, &device);
    let factors = draw("factors", (n, 3))?;
    let bent = factors.matmul(&draw("bend", (3, features))?)?.tanh()?;
    let values = (bent + (draw("noise", (n, features))? * 0.05)?)?;
    // A tanh and its noise lie within -1.3..1.3.
    let values = if data.unit_interval { values.affine(0.38, 0.5)? } else { values }.to_vec2::<f64>()?;
    let values =
        values.into_iter().map(|row| row.into_iter().map(|value| known(data.reals, value)).collect::<Vec<_>>());
    let families = data.likelihood.families(features);
    let rows: Vec<f64> = values.flat_map(|row| read(&row, &families)).collect();
    Ok(Tensor::from_vec(rows, data.sample.batched(n), &device)?.to_dtype(dtype)?)
}

/// A number as what all are known to be; any other stays as it is.
pub(super) fn known(reals: Reals, value: f64) -> f64 {
    match reals {
        Reals::Any => value,
        Reals::Counts => (1.0 + value).exp().min(1e6).round(),
        Reals::UnitInterval => 1.0 / (1.0 + (-value).exp()),
    }
}

/// Conditions of `n` samples.
pub(super) fn condition(n: usize, width: usize, dtype: DType) -> Result<Tensor> {
    Ok(random::normal(&Key::new(21), (n, width), dtype, &Device::Cpu)?)
}

/// A row of scores as values of its families: thresholds for flags, the largest score of a category's run.
fn read(row: &[f64], families: &[Family]) -> Vec<f64> {
    let mut values = Vec::with_capacity(row.len());
    while values.len() < row.len() {
        let start = values.len();
        match families[start] {
            Family::Gaussian => values.push(row[start]),
            Family::Bernoulli => values.push(f64::from(u8::from(row[start] > 0.0))),
            Family::Categorical => {
                let run = families[start..].iter().take_while(|family| **family == Family::Categorical).count();
                let scores = &row[start..start + run];
                let best = (0..run).max_by(|&a, &b| scores[a].total_cmp(&scores[b])).unwrap_or(0);
                values.extend((0..run).map(|level| f64::from(u8::from(level == best))));
            }
        }
    }
    values
}

/// Rows that a user may bring without preparation: constant columns, pixel values to 255, values of a million, ten rows.
///
/// # Shapes
/// - returns: each `[10, ..sample]` in f32
///
/// # Errors
/// Candle cannot make a tensor.
pub fn wild_rows(sample: &Dims) -> Result<Vec<(&'static str, Tensor)>> {
    let shape = sample.batched(10);
    let uniform = random::uniform(&Key::new(3), shape.clone(), DType::F32, &Device::Cpu)?;
    Ok(vec![
        ("constant values", uniform.affine(0.0, 0.3)?),
        ("values up to 255", uniform.affine(255.0, 0.0)?.round()?),
        ("values of a million", uniform.affine(1e6, -5e5)?),
        ("values near a million that hardly differ", uniform.affine(1.0, 1e6)?),
    ])
}
