//! Lesson 3: a network of your own in the training loop, with single crates and no catalogue.
//!
//! You learn: whatever implements `Autoencoder` and `Trainable` can be trained, resumed and evaluated; a loss stays per
//! sample; parameters are named by scopes and start from a key, so that the same seed gives the same model.
//!
//! `cargo run --release -p narrows-examples --example your_own_network`

use candle_core::{DType, Device, Tensor};
use narrows::narrows_core::{Autoencoder, Batch, Dims, Group, Loss, Result, Spec, StepContext, StepOutput, Trainable};
use narrows::narrows_tensor::{Activation, Init, Key, Parameters, Scope, ops::linear::linear, random};
use narrows::narrows_train::{Batches, BoxError, State, TrainConfig, fit};

/// `z = tanh(x Aᵀ)`, `x̂ = z Bᵀ`.
struct Bow {
    spec: Spec,
    encoder: Tensor,
    decoder: Tensor,
    parameters: Parameters,
}

impl Bow {
    fn new(width: usize, code: usize, scope: &Scope) -> Result<Self> {
        let init = Init::XavierUniform { fan_in: width, fan_out: code };
        let encoder = scope.enter("encoder").parameter("weight", (code, width), init)?;
        let decoder = scope.enter("decoder").parameter("weight", (width, code), init)?;
        let spec = Spec { sample: Dims::new([width]), code: Dims::new([code]) };
        Ok(Self { spec, encoder, decoder, parameters: scope.parameters() })
    }
}

impl Autoencoder for Bow {
    fn spec(&self) -> &Spec {
        &self.spec
    }

    fn encode(&self, x: &Tensor) -> Result<Tensor> {
        self.spec.sample.count("x", x)?;
        Ok(linear(x, &self.encoder, None, Activation::Tanh)?)
    }

    fn decode(&self, z: &Tensor) -> Result<Tensor> {
        self.spec.code.count("z", z)?;
        Ok(linear(z, &self.decoder, None, Activation::Identity)?)
    }
}

impl Trainable for Bow {
    fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    fn step(&self, _: &Group, batch: &Batch, _: &StepContext) -> Result<StepOutput> {
        let difference = (self.reconstruct(&batch.x)? - batch.target())?;
        Ok(Loss::of("reconstruction", difference.sqr()?.sum(1)?).into())
    }
}

/// Points on a bent line in ten dimensions, made anew for each step from the step's key.
struct Curve;

impl Batches for Curve {
    fn at(&mut self, step: u64) -> std::result::Result<Batch, BoxError> {
        let along = random::uniform(&Key::new(1).fold(step), (64, 1), DType::F32, &Device::Cpu)?;
        let features = Tensor::arange(1f32, 11f32, &Device::Cpu)?.unsqueeze(0)?;
        Ok(Batch::new(((along * 2.0)? - 1.0)?.broadcast_mul(&features)?.sin()?))
    }

    fn steps_per_epoch(&self) -> u64 {
        10
    }
}

/// Trains the network and compares its error before and after.
pub fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut network = Bow::new(10, 3, &Scope::root(Key::new(0), DType::F32, &Device::Cpu))?;
    let test = Curve.at(1_000_000).map_err(|error| error.to_string())?;
    let error = |network: &Bow| -> Result<f32> {
        Ok((network.reconstruct(&test.x)? - &test.x)?.sqr()?.mean_all()?.to_scalar::<f32>()?)
    };
    let before = error(&network)?;
    let config = TrainConfig { steps: std::num::NonZeroU64::new(500), ..TrainConfig::default() };
    let mut state = State::new(&network, &config)?;
    fit(&mut network, &mut Curve, None, &config, &mut state, None, &mut [])?;
    let after = error(&network)?;
    println!("squared error a value: {before:.4} before, {after:.4} after {} steps", state.step());
    if after < 0.5 * before { Ok(()) } else { Err("the network did not learn".into()) }
}
