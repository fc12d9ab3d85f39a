//! The parts of a variational model: networks with a normal posterior, likelihood and prior.

use candle_core::Tensor;
use narrows_core::{Batch, Dims, Error, Result};
use narrows_tensor::{Key, Parameters};

use super::flow::InverseAutoregressive;
use super::ladder::{Climb, Ladder};
use super::posterior::each;
use super::{Bound, ConditionalPrior, Posterior, Prior};
use crate::bottleneck::Gaussian;
use crate::composed::Networks;
use crate::network::Mode;

/// How codes come from the normal distribution that the encoder gives.
#[derive(Clone, Debug)]
pub enum Inference {
    /// They are drawn from it.
    Normal,
    /// A flow that sees mean and log-variance takes them on.
    Flow(InverseAutoregressive),
    /// It is the lower of two levels; the prior is that of the upper one.
    Ladder(Ladder),
}

/// Codes drawn from the posterior.
pub struct Drawn {
    /// The codes, `[N samples, code]`.
    pub z: Tensor,
    /// `log q(z|x) - log p(z)`, `[N samples]`.
    pub log_ratio: Tensor,
    /// A divergence of the same mean and less noise, where there is one, `[N samples]`.
    pub divergence: Option<Tensor>,
}

/// What a variational model consists of.
pub struct Parts {
    /// Encoder, decoder, and the fixed maps around them.
    pub networks: Networks<Gaussian>,
    /// `-log p(x|z)` of the decoder's output.
    pub bound: Bound,
    /// `p(z)`.
    pub prior: Prior,
    /// How codes come from what the encoder says.
    pub inference: Inference,
    /// Features of the condition that encoder and decoder see beside sample and code; 0 for none.
    pub condition: usize,
    /// Where codes lie under each condition. Codes that are kept, drawn and decoded are relative to it.
    pub conditional: Option<ConditionalPrior>,
}

impl Parts {
    /// What the encoder sees: scaled samples, behind which stand their conditions where the model takes any.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`, or `[N, sample + condition]`
    ///
    /// # Errors
    /// The samples or conditions are of another size.
    pub fn input(&self, x: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        self.beside(&self.networks.scaling.input(x)?, condition)
    }

    /// The decoder's output, as the likelihood reads it.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The codes or conditions are of another size.
    pub fn output(&self, z: &Tensor, condition: Option<&Tensor>, mode: Mode) -> Result<Tensor> {
        self.networks.output(&self.decoded(z, condition)?, mode)
    }

    /// A sample for each code: flags, categories and real features drawn from their distributions.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The codes or conditions are of another size.
    pub fn draw(&self, z: &Tensor, condition: Option<&Tensor>, key: &Key) -> Result<Tensor> {
        let z = self.decoded(z, condition)?;
        let likelihood = &self.networks.likelihood;
        let mean = likelihood.mean(&self.networks.output(&z, Mode::Infer)?)?;
        likelihood.draw(&mean, Some(&self.bound.spread(&self.networks, &z, Mode::Infer)?), key)
    }

    /// What the decoder sees of codes: their place under the condition, and the condition behind.
    fn decoded(&self, z: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        match &self.conditional {
            None => self.beside(z, condition),
            Some(prior) => self.beside(&prior.absolute(z, &self.known(z, condition)?)?, condition),
        }
    }

    /// Rows with their conditions behind.
    fn beside(&self, rows: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        if self.condition == 0 {
            return Ok(rows.clone());
        }
        Ok(Tensor::cat(&[&rows.flatten_from(1)?, &self.known(rows, condition)?], 1)?)
    }

    /// The condition of each row; an unknown one is 0.
    fn known(&self, rows: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        let (n, expected) = (rows.dim(0)?, Dims::new([self.condition]));
        match condition {
            Some(given) if expected.count("condition", given)? == n => Ok(given.to_dtype(rows.dtype())?),
            Some(given) => {
                let found = given.dims().to_vec();
                Err(Error::SampleShape { argument: "condition", found, expected })
            }
            None => Ok(Tensor::zeros((n, self.condition), rows.dtype(), rows.device())?),
        }
    }

    /// Sets where codes lie under each condition from those of training rows.
    ///
    /// # Errors
    /// The conditions are of another size.
    pub fn start_conditional(&self, first: &Batch, parameters: &Parameters) -> Result<()> {
        let (Some(prior), Some(c)) = (&self.conditional, &first.condition) else { return Ok(()) };
        let u = self.input(&first.x, Some(c))?;
        let z = self.networks.bottleneck.posterior(&self.networks.hidden(&u, Mode::Infer)?)?;
        prior.start(&z.mean, c, parameters)
    }

    /// `q(z|x)`.
    ///
    /// # Shapes
    /// - `u`: what [`Parts::input`] gives
    ///
    /// # Errors
    /// The sample is not the one that the networks were built for.
    pub fn posterior(&self, u: &Tensor, mode: Mode) -> Result<Posterior> {
        let posterior = self.networks.bottleneck.posterior(&self.networks.hidden(u, mode)?)?;
        match &self.conditional {
            None => Ok(posterior),
            Some(prior) => {
                let samples = u.dim(1)? - self.condition;
                prior.relative(&posterior, &u.narrow(1, samples, self.condition)?)
            }
        }
    }

    /// `-log p(x|z)` in nats of codes whose number is a multiple of the batch's; those of one sample follow each other.
    ///
    /// # Shapes
    /// - `z`: `[N samples, code]`
    /// - returns: `[N samples]`
    ///
    /// # Errors
    /// The codes do not belong to the batch.
    pub fn nats(&self, z: &Tensor, batch: &Batch, mode: Mode) -> Result<Tensor> {
        let samples = z.dim(0)? / batch.target().dim(0)?;
        let condition = batch.condition.as_ref().map(|condition| each(condition, samples)).transpose()?;
        let z = self.decoded(z, condition.as_ref())?;
        let output = self.networks.output(&z, mode)?;
        let target = each(batch.target(), samples)?;
        let observed = batch.observed.as_ref().map(|observed| each(observed, samples)).transpose()?;
        let spread = self.bound.spread(&self.networks, &z, mode)?;
        self.networks.likelihood.nats(&output, &target, observed.as_ref(), &spread)
    }

    /// `log p(x, z) - log q(z|x)` in nats for `samples` codes of each sample.
    ///
    /// # Shapes
    /// - returns: `[N, samples]`
    ///
    /// # Errors
    /// The posterior does not belong to the batch.
    pub fn log_weights(
        &self,
        posterior: &Posterior,
        batch: &Batch,
        samples: usize,
        noise: &Key,
        mode: Mode,
    ) -> Result<Tensor> {
        let Drawn { z, log_ratio, .. } = self.drawn(posterior, samples, noise)?;
        Ok((log_ratio + self.nats(&z, batch, mode)?)?.neg()?.reshape(((), samples))?)
    }

    /// The code in use, from what the encoder says.
    ///
    /// # Shapes
    /// - returns: `[N, code]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn infer(&self, posterior: &Posterior) -> Result<Tensor> {
        match &self.inference {
            Inference::Normal | Inference::Ladder(_) => Ok(self.informed(posterior)?.mean),
            Inference::Flow(flow) => Ok(flow.forward(&posterior.mean, &posterior.statistics()?)?.0),
        }
    }

    /// What is known of a sample's code before a flow takes it on: what the encoder says, in a ladder together with what the
    /// upper latents say.
    ///
    /// # Errors
    /// The posterior is of another size.
    pub fn informed(&self, posterior: &Posterior) -> Result<Posterior> {
        match &self.inference {
            Inference::Normal | Inference::Flow(_) => Ok(posterior.clone()),
            Inference::Ladder(ladder) => ladder.at_mean(posterior),
        }
    }

    /// `samples` codes of each sample; those of one sample follow each other.
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn drawn(&self, posterior: &Posterior, samples: usize, noise: &Key) -> Result<Drawn> {
        let (z, log_q) = match &self.inference {
            Inference::Ladder(ladder) => {
                let Climb { z, log_ratio, divergence } = ladder.climb(posterior, samples, noise)?;
                return Ok(Drawn { z, log_ratio, divergence: Some(divergence) });
            }
            Inference::Normal => {
                let (z, noise) = posterior.draw(samples, noise)?;
                (z, posterior.log_density(&noise)?)
            }
            Inference::Flow(flow) => {
                let (z, noise) = posterior.draw(samples, noise)?;
                let (z, log_det) = flow.forward(&z, &each(&posterior.statistics()?, samples)?)?;
                (z, (posterior.log_density(&noise)? - log_det)?)
            }
        };
        let log_ratio = (log_q - self.prior.log_density(&z, &self.networks)?)?;
        Ok(Drawn { z, log_ratio, divergence: None })
    }

    /// New codes.
    ///
    /// # Shapes
    /// - returns: `[n, code]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    pub fn draw_codes(&self, n: usize, key: &Key) -> Result<Tensor> {
        match &self.inference {
            Inference::Ladder(ladder) => ladder.draw(n, self.networks.scaling.scale(), key),
            Inference::Normal | Inference::Flow(_) => self.prior.draw(n, &self.networks, key),
        }
    }
}
