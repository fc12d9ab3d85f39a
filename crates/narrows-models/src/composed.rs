//! Encoder network, bottleneck, decoder network and likelihood, put together: most variants are one of these.
//!
//! `u = scaling(x)`, `h = encoder(u) + W u`, `z = bottleneck(h)`, `v = decoder(z) + V z`, `x̂ = mean(scaling⁻¹(v))`; the
//! linear path (`W`, `V`) is optional. A variant whose loss needs more than the likelihood and the bottleneck's terms
//! gives an [`Objective`] of its own.

use candle_core::Tensor;
use narrows_core::{
    Autoencoder, Batch, Diagnostic, Dims, Group, Loss, Result, Spec, StepContext, StepOutput, Trainable, Update,
};
use narrows_tensor::{Key, Parameters, Scope};

use crate::augmentation::Augmentation;
use crate::bottleneck::Bottleneck;
use crate::network::{LinearPath, Mode, Network, with_flags};
use crate::principal::principal_axes;
use crate::scaling::Scaling;
use crate::{DataSpec, Likelihood};

/// Rows that are encoded at a time before the first step.
const STARTING: usize = 512;

/// What one training step computed, for objectives.
pub struct Pass<'a> {
    /// What was encoded, scaled and with its noise.
    pub u: &'a Tensor,
    /// The encoder's output.
    pub h: &'a Tensor,
    /// The code that was decoded.
    pub z: &'a Tensor,
    /// The decoder's output, as the likelihood reads it.
    pub output: &'a Tensor,
    /// The samples, after moves.
    pub batch: &'a Batch,
    /// The group whose loss is asked for.
    pub group: &'a Group,
}

/// What a variant minimises.
pub trait Objective<B>: Send + Sync {
    /// The loss of a pass, before the bottleneck's own terms.
    ///
    /// # Errors
    /// Candle cannot compute a term.
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> Result<Loss>;

    /// The phases of a step, in order.
    fn groups(&self) -> &[Group] {
        &[Group::ALL]
    }

    /// Codes from the distribution that it draws codes towards, of the type of `like`; `None` where there is none.
    ///
    /// # Shapes
    /// - `like`: any
    /// - returns: `[n, code]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    fn draw(&self, n: usize, code: usize, like: &Tensor, key: &Key) -> Result<Option<Tensor>> {
        let _ = (n, code, like, key);
        Ok(None)
    }
}

/// The likelihood's loss alone, called `reconstruction`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reconstruction;

impl<B> Objective<B> for Reconstruction {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, _: &StepContext) -> Result<Loss> {
        let loss = model.likelihood.loss(pass.output, pass.batch.target(), pass.batch.observed.as_ref())?;
        Ok(Loss::of("reconstruction", loss))
    }
}

/// The differentiable parts of a model.
pub struct Networks<B> {
    /// From scaled samples to hidden values; `None` where the linear path is all there is.
    pub encoder: Option<Box<dyn Network>>,
    /// From hidden values to codes.
    pub bottleneck: B,
    /// From codes to scaled samples; `None` where the linear path is all there is.
    pub decoder: Option<Box<dyn Network>>,
    /// The linear maps beside both networks.
    pub path: Option<LinearPath>,
    /// Fixed maps around the networks.
    pub scaling: Scaling,
    /// How the output is read.
    pub likelihood: Likelihood,
}

impl<B: Bottleneck> Networks<B> {
    /// The encoder's output.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`, scaled
    /// - returns: `[N, hidden]`
    ///
    /// # Errors
    /// The sample is not the one that the networks were built for.
    pub fn hidden(&self, u: &Tensor, mode: Mode) -> Result<Tensor> {
        let deep = self.encoder.as_ref().map(|encoder| encoder.forward(u, mode.enter("encoder"))).transpose()?;
        sum(deep, self.path.as_ref().map(|path| path.encode(u)).transpose()?, u)
    }

    /// The decoder's output, as the likelihood reads it.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The code is not the one that the networks were built for.
    pub fn output(&self, z: &Tensor, mode: Mode) -> Result<Tensor> {
        self.scaling.output(&self.decoded(z, mode)?)
    }

    /// The decoder's output, as networks see samples.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The code is not the one that the networks were built for.
    pub fn decoded(&self, z: &Tensor, mode: Mode) -> Result<Tensor> {
        let deep = self.decoder.as_ref().map(|decoder| decoder.forward(z, mode.enter("decoder"))).transpose()?;
        sum(deep, self.path.as_ref().map(|path| path.decode(z)).transpose()?, z)
    }

    /// Sets the fixed maps, and the linear path if there is one, from training rows.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot read or write a value.
    pub fn start(&self, x: &Tensor, parameters: &Parameters) -> Result<()> {
        self.scaling.fit(x, &self.likelihood, self.path.is_some(), parameters)?;
        if let Some(path) = &self.path {
            let rows = self.scaling.input(x)?.flatten_from(1)?;
            path.start(&principal_axes(&rows, path.code())?, parameters)?;
        }
        Ok(())
    }
}

/// The sum of the parts that there are; without any, the input itself.
fn sum(deep: Option<Tensor>, linear: Option<Tensor>, input: &Tensor) -> Result<Tensor> {
    match (deep, linear) {
        (Some(deep), Some(linear)) => Ok((deep + linear)?),
        (Some(part), None) | (None, Some(part)) => Ok(part),
        (None, None) => Ok(input.clone()),
    }
}

/// A model of networks, a bottleneck and an objective.
pub struct Composed<B, O = Reconstruction> {
    spec: Spec,
    parameters: Parameters,
    networks: Networks<B>,
    objective: O,
    augmentation: Augmentation,
}

impl<B: Bottleneck, O: Objective<B>> Composed<B, O> {
    /// Puts the parts together. `scope` is the one in which they were made.
    pub fn new(
        data: &DataSpec,
        networks: Networks<B>,
        objective: O,
        augmentation: Augmentation,
        scope: &Scope,
    ) -> Self {
        let spec = Spec { sample: data.sample.clone(), code: Dims::new([networks.bottleneck.code()]) };
        Self { spec, parameters: scope.parameters(), networks, objective, augmentation }
    }
}

impl<B: Bottleneck, O: Objective<B>> Autoencoder for Composed<B, O> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        self.spec.sample.count("x", x)?;
        let h = self.networks.hidden(&self.networks.scaling.input(x)?, Mode::Infer)?;
        self.networks.bottleneck.infer(&h)
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        self.spec.code.count("z", z)?;
        self.networks.likelihood.mean(&self.networks.output(z, Mode::Infer)?)
    }

    fn draw(&self, z: &Tensor, key: &Key) -> Result<Tensor> {
        self.networks.likelihood.draw(&self.decode(z)?, None, key)
    }

    fn draw_codes(&self, n: usize, key: &Key) -> Result<Option<Tensor>> {
        self.objective.draw(n, self.networks.bottleneck.code(), self.networks.scaling.scale(), key)
    }

    fn predict_hidden(&self, x: &Tensor, hidden: &Tensor) -> Result<Option<Tensor>> {
        self.spec.sample.count("x", x)?;
        if !self.augmentation.corruption.as_ref().is_some_and(|process| process.corruption().tells()) {
            return Ok(None);
        }
        let u = with_flags(&self.networks.scaling.input(x)?, hidden)?;
        let z = self.networks.bottleneck.infer(&self.networks.hidden(&u, Mode::Infer)?)?;
        Ok(Some(self.decode(&z)?))
    }

    fn strangeness(&self, x: &Tensor) -> Result<Option<Tensor>> {
        self.spec.sample.count("x", x)?;
        self.networks.bottleneck.strangeness(&self.networks.hidden(&self.networks.scaling.input(x)?, Mode::Infer)?)
    }

    fn usage(&self, x: &Tensor) -> Result<Option<Tensor>> {
        self.spec.sample.count("x", x)?;
        let bottleneck = &self.networks.bottleneck;
        if !bottleneck.watched() {
            return Ok(None);
        }
        bottleneck.usage(&self.networks.hidden(&self.networks.scaling.input(x)?, Mode::Infer)?)
    }

    fn diagnose(&self, usage: &[f64]) -> Result<Vec<Diagnostic>> {
        Ok(self.networks.bottleneck.diagnose(usage))
    }
}

impl<B: Bottleneck, O: Objective<B>> Trainable for Composed<B, O> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn groups(&self) -> &[Group] {
        self.objective.groups()
    }

    fn step(&self, group: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput> {
        self.spec.sample.count("x", &batch.x)?;
        let networks = &self.networks;
        let mode = Mode::Train(at.key.named("networks"));
        let batch = self.augmentation.changed(batch, at)?;
        let u = self.augmentation.corrupted(&batch.x, &networks.scaling, &at.key.named("corruption"))?;
        let h = networks.hidden(&u, mode)?;
        let coded = networks.bottleneck.train(&h, &StepContext { key: at.key.named("bottleneck"), ..*at })?;
        let output = networks.output(&coded.z, mode)?;
        let pass = Pass { u: &u, h: &h, z: &coded.z, output: &output, batch: &batch, group };
        let mut loss = self.objective.loss(networks, &pass, at)?;
        for term in coded.terms.terms() {
            loss = loss.with(term.name.clone(), term.value.clone(), term.weight);
        }
        let updates: Vec<Update> = coded.updates;
        Ok(StepOutput { loss, updates })
    }

    fn prepare(&mut self, first: &Batch) -> Result<()> {
        self.spec.sample.count("x", &first.x)?;
        self.networks.start(&first.x, &self.parameters)?;
        // A few rows at a time: hidden layers of convolutions are much larger than their samples.
        let rows = first.x.dim(0)?;
        let hidden = (0..rows).step_by(STARTING).map(|start| {
            let x = first.x.narrow(0, start, STARTING.min(rows - start))?;
            Ok(self.networks.hidden(&self.networks.scaling.input(&x)?, Mode::Infer)?.detach())
        });
        let h = Tensor::cat(&hidden.collect::<Result<Vec<_>>>()?, 0)?;
        self.networks.bottleneck.start(&h, &self.parameters)
    }

    fn surrogate(&self, parameter: &str) -> bool {
        self.networks.bottleneck.surrogate()
            && ["encoder.", "path.encode."].iter().any(|part| parameter.starts_with(part))
    }
}
