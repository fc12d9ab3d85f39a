//! Several models of one kind with initial values and noise of their own, trained side by side and averaged: what one of
//! them happened to learn about rare regions, the others seldom repeat (Lakshminarayanan, Pritzel & Blundell 2017).

use candle_core::{D, Tensor};
use narrows_core::{Autoencoder, Batch, Dims, Error, Group, Loss, Result, Spec, StepContext, StepOutput, Trainable};
use narrows_tensor::{Parameters, Scope};

/// Models of one kind; a code is their codes one after another, a reconstruction the mean of theirs.
pub struct Ensemble<M> {
    spec: Spec,
    members: Vec<M>,
    parameters: Parameters,
}

impl<M: Trainable> Ensemble<M> {
    /// Makes `count` members, each in a scope called by its number.
    ///
    /// # Errors
    /// There is to be no member, or one cannot be made.
    pub fn new<E: From<Error>>(
        count: usize,
        scope: &Scope,
        mut make: impl FnMut(&Scope) -> Result<M, E>,
    ) -> Result<Self, E> {
        let members = (0..count).map(|member| make(&scope.enter(member))).collect::<Result<Vec<M>, E>>()?;
        let Some(first) = members.first() else {
            let (value, reason) = ("0".into(), "an ensemble needs at least one member".into());
            return Err(Error::Option { option: "members", value, reason }.into());
        };
        let code = Dims::new([count * first.spec().code.elements()]);
        let spec = Spec { sample: first.spec().sample.clone(), code };
        Ok(Self { spec, members, parameters: scope.parameters() })
    }
}

/// The mean of one tensor for each member.
fn mean(tensors: Vec<Tensor>) -> Result<Tensor> {
    let count = tensors.len() as f64;
    let sum = tensors.into_iter().map(Ok).reduce(|sum: Result<Tensor>, next| Ok((sum? + next?)?));
    match sum {
        Some(sum) => Ok((sum? / count)?),
        None => Err(Error::EmptyLoss),
    }
}

impl<M: Trainable> Autoencoder for Ensemble<M> {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        let codes = self.members.iter().map(|member| Ok(member.encode(x)?.flatten_from(1)?));
        Ok(Tensor::cat(&codes.collect::<Result<Vec<_>>>()?, D::Minus1)?)
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        let samples = z.dims().first().copied().unwrap_or(0);
        self.spec.code.count("z", z)?;
        let outputs = self.members.iter().enumerate().map(|(number, member)| {
            let code = &member.spec().code;
            let part = z.narrow(1, number * code.elements(), code.elements())?;
            member.decode(&part.contiguous()?.reshape(code.batched(samples))?)
        });
        mean(outputs.collect::<Result<Vec<_>>>()?)
    }

    fn reconstructions(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        self.members.iter().map(|member| member.reconstruct(x)).collect()
    }

    fn predict_hidden(&self, x: &Tensor, hidden: &Tensor) -> Result<Option<Tensor>> {
        let predicted = self.members.iter().map(|member| member.predict_hidden(x, hidden));
        let predicted: Option<Vec<Tensor>> = predicted.collect::<Result<Vec<_>>>()?.into_iter().collect();
        predicted.map(mean).transpose()
    }
}

impl<M: Trainable> Trainable for Ensemble<M> {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn step(&self, group: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput> {
        let mut terms: Vec<(std::borrow::Cow<'static, str>, f64, Vec<Tensor>)> = Vec::new();
        let mut updates = Vec::new();
        for (number, member) in self.members.iter().enumerate() {
            let own = StepContext { key: at.key.fold(number as u64), ..*at };
            let output = member.step(group, batch, &own)?;
            updates.extend(output.updates);
            for (place, term) in output.loss.terms().iter().enumerate() {
                if number == 0 {
                    terms.push((term.name.clone(), term.weight, Vec::new()));
                }
                if let Some((_, _, values)) = terms.get_mut(place) {
                    values.push(term.value.clone());
                }
            }
        }
        let mut loss = Loss::default();
        for (name, weight, values) in terms {
            loss = loss.with(name, mean(values)?, weight);
        }
        Ok(StepOutput { loss, updates })
    }

    fn prepare(&mut self, first: &Batch) -> Result<()> {
        self.members.iter_mut().try_for_each(|member| member.prepare(first))
    }

    fn finish(&mut self) -> Result<()> {
        self.members.iter_mut().try_for_each(Trainable::finish)
    }
}
