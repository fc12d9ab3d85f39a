//! A mixture of normal distributions with full covariance, fitted to codes by expectation-maximisation (Dempster, Laird &
//! Rubin 1977): a sampler for any autoencoder (Ghosh et al. 2020, From Variational to Deterministic Autoencoders).
//!
//! Covariances gain a thousandth of the codes' mean variance on their diagonal, so that a component on few codes or on
//! codes in a subspace stays proper.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use faer::{Mat, Side};
use narrows_tensor::{Key, random};
use rayon::prelude::*;

use crate::one_thread::on_one_thread;
use crate::{Error, Result};

/// The widest codes that are described.
pub const WIDEST: usize = 64;
/// Components, where there are codes enough for them.
const COMPONENTS: usize = 10;
/// Codes that a component needs for each of its dimensions.
const CODES: usize = 8;
/// The most iterations.
const ITERATIONS: usize = 30;
/// Smallest gain of the mean log-density, in nats, that counts as progress.
const GAIN: f64 = 1e-4;
/// The least variance, as a share of the codes' mean variance.
const RIDGE: f64 = 1e-3;

/// Weights, means and the lower triangular roots of the covariances.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianMixture {
    weights: Vec<f64>,
    means: Vec<Vec<f64>>,
    /// For each component `L` with covariance `L Lᵀ`, row by row.
    roots: Vec<Vec<f64>>,
    size: usize,
}

impl GaussianMixture {
    /// Fits up to ten components to codes; fewer where there are few codes. Starts from codes drawn far apart by `key`.
    ///
    /// # Shapes
    /// - `codes`: `[N, D]`
    ///
    /// # Errors
    /// There are fewer than two codes, they are wider than [`WIDEST`], or a value is not finite.
    pub fn fit(codes: &Tensor, key: &Key) -> Result<Self> {
        const NAME: &str = "gaussian mixture";
        let (n, size) = codes.dims2()?;
        if n < 2 {
            return Err(Error::TooFewRows { operation: NAME, rows: n, needed: 2 });
        }
        if size == 0 || size > WIDEST {
            let (found, expected) = (vec![n, size], vec![n, WIDEST]);
            return Err(Error::Shape { operation: NAME, argument: "codes", found, expected });
        }
        let rows = codes.to_dtype(DType::F64)?.to_vec2::<f64>()?;
        if rows.iter().flatten().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { operation: NAME });
        }
        let all = vec![1.0; n];
        let (_, mean, covariance) = moments(&rows, &all, 0.0);
        let variance = (0..size).map(|at| covariance[at * size + at]).sum::<f64>() / size as f64;
        let ridge = (RIDGE * variance).max(1e-12);
        let count = (n / (CODES * size)).clamp(1, COMPONENTS);
        let mut means = far_apart(&rows, count, key);
        if count == 1 {
            means = vec![mean];
        }
        let wide = root(&with_ridge(&covariance, size, ridge), size)?;
        let mut mixture = Self { weights: vec![1.0 / count as f64; count], roots: vec![wide; count], means, size };
        let mut before = f64::NEG_INFINITY;
        for _ in 0..ITERATIONS {
            let (density, shares) = mixture.expectation(&rows);
            if density - before < GAIN {
                break;
            }
            before = density;
            mixture = mixture.maximisation(&rows, &shares, ridge)?;
        }
        Ok(mixture)
    }

    /// The mean log-density of the rows, and each component's share of each row.
    fn expectation(&self, rows: &[Vec<f64>]) -> (f64, Vec<Vec<f64>>) {
        let shares: Vec<(f64, Vec<f64>)> = rows
            .par_iter()
            .map(|row| {
                let mut shares: Vec<f64> = (0..self.weights.len()).map(|k| self.log_component(k, row)).collect();
                let largest = shares.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let sum: f64 = shares.iter().map(|log| (log - largest).exp()).sum();
                let density = largest + sum.ln();
                for log in &mut shares {
                    *log = (*log - density).exp();
                }
                (density, shares)
            })
            .collect();
        let density = shares.iter().map(|(density, _)| density).sum::<f64>() / rows.len() as f64;
        (density, shares.into_iter().map(|(_, shares)| shares).collect())
    }

    fn maximisation(&self, rows: &[Vec<f64>], shares: &[Vec<f64>], ridge: f64) -> Result<Self> {
        let component = |k: usize| -> Result<(f64, Vec<f64>, Vec<f64>)> {
            let of_component: Vec<f64> = shares.iter().map(|shares| shares[k]).collect();
            let (count, mean, covariance) = moments(rows, &of_component, 1e-9);
            Ok((count / rows.len() as f64, mean, root(&with_ridge(&covariance, self.size, ridge), self.size)?))
        };
        let fitted = (0..self.weights.len()).into_par_iter().map(component).collect::<Result<Vec<_>>>()?;
        let mut next = Self { weights: Vec::new(), means: Vec::new(), roots: Vec::new(), size: self.size };
        for (weight, mean, root) in fitted {
            next.weights.push(weight);
            next.means.push(mean);
            next.roots.push(root);
        }
        Ok(next)
    }

    /// `log w_k N(row; μ_k, L_k L_kᵀ)`.
    fn log_component(&self, k: usize, row: &[f64]) -> f64 {
        let (root, mean, size) = (&self.roots[k], &self.means[k], self.size);
        let (mut square, mut volume) = (0.0, 0.0);
        let mut solved = [0.0; WIDEST];
        for i in 0..size {
            let below: f64 = (0..i).map(|j| root[i * size + j] * solved[j]).sum();
            solved[i] = (row[i] - mean[i] - below) / root[i * size + i];
            square += solved[i] * solved[i];
            volume += root[i * size + i].ln();
        }
        self.weights[k].max(1e-300).ln() - volume - 0.5 * (square + size as f64 * std::f64::consts::TAU.ln())
    }

    /// The mean log-density of codes, in nats.
    ///
    /// # Shapes
    /// - `codes`: `[N, D]`
    ///
    /// # Errors
    /// The codes have another size.
    pub fn log_density(&self, codes: &Tensor) -> Result<f64> {
        let (n, size) = codes.dims2()?;
        if size != self.size {
            let (found, expected) = (vec![n, size], vec![n, self.size]);
            return Err(Error::Shape { operation: "gaussian mixture", argument: "codes", found, expected });
        }
        Ok(self.expectation(&codes.to_dtype(DType::F64)?.to_vec2::<f64>()?).0)
    }

    /// New codes.
    ///
    /// # Shapes
    /// - returns: `[n, D]` in f32
    ///
    /// # Errors
    /// Candle cannot make the tensor.
    pub fn draw(&self, n: usize, key: &Key) -> Result<Tensor> {
        let (mut choices, mut noise) = (vec![0f32; n], vec![0f32; n * self.size]);
        random::fill_uniform(&key.named("component"), &mut choices);
        random::fill_normal(&key.named("noise"), &mut noise);
        let mut codes = Vec::with_capacity(n * self.size);
        for (choice, noise) in choices.iter().zip(noise.chunks_exact(self.size)) {
            let mut left = f64::from(*choice);
            let reached = self.weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            let k = reached.unwrap_or(self.weights.len() - 1);
            for i in 0..self.size {
                let spread: f64 = (0..=i).map(|j| self.roots[k][i * self.size + j] * f64::from(noise[j])).sum();
                codes.push((self.means[k][i] + spread) as f32);
            }
        }
        Ok(Tensor::from_vec(codes, (n, self.size), &Device::Cpu)?)
    }

    /// As tensors for a file.
    ///
    /// # Shapes
    /// - returns: `weights` `[K]`, `means` `[K, D]`, `roots` `[K, D, D]`
    ///
    /// # Errors
    /// Candle cannot make a tensor.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let (k, d) = (self.weights.len(), self.size);
        let tensor = |values: Vec<f64>, shape: &[usize]| Tensor::from_vec(values, shape, &Device::Cpu);
        let named = [
            ("weights", tensor(self.weights.clone(), &[k])?),
            ("means", tensor(self.means.concat(), &[k, d])?),
            ("roots", tensor(self.roots.concat(), &[k, d, d])?),
        ];
        Ok(named.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
    }

    /// From the tensors of [`GaussianMixture::tensors`].
    ///
    /// # Shapes
    /// - `stored`: as [`GaussianMixture::tensors`] returns them
    ///
    /// # Errors
    /// One is missing, or their shapes do not fit together.
    pub fn from_tensors(stored: &BTreeMap<String, Tensor>) -> Result<Self> {
        let get = |name: &'static str| stored.get(name).ok_or(Error::StoredMixture { name });
        let numbers = |tensor: &Tensor| tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>();
        let (weights, means, roots) = (get("weights")?, get("means")?, get("roots")?);
        let (&[k], &[_, d]) = (weights.dims(), means.dims()) else {
            return Err(Error::StoredMixture { name: "means" });
        };
        if k == 0 || d == 0 || d > WIDEST || means.dims() != [k, d] {
            return Err(Error::StoredMixture { name: "means" });
        }
        if roots.dims() != [k, d, d] {
            return Err(Error::StoredMixture { name: "roots" });
        }
        let chunks = |values: Vec<f64>, size: usize| values.chunks_exact(size).map(<[f64]>::to_vec).collect();
        Ok(Self {
            weights: numbers(weights)?,
            means: chunks(numbers(means)?, d),
            roots: chunks(numbers(roots)?, d * d),
            size: d,
        })
    }
}

/// Sum of the weights, weighted mean and covariance of rows.
fn moments(rows: &[Vec<f64>], weights: &[f64], least: f64) -> (f64, Vec<f64>, Vec<f64>) {
    let size = rows.first().map_or(0, Vec::len);
    let count = weights.iter().sum::<f64>().max(least);
    let (mut mean, mut covariance) = (vec![0.0; size], vec![0.0; size * size]);
    for (row, weight) in rows.iter().zip(weights) {
        mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += weight / count * value);
    }
    let mut apart = vec![0.0; size];
    for (row, weight) in rows.iter().zip(weights).filter(|(_, weight)| **weight > 1e-12) {
        apart.iter_mut().zip(row.iter().zip(&mean)).for_each(|(apart, (value, mean))| *apart = value - mean);
        for i in 0..size {
            let scaled = weight / count * apart[i];
            for j in 0..=i {
                covariance[i * size + j] += scaled * apart[j];
            }
        }
    }
    for i in 0..size {
        for j in 0..i {
            covariance[j * size + i] = covariance[i * size + j];
        }
    }
    (count, mean, covariance)
}

fn with_ridge(covariance: &[f64], size: usize, ridge: f64) -> Vec<f64> {
    let mut covariance = covariance.to_vec();
    (0..size).for_each(|at| covariance[at * size + at] += ridge);
    covariance
}

/// The lower triangular root of a covariance (Cholesky).
fn root(covariance: &[f64], size: usize) -> Result<Vec<f64>> {
    let matrix = Mat::from_fn(size, size, |i, j| covariance[i * size + j]);
    let root = on_one_thread(|| {
        let decomposed = matrix.llt(Side::Lower);
        decomposed.map_err(|_| Error::NoConvergence { operation: "gaussian mixture" })
    })?;
    let lower = root.L();
    Ok((0..size * size).map(|at| if at % size <= at / size { lower[(at / size, at % size)] } else { 0.0 }).collect())
}

/// Rows drawn one after the other, each with a probability that grows with the squared distance to the nearest one drawn
/// before (Arthur & Vassilvitskii 2007).
fn far_apart(rows: &[Vec<f64>], count: usize, key: &Key) -> Vec<Vec<f64>> {
    let mut draws = vec![0f32; count];
    random::fill_uniform(&key.named("start"), &mut draws);
    let mut distance = vec![1.0; rows.len()];
    let mut means: Vec<Vec<f64>> = Vec::with_capacity(count);
    for (index, draw) in draws.iter().enumerate() {
        let mut left = f64::from(*draw) * distance.iter().sum::<f64>();
        let place = distance.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        let chosen = rows[place.unwrap_or(index % rows.len())].clone();
        for (distance, row) in distance.iter_mut().zip(rows) {
            let apart: f64 = row.iter().zip(&chosen).map(|(a, b)| (a - b).powi(2)).sum();
            *distance = if index == 0 { apart } else { distance.min(apart) };
        }
        means.push(chosen);
    }
    means
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two clusters: one round at (-4, 0), one of correlation 0.9 at (4, 1).
    fn codes() -> Tensor {
        let noise =
            random::normal(&Key::new(1), (2_000, 2), DType::F64, &Device::Cpu).unwrap().to_vec2::<f64>().unwrap();
        let row = |(at, noise): (usize, &Vec<f64>)| {
            if at % 4 == 0 {
                [noise[0] - 4.0, noise[1]]
            } else {
                [noise[0] + 4.0, 0.9 * noise[0] + 0.19f64.sqrt() * noise[1] + 1.0]
            }
        };
        Tensor::from_vec(noise.iter().enumerate().flat_map(row).collect(), (2_000, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn clusters_are_found_and_drawn_with_their_correlation() {
        let mixture = GaussianMixture::fit(&codes(), &Key::new(2)).unwrap();
        let drawn = mixture.draw(20_000, &Key::new(3)).unwrap().to_vec2::<f32>().unwrap();
        let right: Vec<&Vec<f32>> = drawn.iter().filter(|code| code[0] > 0.0).collect();
        assert!((right.len() as f64 / 20_000.0 - 0.75).abs() < 0.03, "{}", right.len());
        let mean = |of: &dyn Fn(&&Vec<f32>) -> f64| right.iter().map(of).sum::<f64>() / right.len() as f64;
        let (x, y) = (mean(&|code| f64::from(code[0])), mean(&|code| f64::from(code[1])));
        let covariance = mean(&|code| (f64::from(code[0]) - x) * (f64::from(code[1]) - y));
        assert!(
            (x - 4.0).abs() < 0.1 && (y - 1.0).abs() < 0.1 && (covariance - 0.9).abs() < 0.1,
            "{x} {y} {covariance}"
        );
    }

    #[test]
    fn the_density_is_close_to_the_entropy_of_what_was_drawn() {
        let mixture = GaussianMixture::fit(&codes(), &Key::new(2)).unwrap();
        // Differential entropy: of the shares, and of a round and a correlated normal distribution in two dimensions.
        let normal = std::f64::consts::TAU.ln() + 1.0;
        let shares = -(0.25 * 0.25f64.ln() + 0.75 * 0.75f64.ln());
        let entropy = shares + 0.25 * normal + 0.75 * (normal + 0.5 * 0.19f64.ln());
        assert!((mixture.log_density(&codes()).unwrap() + entropy).abs() < 0.05);
    }

    #[test]
    fn it_is_its_tensors_and_the_same_at_every_draw() {
        let mixture = GaussianMixture::fit(&codes(), &Key::new(2)).unwrap();
        assert_eq!(GaussianMixture::from_tensors(&mixture.tensors().unwrap()).unwrap(), mixture);
        let draw = || mixture.draw(5, &Key::new(9)).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(draw(), draw());
        assert!(GaussianMixture::from_tensors(&BTreeMap::new()).is_err());
    }

    #[test]
    fn constant_and_few_codes_are_described_too() {
        let constant = Tensor::ones((3, 4), DType::F32, &Device::Cpu).unwrap();
        let drawn = GaussianMixture::fit(&constant, &Key::new(0)).unwrap().draw(2, &Key::new(1)).unwrap();
        assert!(drawn.flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|value| (value - 1.0).abs() < 1e-3));
        assert!(GaussianMixture::fit(&constant.narrow(0, 0, 1).unwrap(), &Key::new(0)).is_err());
    }
}
