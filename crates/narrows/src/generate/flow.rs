//! A masked autoregressive flow (Papamakarios, Pavlakou & Murray 2017) fitted to codes by maximum likelihood: a sampler for
//! any autoencoder whose codes lie in shapes that normal distributions describe badly.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use narrows_models::config::FlowConfig;
use narrows_models::variational::MaskedAutoregressive;
use narrows_tensor::{DType, Device, Gradients, Key, Parameters, Scope, Tensor, random};
use narrows_train::optimizer::Update;
use narrows_train::{AdamW, AdamWConfig, NonNegative, Optimizer};

use crate::Result;

/// Steps of training.
const STEPS: u64 = 1_200;
/// Codes in a step.
const BATCH: usize = 256;
/// Learning rate of the first step; it falls to 0 along a half cosine.
const RATE: f64 = 5e-3;
/// Largest norm of a gradient.
const CLIP: f64 = 5.0;
/// Steps between looks at the held-out codes; the best flow is kept.
const LOOK: u64 = 50;
/// Of this many codes one is held out.
const HELD_OUT: usize = 8;
/// The least deviation of a latent, as a share of the largest.
const FLOOR: f64 = 1e-4;
/// Names of the tensors that are no parameters of the flow.
const FIXED: [&str; 4] = ["mean", "deviation", "least", "largest"];
/// Where errors say that a tensor comes from.
const ORIGIN: &str = "the flow of codes";

/// A fitted flow.
#[derive(Clone, Debug)]
pub struct FlowSampler {
    flow: MaskedAutoregressive,
    parameters: Parameters,
    fixed: Fixed,
}

/// What is known of each latent of the training rows, `[D]` each.
#[derive(Clone, Debug)]
struct Fixed {
    mean: Tensor,
    deviation: Tensor,
    /// Codes are drawn between these: far from all codes that it was fitted to, a flow may stretch without bound.
    least: Tensor,
    largest: Tensor,
}

impl FlowSampler {
    /// Fits a flow to codes, which are standardised first. An eighth of them is held out and says which step was best.
    ///
    /// # Shapes
    /// - `codes`: `[N, D]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn fit(config: &FlowConfig, codes: &Tensor, key: &Key) -> Result<Self> {
        Ok(Self::trained(config, &codes.detach(), key)?)
    }

    fn trained(config: &FlowConfig, codes: &Tensor, key: &Key) -> narrows_train::Result<Self> {
        let codes = codes.to_dtype(DType::F32)?;
        let mean = codes.mean(0)?;
        let deviation = codes.broadcast_sub(&mean)?.sqr()?.mean(0)?.sqrt()?;
        let largest = deviation.max_all()?.to_scalar::<f32>()?.max(f32::MIN_POSITIVE);
        let deviation = deviation.maximum(f64::from(largest) * FLOOR)?;
        let u = codes.broadcast_sub(&mean)?.broadcast_div(&deviation)?;
        let (train, held_out) = divided(&u)?;
        let fixed = Fixed { mean, deviation, least: codes.min(0)?, largest: codes.max(0)? };
        let sampler = Self::new(config, fixed, key)?;
        let mut optimizer = AdamW::new(AdamWConfig::default(), NonNegative::default(), &sampler.parameters)?;
        let mut best = (f64::NEG_INFINITY, BTreeMap::new());
        for step in 0..=STEPS {
            if step % LOOK == 0 {
                let density = f64::from(sampler.flow.log_density(&held_out)?.mean_all()?.to_scalar::<f32>()?);
                if density > best.0 {
                    best = (density, sampler.tensors()?);
                }
            }
            let batch = drawn(&train, &key.named("rows").fold(step))?;
            let loss = sampler.flow.log_density(&batch)?.mean_all()?.neg()?;
            let gradients = Gradients::backward(&loss, &sampler.parameters)?;
            let norm = gradients.norm()?;
            if norm.is_finite() {
                let rate = 0.5 * RATE * (1.0 + (PI * step as f64 / STEPS as f64).cos());
                optimizer.update(
                    &sampler.parameters,
                    &gradients,
                    Update { step, rate, scale: CLIP / norm.max(CLIP) },
                )?;
            }
        }
        Self::from_tensors(config, best.1)
    }

    /// A flow that changes nothing yet.
    fn new(config: &FlowConfig, fixed: Fixed, key: &Key) -> narrows_train::Result<Self> {
        let scope = Scope::root(*key, DType::F32, &Device::Cpu);
        let (steps, widths) = (*config.steps.get(), config.widths.get());
        let flow = MaskedAutoregressive::new(steps, fixed.mean.elem_count(), widths, &scope)?;
        Ok(Self { flow, parameters: scope.parameters(), fixed })
    }

    /// `log p(z)` in nats of each code.
    ///
    /// # Shapes
    /// - `codes`: `[N, D]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The codes have another size.
    pub fn log_density(&self, codes: &Tensor) -> narrows_train::Result<Tensor> {
        let Fixed { mean, deviation, .. } = &self.fixed;
        let u = codes.broadcast_sub(mean)?.broadcast_div(deviation)?;
        Ok(self.flow.log_density(&u)?.broadcast_sub(&deviation.log()?.sum(0)?)?)
    }

    /// New codes, none of whose values is less or larger than those of the codes that the flow was fitted to.
    ///
    /// # Shapes
    /// - returns: `[n, D]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn draw(&self, n: usize, key: &Key) -> narrows_train::Result<Tensor> {
        let Fixed { mean, deviation, least, largest } = &self.fixed;
        let u = random::normal(key, (n, mean.elem_count()), DType::F32, &Device::Cpu)?;
        let codes = self.flow.inverse(&u)?.broadcast_mul(deviation)?.broadcast_add(mean)?;
        Ok(codes.broadcast_maximum(least)?.broadcast_minimum(largest)?)
    }

    /// As tensors for a file.
    ///
    /// # Errors
    /// Candle cannot copy them.
    pub fn tensors(&self) -> narrows_train::Result<BTreeMap<String, Tensor>> {
        let Fixed { mean, deviation, least, largest } = &self.fixed;
        let own = FIXED.into_iter().zip([mean, deviation, least, largest]);
        let own = own.map(|(name, value)| (name.to_owned(), value.clone()));
        let all = self.parameters.tensors().into_iter().chain(own);
        all.map(|(name, tensor)| Ok((name, tensor.copy()?))).collect()
    }

    /// From the tensors of [`FlowSampler::tensors`].
    ///
    /// # Errors
    /// One is missing, or has another shape than a flow of `config`.
    pub fn from_tensors(config: &FlowConfig, mut stored: BTreeMap<String, Tensor>) -> narrows_train::Result<Self> {
        let mut take = |name: &str| {
            let missing = || narrows_tensor::Error::MissingTensor { origin: ORIGIN.into(), name: name.into() };
            stored.remove(name).ok_or_else(missing)
        };
        let [mean, deviation, least, largest] = FIXED.map(&mut take);
        let fixed = Fixed { mean: mean?, deviation: deviation?, least: least?, largest: largest? };
        let sampler = Self::new(config, fixed, &Key::new(0))?;
        sampler.parameters.restore(&stored, ORIGIN)?;
        Ok(sampler)
    }
}

/// Codes to learn from, and codes that say when to stop: an eighth of all; a handful is not divided.
fn divided(u: &Tensor) -> narrows_train::Result<(Tensor, Tensor)> {
    let n = u.dim(0)?;
    if n < 2 * HELD_OUT {
        return Ok((u.clone(), u.clone()));
    }
    let part = |held_out: bool| {
        let rows = (0..n as u32).filter(|row| (*row as usize).is_multiple_of(HELD_OUT) == held_out);
        u.index_select(&Tensor::from_iter(rows, u.device())?, 0)
    };
    Ok((part(false)?, part(true)?))
}

/// Rows drawn with replacement.
fn drawn(rows: &Tensor, key: &Key) -> narrows_train::Result<Tensor> {
    let mut draws = vec![0f32; BATCH];
    random::fill_uniform(key, &mut draws);
    let count = rows.dim(0)? as u32;
    let chosen = draws.into_iter().map(|draw| ((draw * count as f32) as u32).min(count - 1));
    Ok(rows.index_select(&Tensor::from_iter(chosen, rows.device())?, 0)?)
}

#[cfg(test)]
mod tests {
    use narrows_eval::GaussianMixture;

    use super::*;

    /// Points near a circle of radius 3 around (10, 0), whose second latent is a thousand times smaller.
    fn ring(n: usize, seed: u64) -> Tensor {
        let mut draws = vec![0f32; 2 * n];
        random::fill_uniform(&Key::new(seed), &mut draws);
        let point = |draw: &[f32]| {
            let (angle, radius) = (draw[0] * std::f32::consts::TAU, 2.9 + 0.2 * draw[1]);
            [10.0 + radius * angle.cos(), 1e-3 * radius * angle.sin()]
        };
        let points: Vec<f32> = draws.chunks_exact(2).flat_map(point).collect();
        Tensor::from_vec(points, (n, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn a_flow_learns_a_ring_and_comes_back_from_its_tensors() {
        let config = FlowConfig::default();
        let flow = FlowSampler::fit(&config, &ring(2_000, 1), &Key::new(2)).unwrap();
        let mean = |flow: &FlowSampler| {
            flow.log_density(&ring(500, 3)).unwrap().mean_all().unwrap().to_scalar::<f32>().unwrap()
        };
        // Few enough codes for a single normal distribution.
        let normal = GaussianMixture::fit(&ring(16, 1), &Key::new(2)).unwrap();
        let density = normal.log_density(&ring(500, 3)).unwrap();
        assert!(f64::from(mean(&flow)) > density + 1.0, "{} against {density}", mean(&flow));
        let again = FlowSampler::from_tensors(&config, flow.tensors().unwrap()).unwrap();
        assert_eq!(mean(&flow), mean(&again));
        let near = |codes: Tensor| {
            let points = codes.to_vec2::<f32>().unwrap();
            points.iter().filter(|point| (2.4..3.6).contains(&(point[0] - 10.0).hypot(1e3 * point[1]))).count()
        };
        // Single draws of so many go far astray where nothing holds them.
        let drawn = again.draw(50_000, &Key::new(5)).unwrap().abs().unwrap().max(0).unwrap();
        assert!(drawn.to_vec1::<f32>().unwrap()[0] < 13.2, "{drawn}");
        let (key, n) = (Key::new(4), 1_000);
        let [own, of_normal] = [again.draw(n, &key).unwrap(), normal.draw(n, &key).unwrap()].map(near);
        assert!(own > 2 * of_normal, "{own} of {n} lie near the ring, {of_normal} of a normal distribution");
        let mut damaged = again.tensors().unwrap();
        damaged.remove(FIXED[0]);
        assert!(FlowSampler::from_tensors(&config, damaged).is_err());
    }

    #[test]
    fn constant_latents_stay_finite() {
        let codes = Tensor::from_vec(vec![2f32; 40], (20, 2), &Device::Cpu).unwrap();
        let flow = FlowSampler::fit(&FlowConfig::default(), &codes, &Key::new(1)).unwrap();
        let drawn = flow.draw(50, &Key::new(2)).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert!(drawn.iter().all(|value| (value - 2.0).abs() < 1e-3));
    }
}
