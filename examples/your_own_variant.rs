//! Lesson 4: a variant of your own, as those of the catalogue are written, outside the workspace.
//!
//! You learn: a variant is a configuration, parts that exist already (networks, a bottleneck, scaling) and the one thing
//! that is new, here a term that keeps latents from repeating each other (Cogswell, Ahmed, Girshick, Zitnick & Batra 2016,
//! Reducing Overfitting in Deep Networks by Decorrelating Representations): `½ (|C|² - |diag C|²)` with the covariance `C`
//! of the codes of a batch. It is checked like ours, trained, saved, loaded and used.
//!
//! `cargo run --release -p narrows-examples --example your_own_variant`

use candle_core::{DType, Device, Tensor};
use narrows::narrows_core::{Batch, Dims, Loss, Result, StepContext, Trainable};
use narrows::narrows_models::augmentation::Augmentation;
use narrows::narrows_models::bottleneck::Identity;
use narrows::narrows_models::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use narrows::narrows_models::config::{CodeSize, Weight};
use narrows::narrows_models::conformance::{Subject, check};
use narrows::narrows_models::network::{mlp::Hidden, symmetric};
use narrows::narrows_models::{About, DataSpec, Error, Kind, Paper, Variant};
use narrows::narrows_tensor::{Activation, Key, Scope, TensorFile, random};
use narrows::narrows_train::{Batches, BoxError, State, TrainConfig, fit};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The options, in a configuration `[decorrelated]`; unknown names are errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
struct Decorrelated {
    /// Number of values in a code.
    code: CodeSize,
    /// What the covariance of different latents costs; 0.1 where left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    weight: Option<Weight>,
}

impl Variant for Decorrelated {
    const ABOUT: About = About {
        name: "decorrelated",
        kind: Kind::Vanilla,
        title: "Decorrelated autoencoder",
        summary: "Latents that do not repeat each other.",
        paper: Paper {
            authors: "Cogswell, Ahmed, Girshick, Zitnick & Batra",
            year: 2016,
            title: "Reducing Overfitting in Deep Networks by Decorrelating Representations",
        },
        formula: "minimise |x - x̂|² + ½ λ (|C|² - |diag C|²) with C = cov(z)",
    };

    fn code(&self) -> usize {
        *self.code.get()
    }

    fn set_code(&mut self, code: usize) -> Result<(), Error> {
        self.code = CodeSize::new(code)?;
        Ok(())
    }

    fn check(&self, data: &DataSpec) -> Result<(), Error> {
        if self.code() <= data.features() {
            return Ok(());
        }
        let (value, reason) = (self.code().to_string(), "a sample has fewer values".into());
        let remedy = format!("choose a code of at most {}", data.features());
        Err(Error::Misfit { model: Self::ABOUT.name, option: "code", value, reason, remedy })
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>, Error> {
        let layers = Hidden { activation: Activation::Silu, dropout: 0.0, beside_path: true };
        let networks = symmetric(data, None, layers, Identity { code: self.code() }, scope)?;
        let objective = Decorrelation { weight: self.weight.as_ref().map_or(0.1, |weight| *weight.get()) };
        Ok(Box::new(Composed::new(data, networks, objective, Augmentation::default(), scope)))
    }
}

/// What is new: the term of the loss.
struct Decorrelation {
    weight: f64,
}

impl Objective<Identity> for Decorrelation {
    fn loss(&self, model: &Networks<Identity>, pass: &Pass<'_>, at: &StepContext) -> Result<Loss> {
        let n = pass.z.dim(0)?;
        let centred = pass.z.broadcast_sub(&pass.z.mean_keepdim(0)?)?;
        let covariance = (centred.t()?.contiguous()?.matmul(&centred)? / n as f64)?;
        let own = centred.sqr()?.mean(0)?.sqr()?.sum_all()?;
        // One number for the batch, which every sample carries.
        let between = ((covariance.sqr()?.sum_all()? - own)? * 0.5)?.broadcast_as(n)?;
        Ok(Reconstruction.loss(model, pass, at)?.with("decorrelation", between, self.weight))
    }
}

/// Points on a curved surface in eight dimensions.
struct Surface;

impl Batches for Surface {
    fn at(&mut self, step: u64) -> std::result::Result<Batch, BoxError> {
        let draw = |name: &str, shape| random::normal(&Key::new(1).named(name), shape, DType::F32, &Device::Cpu);
        let factors = random::normal(&Key::new(2).fold(step), (64, 2), DType::F32, &Device::Cpu)?;
        Ok(Batch::new(factors.matmul(&draw("bend", (2, 8))?)?.tanh()?))
    }

    fn steps_per_epoch(&self) -> u64 {
        10
    }
}

/// Checks, trains, saves and loads the variant, and encodes with both.
pub fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let config = Decorrelated { code: CodeSize::new(3)?, ..Decorrelated::default() };
    let data = DataSpec::gaussian(Dims::new([8]));
    config.check(&data)?;
    let build = |scope: &Scope| config.build(&data, scope);
    // Shapes, determinism, gradients against finite differences, storage, and training on wild data.
    check(&Subject { name: Decorrelated::ABOUT.name.into(), build: &build, data: data.clone() })?;

    let scope = |seed| Scope::root(Key::new(seed), DType::F32, &Device::Cpu);
    let mut model = build(&scope(0))?;
    let train = TrainConfig { steps: std::num::NonZeroU64::new(300), ..TrainConfig::default() };
    let mut state = State::new(model.as_ref(), &train)?;
    fit(model.as_mut(), &mut Surface, None, &train, &mut state, None, &mut [])?;

    let directory = tempfile::tempdir()?;
    let path = directory.path().join("decorrelated.safetensors");
    let document = toml::to_string(&config)?;
    TensorFile { tensors: model.parameters().tensors(), document }.write(&path, false)?;

    let stored = TensorFile::read(&path, &Device::Cpu)?;
    let read: Decorrelated = toml::from_str(&stored.document)?;
    let loaded = read.build(&data, &scope(1))?;
    loaded.parameters().restore(&stored.tensors, "decorrelated.safetensors")?;

    let x = Surface.at(1_000).map_err(|error| error.to_string())?.x;
    let (z, again) = (model.encode(&x)?.to_vec2::<f32>()?, loaded.encode(&x)?.to_vec2::<f32>()?);
    let error = (loaded.reconstruct(&x)? - &x)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    println!("first code {:?}, squared error a value {error:.5}", z[0]);
    let of_mean = x.broadcast_sub(&Tensor::mean_keepdim(&x, 0)?)?.sqr()?.mean_all()?.to_scalar::<f32>()?;
    if z != again {
        return Err("the loaded variant gives other codes".into());
    }
    if error < 0.2 * of_mean { Ok(()) } else { Err("the variant did not learn".into()) }
}
