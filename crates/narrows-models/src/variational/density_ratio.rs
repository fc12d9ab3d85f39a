//! The total correlation by a discriminator (Kim & Mnih 2018, Disentangling by Factorising): D tells codes of `q(z)` from
//! codes whose latents are shuffled over the batch, each on its own; then `TC(z) ≈ E[log D(z) / (1 - D(z))]`, and the model
//! minimises `E_q[-log p(x|z)] + KL + γ TC`.

use candle_core::Tensor;
use narrows_core::{Group, Loss, Result, StepContext};
use narrows_tensor::ops::loss::kl_gaussian;
use narrows_tensor::{Key, random};

use super::{Objective, Parts, Seen, rising};
use crate::adversary::{as_false, as_true};
use crate::network::{Mlp, Network};

/// The bound with the total correlation under a weight γ, judged by a discriminator of its own group.
pub struct DensityRatio {
    /// Weight γ of the total correlation.
    pub gamma: f64,
    /// Share of the run over which the divergence's weight rises from 0.
    pub warmup: f64,
    /// From a code to the logit of its being no shuffled one; its parameters begin with `discriminator.`.
    pub discriminator: Mlp,
}

const GROUPS: [Group; 2] = [
    Group { name: "model", prefixes: &["encoder.", "decoder.", "path.", "likelihood."] },
    Group { name: "discriminator", prefixes: &["discriminator."] },
];

impl DensityRatio {
    fn logit(&self, z: &Tensor, seen: &Seen<'_>) -> Result<Tensor> {
        Ok(self.discriminator.forward(z, seen.mode.enter("discriminator"))?.squeeze(1)?)
    }
}

/// Each latent shuffled over the batch on its own.
///
/// # Shapes
/// - `z`: `[N, code]`
/// - returns: `[N, code]`
fn shuffled(z: &Tensor, key: &Key) -> Result<Tensor> {
    let (n, code) = z.dims2()?;
    let mut draws = vec![0f32; n * code];
    random::fill_uniform(key, &mut draws);
    let order = draws.chunks_exact(n).flat_map(|draws| {
        let mut order: Vec<u32> = (0..n as u32).collect();
        order.sort_by(|&a, &b| draws[a as usize].total_cmp(&draws[b as usize]));
        order
    });
    let order = Tensor::from_iter(order, z.device())?.reshape((code, n))?;
    Ok(z.t()?.contiguous()?.gather(&order, 1)?.t()?.contiguous()?)
}

impl Objective for DensityRatio {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, group: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let (z, _) = posterior.draw(1, &seen.noise)?;
        if group.name == GROUPS[1].name {
            let z = z.detach();
            let shuffled = shuffled(&z, &at.key.named("shuffle"))?;
            let told_apart = (as_true(&self.logit(&z, seen)?)? + as_false(&self.logit(&shuffled, seen)?)?)?;
            return Ok(Loss::default().with("discriminator", told_apart, 0.5));
        }
        Ok(Loss::of("reconstruction", parts.nats(&z, seen.batch, seen.mode)?)
            .with("kl", kl_gaussian(&posterior.mean, &posterior.log_var)?, rising(self.warmup, at))
            .with("correlation", self.logit(&z, seen)?, self.gamma))
    }

    fn groups(&self) -> &[Group] {
        &GROUPS
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn shuffling_keeps_each_latents_values_and_breaks_rows() {
        let z = Tensor::arange(0f64, 100.0, &Device::Cpu).unwrap().reshape((2, 50)).unwrap().t().unwrap();
        let shuffled = shuffled(&z.contiguous().unwrap(), &Key::new(1)).unwrap().t().unwrap().to_vec2::<f64>().unwrap();
        for (latent, offset) in shuffled.iter().zip([0.0, 50.0]) {
            let mut sorted = latent.clone();
            sorted.sort_by(f64::total_cmp);
            assert!(sorted.iter().enumerate().all(|(place, value)| *value == place as f64 + offset));
        }
        let together = shuffled[0].iter().zip(&shuffled[1]).filter(|(a, b)| **a + 50.0 == **b).count();
        assert!(together < 10, "{together} rows of 50 stayed together");
    }
}
