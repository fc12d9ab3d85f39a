//! A sparse autoencoder: dictionary, rule, and what all rules share.
//!
//! `L = |x - x̂|² + terms of the rule + α |e - ê|²`; with nested codes the first term is the mean over the prefixes of the
//! dictionary, each reconstructing by itself.

use std::ops::Range;

use candle_core::Tensor;
use narrows_core::{
    Autoencoder, Batch, Diagnostic, Dims, Group, Loss, Result, Spec, StepContext, StepOutput, Trainable,
};
use narrows_tensor::{Gradients, Parameters, Scope};

use super::{Activity, Coded, Dictionary, Pass, Revival, Rule};
use crate::scaling::Scaling;
use crate::{DataSpec, Likelihood};

/// What differs between sparse autoencoders besides their rule.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Latents.
    pub latents: usize,
    /// The ends of the prefixes that reconstruct by themselves, ascending, the last one all latents.
    pub prefixes: Vec<usize>,
    /// Active latents of a sample where the rule fixes their number.
    pub active: Option<usize>,
    /// How dead latents are revived.
    pub revival: Option<Revival>,
    /// Samples without activity after which a latent counts as dead.
    pub dead_after: usize,
    /// Length of the encoder's rows at the start; those of the decoder have length 1.
    pub encoder_length: f64,
    /// What to do about dead latents, as a sentence.
    pub remedy: &'static str,
}

/// An overcomplete autoencoder of which few latents are active at a time.
pub struct SparseAutoencoder<R> {
    spec: Spec,
    parameters: Parameters,
    dictionary: Dictionary,
    rule: R,
    activity: Activity,
    scaling: Scaling,
    likelihood: Likelihood,
    parts: Parts,
}

impl<R: Rule> SparseAutoencoder<R> {
    /// Puts the parts together; `rule` makes its own parameters in the scope.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(data: &DataSpec, parts: Parts, rule: impl FnOnce(&Scope) -> Result<R>, scope: &Scope) -> Result<Self> {
        let latents = parts.latents;
        let dictionary = Dictionary::new(data.features(), latents, parts.encoder_length, scope)?;
        let activity = Activity::new(latents, parts.dead_after, &scope.enter("activity"))?;
        let scaling = Scaling::new(&data.sample, &scope.enter("scaling"))?;
        let rule = rule(scope)?;
        let spec = Spec { sample: data.sample.clone(), code: Dims::new([latents]) };
        let likelihood = data.likelihood.clone();
        Ok(Self { spec, parameters: scope.parameters(), dictionary, rule, activity, scaling, likelihood, parts })
    }

    /// Samples as the dictionary sees them, relative to its centre.
    fn centred(&self, x: &Tensor) -> Result<Tensor> {
        self.spec.sample.count("x", x)?;
        self.dictionary.centred(&self.scaling.input(x)?.flatten_from(1)?)
    }

    /// Samples as the likelihood reads them, from samples as networks see them.
    fn output(&self, v: &Tensor) -> Result<Tensor> {
        self.scaling.output(&v.reshape(self.spec.sample.batched(v.dim(0)?))?)
    }

    fn mean(&self, v: &Tensor) -> Result<Tensor> {
        self.likelihood.mean(&self.output(v)?)
    }

    fn all(&self) -> Range<usize> {
        0..self.parts.latents
    }

    /// The reconstruction's terms, one for each prefix by the same weight, and the decoded sample.
    fn nested(&self, coded: &Coded, rows: usize, loss: &dyn Fn(&Tensor) -> Result<Tensor>) -> Result<(Loss, Tensor)> {
        let Dictionary { directions, centre, .. } = &self.dictionary;
        let count = self.parts.prefixes.len();
        let mut v = centre.broadcast_as((rows, centre.elem_count()))?.contiguous()?;
        let (mut terms, mut start) = (Loss::default(), 0);
        for (index, &end) in self.parts.prefixes.iter().enumerate() {
            v = (v + coded.code.decode(directions, &(start..end))?)?;
            let name = if index + 1 == count { "reconstruction".into() } else { format!("first {end}") };
            terms = terms.with(name, loss(&v)?, 1.0 / count as f64);
            start = end;
        }
        Ok((terms, v))
    }
}

impl<R: Rule> Autoencoder for SparseAutoencoder<R> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        self.rule.infer(&self.dictionary, &self.centred(x)?)?.dense(self.parts.latents)
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        self.spec.code.count("z", z)?;
        let v = super::Code::All(z.clone()).decode(&self.dictionary.directions, &self.all())?;
        self.mean(&v.broadcast_add(&self.dictionary.centre)?)
    }

    fn reconstruct(&self, x: &Tensor) -> Result<Tensor> {
        let code = self.rule.infer(&self.dictionary, &self.centred(x)?)?;
        let v = code.decode(&self.dictionary.directions, &self.all())?;
        self.mean(&v.broadcast_add(&self.dictionary.centre)?)
    }

    fn active(&self) -> Result<usize> {
        match self.parts.active {
            Some(active) => Ok(active),
            None => Ok((self.activity.mean()?.round() as usize).max(1)),
        }
    }

    fn usage(&self, x: &Tensor) -> Result<Option<Tensor>> {
        let code = self.rule.infer(&self.dictionary, &self.centred(x)?)?;
        let counts: Vec<f64> = code.counts(self.parts.latents)?.into_iter().map(f64::from).collect();
        Ok(Some(Tensor::from_vec(counts, self.parts.latents, x.device())?))
    }

    fn diagnose(&self, usage: &[f64]) -> Result<Vec<Diagnostic>> {
        self.activity.diagnose(usage, self.parts.remedy)
    }
}

impl<R: Rule> Trainable for SparseAutoencoder<R> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn step(&self, _: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput> {
        let centred = self.centred(&batch.x)?;
        let (target, observed) = (batch.target(), batch.observed.as_ref());
        let unit = self.scaling.unit(&self.likelihood)?;
        let loss = |v: &Tensor| self.likelihood.loss(&self.output(v)?, target, observed);
        let pass = Pass { dictionary: &self.dictionary, centred: &centred, at, unit, reconstruction: &loss };
        let mut coded = self.rule.train(&pass)?;
        let (mut terms, v) = self.nested(&coded, centred.dim(0)?, &loss)?;
        for term in coded.terms.terms() {
            terms = terms.with(term.name.clone(), term.value.clone(), term.weight);
        }
        if let Some(revival) = &self.parts.revival {
            let dead = self.activity.dead()?;
            if !dead.is_empty() {
                let error = self.scaling.difference(&(target - self.mean(&v.detach())?)?)?;
                let error = observed.map_or(Ok(error.clone()), |observed| &error * observed)?.flatten_from(1)?;
                let left = revival.loss(&self.dictionary, &centred, &error.detach(), &dead)?;
                terms = terms.with("revival", left, revival.weight * unit);
            }
        }
        coded.updates.extend(self.activity.after(&coded.code, at)?);
        Ok(StepOutput { loss: terms, updates: coded.updates })
    }

    fn surrogate(&self, name: &str) -> bool {
        self.rule.surrogate(name)
    }

    fn prepare(&mut self, first: &Batch) -> Result<()> {
        self.spec.sample.count("x", &first.x)?;
        self.scaling.fit(&first.x, &self.likelihood, true, &self.parameters)?;
        self.dictionary.start(&self.scaling.input(&first.x)?.flatten_from(1)?, &self.parameters)
    }

    fn adjust(&self, gradients: &mut Gradients) -> Result<()> {
        self.dictionary.adjust(gradients, &self.parameters)
    }

    fn project(&self) -> Result<()> {
        self.dictionary.project(&self.parameters)
    }
}
