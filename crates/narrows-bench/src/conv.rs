//! A convolutional variational autoencoder: kernels of 4, stride 2, padding 1, and the mirror; 16 latent numbers.

use candle_core::{DType, Device, Result, Tensor};
use narrows_tensor::ops::loss::{bce_with_logits, kl_gaussian};
use narrows_tensor::{Activation, Key, random};

use crate::layers::{AdamW, Conv, Dense, samples, scope};
use crate::{Operations, Workload};

const CODE: usize = 16;

/// One step of AdamW on the evidence lower bound.
pub(crate) struct Vae {
    encoder: Vec<Conv>,
    decoder: Vec<Conv>,
    mean: Dense,
    log_var: Dense,
    first: Dense,
    optimizer: AdamW,
    x: Tensor,
    inner: [usize; 3],
    step: u64,
    operations: Operations,
}

impl Vae {
    pub(crate) fn boxed(
        batch: usize,
        extent: usize,
        channels: &[usize],
        operations: Operations,
    ) -> Result<Box<dyn Workload>> {
        let scope = scope();
        let (last, small) = (channels[channels.len() - 1], extent >> (channels.len() - 1));
        let pairs = channels.windows(2).enumerate();
        let encoder = pairs.clone().map(|(index, pair)| {
            Conv::new(&scope.enter("encoder").enter(index), (pair[0], pair[1]), false, Activation::Relu, operations)
        });
        let decoder = pairs.rev().map(|(index, pair)| {
            let activation = if index == 0 { Activation::Identity } else { Activation::Relu };
            Conv::new(&scope.enter("decoder").enter(index), (pair[1], pair[0]), true, activation, operations)
        });
        let (encoder, decoder) = (encoder.collect::<Result<_>>()?, decoder.collect::<Result<_>>()?);
        let features = small * small * last;
        let dense = |name: &str, shape, activation| Dense::new(&scope.enter(name), shape, activation, operations);
        let mean = dense("mean", (features, CODE), Activation::Identity)?;
        let log_var = dense("log_var", (features, CODE), Activation::Identity)?;
        let first = dense("first", (CODE, features), Activation::Relu)?;
        let (image, inner) = match operations {
            Operations::Fused => ([batch, extent, extent, channels[0]], [small, small, last]),
            Operations::Candle => ([batch, channels[0], extent, extent], [last, small, small]),
        };
        let optimizer = AdamW::new(&scope, 1e-2, operations)?;
        let x = samples(&image)?;
        Ok(Box::new(Self { encoder, decoder, mean, log_var, first, optimizer, x, inner, step: 0, operations }))
    }
}

impl Workload for Vae {
    fn samples(&self) -> usize {
        self.x.dims()[0]
    }

    fn step(&mut self) -> Result<f32> {
        let wrap = candle_core::Error::wrap;
        let h = self.encoder.iter().try_fold(self.x.clone(), |x, layer| layer.forward(&x))?;
        let h = h.flatten_from(1)?;
        let (mean, log_var) = (self.mean.forward(&h)?, self.log_var.forward(&h)?);
        self.step += 1;
        let noise = random::normal(&Key::new(3).fold(self.step), mean.shape(), DType::F32, &Device::Cpu);
        let z = (&mean + ((&log_var * 0.5)?.exp()? * noise.map_err(wrap)?)?)?;
        let [a, b, c] = self.inner;
        let h = self.first.forward(&z)?.reshape(((), a, b, c))?;
        let logits = self.decoder.iter().try_fold(h, |x, layer| layer.forward(&x))?;
        let loss = match self.operations {
            Operations::Fused => {
                let reconstruction = bce_with_logits(&logits, &self.x, None).map_err(wrap)?;
                (reconstruction + kl_gaussian(&mean, &log_var).map_err(wrap)?)?.mean_all()?
            }
            Operations::Candle => {
                let soft = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
                let reconstruction = ((logits.relu()? - (&logits * &self.x)?)? + soft)?.flatten_from(1)?.sum(1)?;
                let kl = (((mean.sqr()? + log_var.exp()?)? - 1.0)? - &log_var)?.sum(1)?;
                (reconstruction + (kl * 0.5)?)?.mean_all()?
            }
        };
        self.optimizer.minimise(&loss)?;
        loss.to_scalar()
    }
}
