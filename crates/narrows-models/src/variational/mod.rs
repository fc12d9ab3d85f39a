//! Latent-variable models with a normal posterior: `p(x, z) = p(z) p(x|z)` and `q(z|x) = N(μ(x), σ²(x))`, trained by a
//! bound on `-log p(x)` in nats.

mod adversarial;
mod bound;
mod conditional;
mod density_ratio;
mod design;
mod elbo;
mod flow;
mod importance;
mod ladder;
mod made;
mod moments;
mod parts;
mod posterior;
mod prior;
mod total_correlation;

use candle_core::Tensor;
use narrows_core::{
    Autoencoder, Batch, Diagnostic, Dims, Group, Loss, Probabilistic, Result, Spec, StepContext, StepOutput, Trainable,
};
use narrows_tensor::{Key, Parameters, Scope};

use crate::DataSpec;
use crate::augmentation::binarised;
use crate::network::Mode;

pub use adversarial::Adversarial;
pub use bound::{Bound, Density};
pub use conditional::ConditionalPrior;
pub use density_ratio::DensityRatio;
pub(crate) use design::variational_options;
pub use design::{Design, LikelihoodChoice};
pub use elbo::{Elbo, Pressure, rising};
pub use flow::{InverseAutoregressive, MaskedAutoregressive};
pub use importance::{Estimator, ImportanceWeighted, log_mean_exp};
pub use ladder::{Climb, Ladder};
pub use made::Made;
pub use moments::{Discrepancy, Kernel, discrepancy};
pub use parts::{Drawn, Inference, Parts};
use posterior::diagnose;
pub use posterior::{Posterior, each, log_normal, log_standard_normal};
pub use prior::{Prior, PseudoInputs};
pub use total_correlation::TotalCorrelation;

/// What an objective is given of a step.
pub struct Seen<'a> {
    /// What is encoded, scaled, with conditions behind where the model takes any.
    pub u: &'a Tensor,
    /// The samples as the likelihood sees them.
    pub batch: &'a Batch,
    /// How the networks run.
    pub mode: Mode,
    /// The key of the codes' noise.
    pub noise: Key,
}

/// What a variant minimises.
pub trait Objective: Send + Sync {
    /// The loss of a group's step.
    ///
    /// # Errors
    /// Candle cannot compute a term.
    fn loss(&self, parts: &Parts, seen: &Seen<'_>, group: &Group, at: &StepContext) -> Result<Loss>;

    /// The phases of a step, in order.
    fn groups(&self) -> &[Group] {
        &[Group::ALL]
    }
}

/// A variational model under an objective.
pub struct Variational<O> {
    spec: Spec,
    parameters: Parameters,
    parts: Parts,
    objective: O,
    binarise: bool,
}

impl<O: Objective> Variational<O> {
    /// Puts the parts together. With `binarise` samples are drawn from their intensities. `scope` is the one in which the
    /// parts were made.
    pub fn new(data: &DataSpec, parts: Parts, objective: O, binarise: bool, scope: &Scope) -> Self {
        let spec = Spec { sample: data.sample.clone(), code: Dims::new([parts.networks.bottleneck.code]) };
        Self { spec, parameters: scope.parameters(), parts, objective, binarise }
    }
}

impl<O: Objective> Autoencoder for Variational<O> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        self.encode_given(x, None)
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        self.decode_given(z, None)
    }

    fn encode_given(&self, x: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        self.spec.sample.count("x", x)?;
        self.parts.infer(&self.parts.posterior(&self.parts.input(x, condition)?, Mode::Infer)?)
    }

    fn decode_given(&self, z: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        self.spec.code.count("z", z)?;
        self.parts.networks.likelihood.mean(&self.parts.output(z, condition, Mode::Infer)?)
    }

    fn draw(&self, z: &Tensor, key: &Key) -> Result<Tensor> {
        self.draw_given(z, None, key)
    }

    fn draw_given(&self, z: &Tensor, condition: Option<&Tensor>, key: &Key) -> Result<Tensor> {
        self.spec.code.count("z", z)?;
        self.parts.draw(z, condition, key)
    }

    fn draw_codes(&self, n: usize, key: &Key) -> Result<Option<Tensor>> {
        self.parts.draw_codes(n, key).map(Some)
    }

    fn probabilistic(&self) -> Option<&dyn Probabilistic> {
        Some(self)
    }

    fn usage(&self, x: &Tensor) -> Result<Option<Tensor>> {
        self.spec.sample.count("x", x)?;
        let posterior = self.parts.posterior(&self.parts.input(x, None)?, Mode::Infer)?;
        self.parts.informed(&posterior)?.activity().map(Some)
    }

    fn diagnose(&self, usage: &[f64]) -> Result<Vec<Diagnostic>> {
        Ok(diagnose(usage))
    }
}

impl<O: Objective> Trainable for Variational<O> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn step(&self, group: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput> {
        let batch = self.observed(batch, &at.key.named("binarise"))?;
        let u = self.parts.input(&batch.x, batch.condition.as_ref())?;
        let mode = Mode::Train(at.key.named("networks"));
        let seen = Seen { u: &u, batch: &batch, mode, noise: at.key.named("bottleneck") };
        Ok(self.objective.loss(&self.parts, &seen, group, at)?.into())
    }

    fn groups(&self) -> &[Group] {
        self.objective.groups()
    }

    fn prepare(&mut self, first: &Batch) -> Result<()> {
        self.spec.sample.count("x", &first.x)?;
        self.parts.networks.start(&first.x, &self.parameters)?;
        self.parts.prior.start(&self.parts.networks.scaling.input(&first.x)?, &self.parameters)?;
        self.parts.start_conditional(first, &self.parameters)
    }
}

impl<O: Objective> Probabilistic for Variational<O> {
    fn observed(&self, batch: &Batch, key: &Key) -> Result<Batch> {
        self.spec.sample.count("x", &batch.x)?;
        if self.binarise { binarised(batch, key) } else { Ok(batch.clone()) }
    }

    fn log_weights(&self, batch: &Batch, samples: usize, key: &Key) -> Result<Tensor> {
        self.spec.sample.count("x", &batch.x)?;
        let posterior = self.parts.posterior(&self.parts.input(&batch.x, batch.condition.as_ref())?, Mode::Infer)?;
        self.parts.log_weights(&posterior, batch, samples, key, Mode::Infer)
    }
}
