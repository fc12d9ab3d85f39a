//! A variational model whose decoder is judged by a discriminator (Larsen, Sønderby, Larochelle & Winther 2016,
//! Autoencoding beyond pixels using a learned similarity metric). With F the last hidden layer of the discriminator and D its
//! verdict, `x̃` the reconstruction, `x_p` a sample of the prior and `S = ½ mean (F(x) - F(x̃))²`: the encoder minimises
//! `γ S + β (KL - log p(x|z))`, the decoder `γ S - β log p(x|z) - α (log D(x̃) + log D(x_p))`, the discriminator
//! `-log D(x) - ½ log (1 - D(x̃)) - ½ log (1 - D(x_p))`. The share β of the bound keeps reconstructions faithful (β = 0 in the
//! paper). The discriminator sees samples under noise (Arjovsky & Bottou 2017, Towards principled methods for training
//! generative adversarial networks): without it two sets of points can always be told apart, and it would win.

use candle_core::Tensor;
use narrows_core::{Group, Loss, Result, StepContext};
use narrows_tensor::ops::loss::kl_gaussian;
use narrows_tensor::{Key, random};

use super::{Objective, Parts, Seen, rising};
use crate::adversary::{Adversary, as_false, as_true};
use crate::network::Mode;

/// The objective of a VAE-GAN.
pub struct Adversarial {
    /// From samples, as the encoder sees them, to a verdict; its parameters begin with `discriminator.`.
    pub discriminator: Adversary,
    /// Deviation of the noise under which the discriminator sees samples of unit scale.
    pub noise: f64,
    /// Weight α of deceiving the discriminator.
    pub adversary: f64,
    /// Weight γ of the similarity.
    pub similarity: f64,
    /// Weight β of the bound, times the values of a sample.
    pub bound: f64,
    /// Share of the run over which the divergence's weight rises from 0.
    pub warmup: f64,
}

const GROUPS: [Group; 3] = [
    Group { name: "encoder", prefixes: &["encoder.", "path.encode."] },
    Group { name: "decoder", prefixes: &["decoder.", "path.decode.", "likelihood."] },
    Group { name: "discriminator", prefixes: &["discriminator."] },
];

impl Adversarial {
    /// Samples of unit scale under noise of a name.
    fn veiled(&self, x: &Tensor, name: &str, key: &Key) -> Result<Tensor> {
        let noise = random::normal(&key.named(name), x.shape(), x.dtype(), x.device())?;
        Ok((x + (noise * self.noise)?)?)
    }

    /// The expected sample of codes, as the discriminator sees it.
    fn shown(&self, parts: &Parts, z: &Tensor, mode: Mode, name: &str, key: &Key) -> Result<Tensor> {
        let mean = parts.networks.likelihood.mean(&parts.output(z, None, mode)?)?;
        self.veiled(&parts.networks.scaling.input(&mean)?, name, key)
    }

    fn of_discriminator(&self, x: &Tensor, rebuilt: &Tensor, drawn: &Tensor) -> Result<Loss> {
        let judge = |shown: &Tensor| self.discriminator.judge(&shown.detach());
        let loss = Loss::of("true", as_true(&judge(x)?)?);
        let loss = loss.with("rebuilt", as_false(&judge(rebuilt)?)?, 0.5);
        Ok(loss.with("drawn", as_false(&judge(drawn)?)?, 0.5))
    }
}

impl Objective for Adversarial {
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, group: &Group, at: &StepContext) -> Result<Loss> {
        let posterior = parts.posterior(seen.u, seen.mode)?;
        let (z, _) = posterior.draw(1, &seen.noise)?;
        let x = self.veiled(&parts.networks.scaling.input(seen.batch.target())?, "true", &at.key)?;
        let rebuilt = self.shown(parts, &z, seen.mode, "rebuilt", &at.key)?;
        let drawn = || {
            let codes = parts.draw_codes(z.dim(0)?, &at.key.named("prior"))?;
            self.shown(parts, &codes, Mode::Infer, "drawn", &at.key)
        };
        if group.name == GROUPS[2].name {
            return self.of_discriminator(&x, &rebuilt, &drawn()?);
        }
        let features = self.discriminator.features(&rebuilt)?;
        let apart = (self.discriminator.features(&x)?.detach() - &features)?;
        let share = self.bound / x.flatten_from(1)?.dim(1)? as f64;
        let loss = Loss::default().with("reconstruction", parts.nats(&z, seen.batch, seen.mode)?, share);
        let loss = loss.with("similarity", (apart.sqr()?.mean(1)? * 0.5)?, self.similarity);
        if group.name == GROUPS[0].name {
            let divergence = kl_gaussian(&posterior.mean, &posterior.log_var)?;
            return Ok(loss.with("kl", divergence, share * rising(self.warmup, at)));
        }
        let loss = loss.with("rebuilt", as_true(&self.discriminator.verdict(&features)?)?, self.adversary);
        Ok(loss.with("drawn", as_true(&self.discriminator.judge(&drawn()?)?)?, self.adversary))
    }

    fn groups(&self) -> &[Group] {
        &GROUPS
    }
}
