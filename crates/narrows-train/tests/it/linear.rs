//! A linear autoencoder with noise on its codes and a running mean: parameters, a buffer, and randomness.

use std::sync::Mutex;

use candle_core::{DType, Device, Tensor};
use narrows_core::{Autoencoder, Batch, Dims, Group, Loss, Result, Spec, StepContext, StepOutput, Trainable, Update};
use narrows_tensor::{Buffer, Init, Key, Parameters, Scope, random};
use narrows_train::{Batches, BoxError};

pub(crate) struct Linear {
    spec: Spec,
    encoder: Tensor,
    decoder: Tensor,
    bias: Tensor,
    mean: Buffer,
    parameters: Parameters,
    groups: Vec<Group>,
    pub(crate) prepared: usize,
    pub(crate) finished: usize,
    /// What each step was told.
    pub(crate) told: Mutex<Vec<StepContext>>,
}

impl Linear {
    pub(crate) fn new(sample: usize, code: usize) -> Self {
        let scope = Scope::root(Key::new(5), DType::F32, &Device::Cpu);
        let init = Init::Normal(0.3);
        Self {
            encoder: scope.parameter("encoder.weight", (code, sample), init).unwrap(),
            decoder: scope.parameter("decoder.weight", (sample, code), init).unwrap(),
            bias: scope.parameter("decoder.bias", sample, Init::Constant(0.0)).unwrap(),
            mean: scope.buffer("mean", &Tensor::zeros(sample, DType::F32, &Device::Cpu).unwrap()).unwrap(),
            parameters: scope.parameters(),
            spec: Spec { sample: Dims::new([sample]), code: Dims::new([code]) },
            groups: vec![Group::ALL],
            prepared: 0,
            finished: 0,
            told: Mutex::default(),
        }
    }

    /// The same model, trained in two phases.
    pub(crate) fn in_phases(mut self) -> Self {
        self.groups = vec![
            Group { name: "decoder", prefixes: &["decoder."] },
            Group { name: "encoder", prefixes: &["encoder."] },
        ];
        self
    }
}

impl Autoencoder for Linear {
    fn spec(&self) -> &Spec {
        &self.spec
    }
    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        Ok(x.broadcast_sub(self.mean.value())?.matmul(&self.encoder.t()?)?)
    }
    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        Ok(z.matmul(&self.decoder.t()?)?.broadcast_add(&self.bias)?.broadcast_add(self.mean.value())?)
    }
}

impl Trainable for Linear {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    fn prepare(&mut self, first: &Batch) -> Result<()> {
        self.prepared += 1;
        self.parameters.buffer("mean").unwrap().set(&first.x.mean(0)?)?;
        Ok(())
    }
    fn step(&self, _: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput> {
        self.told.lock().unwrap().push(*at);
        let z = self.encode(&batch.x)?;
        let noise = random::normal(&at.key.named("code"), z.shape().clone(), DType::F32, &Device::Cpu)?;
        let error = (self.decode(&(z + (noise * 0.01)?)?)? - &batch.x)?.sqr()?.sum(1)?;
        let mean = ((self.mean.value() * 0.9)? + (batch.x.mean(0)? * 0.1)?)?;
        Ok(StepOutput { loss: Loss::of("reconstruction", error), updates: vec![Update::new(&self.mean, mean)] })
    }
    fn finish(&mut self) -> Result<()> {
        self.finished += 1;
        Ok(())
    }
}

/// Samples near a plane, drawn from a key.
pub(crate) struct Plane {
    pub(crate) key: Key,
    pub(crate) samples: usize,
    pub(crate) sample: usize,
    pub(crate) epoch: u64,
}

impl Plane {
    pub(crate) fn new(seed: u64) -> Self {
        Self { key: Key::new(seed), samples: 16, sample: 6, epoch: 8 }
    }
}

impl Batches for Plane {
    fn at(&mut self, step: u64) -> Result<Batch, BoxError> {
        let draw = |key: Key, n, d| random::normal(&key, (n, d), DType::F32, &Device::Cpu);
        let position = draw(self.key.fold(step % self.epoch), self.samples, 2)?;
        let plane = draw(Key::new(17), 2, self.sample)?;
        Ok(Batch::new((position.matmul(&plane)? + 0.5)?))
    }
    fn steps_per_epoch(&self) -> u64 {
        self.epoch
    }
}
