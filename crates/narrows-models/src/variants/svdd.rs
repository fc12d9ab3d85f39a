//! Deep support vector data description: one class of usual samples, drawn together in the space of codes.
//!
//! Ruff, Vandermeulen, Goernitz, Deecke, Siddiqui, Binder, Müller & Kloft 2018, Deep One-Class Classification: after
//! pre-training as an autoencoder, the encoder learns to make `|f(x) - c|²` small for all training samples (one-class), or
//! `R² + max(0, |f(x) - c|² - R²) / nu` (soft boundary). Its layers have no biases and its activations no bound, else it could
//! map everything to `c`. Since such a network maps 0 to 0, the origin of its inputs lies below the usual values of each
//! feature, as that of pixels does. The decoder goes on to read the codes, without a say in them.

use narrows_core::{Dims, Loss, StepContext, Trainable};
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::{Hypersphere, Phase};
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Outside, Share, Widths};
use crate::network::Mlp;
use crate::network::mlp::Hidden;
use crate::network::symmetric::default_widths;
use crate::scaling::Scaling;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Error, Result};

/// Deviations below the mean of a feature at which the encoder sees 0.
const BELOW: f64 = 3.0;

/// Options of `svdd`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Svdd {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers, without a bound and 0 at 0: `silu`, `gelu`, `relu`, `leaky-relu` or `identity`.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Share of the run in which encoder and decoder reconstruct, before the codes are drawn together.
    pub pretraining: Share,
    /// Share of the training samples that may lie outside a boundary; left out there is none, and every code is drawn to the
    /// centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nu: Option<Outside>,
}

impl Default for Svdd {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            pretraining: Share::constant(0.3),
            nu: None,
        }
    }
}

impl Variant for Svdd {
    const ABOUT: About = About {
        name: "svdd",
        kind: Kind::OneClass,
        title: "Deep support vector data description",
        summary: "Codes of usual samples lie close to one centre; the distance from it tells how strange a sample is.",
        paper: Paper {
            authors: "Ruff, Vandermeulen, Goernitz, Deecke, Siddiqui, Binder, Müller & Kloft",
            year: 2018,
            title: "Deep One-Class Classification",
        },
        formula: "pre-training as an autoencoder, c = mean of f(x), then minimise the mean over rows of |f(x) - c|², or R² + max(0, |f(x) - c|² - R²) / ν",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)?;
        let refuse = |option, value: String, reason: &str, remedy: &str| {
            let (reason, remedy) = (reason.to_owned(), remedy.to_owned());
            Err(Error::Misfit { model: Self::ABOUT.name, option, value, reason, remedy })
        };
        if let Activation::Sigmoid | Activation::Tanh | Activation::Softplus = self.activation {
            let value = format!("{:?}", self.activation).to_lowercase();
            let reason = "units that never are 0 stand in for a bias, and all samples could get one code";
            return refuse("activation", value, reason, "choose silu, gelu, relu or leaky-relu");
        }
        if *self.pretraining.get() >= 1.0 {
            let reason = "no step would be left in which codes are drawn together";
            return refuse(
                "pretraining",
                self.pretraining.get().to_string(),
                reason,
                "choose a smaller share, such as 0.3",
            );
        }
        Ok(())
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code) = (&data.sample, Dims::new([self.code()]));
        let given = self.widths.as_ref().map(|widths| widths.get().clone());
        let widths = given.unwrap_or_else(|| default_widths(data.features(), self.code()));
        let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
        let hidden = Hidden { activation: self.activation, dropout: 0.0, beside_path: false };
        let encoder = Mlp::without_biases(sample, &widths, &code, self.activation, &scope.enter("encoder"))?;
        let outside = self.nu.as_ref().map(|nu| *nu.get());
        let networks = Networks {
            encoder: Some(Box::new(encoder)),
            bottleneck: Hypersphere::new(self.code(), *self.pretraining.get(), outside, &scope.enter("sphere"))?,
            decoder: Some(Box::new(Mlp::new(&code, &mirrored, sample, hidden, &scope.enter("decoder"))?)),
            path: None,
            scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()).from_below(BELOW),
            likelihood: data.likelihood.clone(),
        };
        Ok(Box::new(Composed::new(data, networks, OneClass, Augmentation::default(), scope)))
    }
}

/// The reconstruction, then the distance from the centre.
struct OneClass;

impl Objective<Hypersphere> for OneClass {
    fn loss(&self, model: &Networks<Hypersphere>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        let loss = Reconstruction.loss(model, pass, at)?;
        let sphere = &model.bottleneck;
        if !matches!(sphere.phase(at), Phase::Enclosing { .. }) {
            return Ok(loss);
        }
        let (cost, unit) = (sphere.cost(pass.h)?, model.scaling.unit(&model.likelihood)?);
        if !sphere.settled()? {
            // What an evaluation in the middle of pre-training sees: larger than what any later one does.
            return Ok(loss.with("distance", cost, unit));
        }
        // The decoder learns from an error that is none of the objective: of value 0, with its own gradient.
        let error = loss.per_sample()?;
        let decoder = (&error - error.detach())?;
        let loss = Loss::default().with("distance", cost, unit).with("decoder", decoder, 1.0);
        Ok(loss.with("reconstruction", error.detach(), 0.0))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use narrows_core::{Batch, Group};
    use narrows_tensor::{Gradients, Key, random};

    use super::*;

    fn normal(seed: u64, rows: usize) -> Tensor {
        random::normal(&Key::new(seed), (rows, 6), DType::F64, &Device::Cpu).unwrap()
    }

    #[test]
    fn an_encoder_of_zeros_does_not_reach_the_centre() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let config = Svdd { code: CodeSize::new(2).unwrap(), pretraining: Share::new(0.0).unwrap(), ..Svdd::default() };
        let mut model = config.build(&DataSpec::gaussian(Dims::new([6])), &scope).unwrap();
        model.prepare(&Batch::new(normal(2, 50))).unwrap();
        let trained = model.parameters().trained().filter(|(name, _)| name.starts_with("encoder."));
        for (name, var) in trained {
            assert!(name.ends_with(".weight"), "{name}");
            var.set(&var.zeros_like().unwrap()).unwrap();
        }
        // Both components of the centre are at least 0.1 away.
        let strangeness = model.strangeness(&normal(3, 5)).unwrap().unwrap().to_vec1::<f64>().unwrap();
        assert!(strangeness.iter().all(|distance| *distance >= 0.02), "{strangeness:?}");
    }

    #[test]
    fn the_centre_is_taken_while_the_encoder_stands_still() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let config = Svdd { code: CodeSize::new(2).unwrap(), pretraining: Share::new(0.5).unwrap(), ..Svdd::default() };
        let model = config.build(&DataSpec::gaussian(Dims::new([6])), &scope).unwrap();
        let encoder_learns = |step: u64| {
            let at = StepContext { step, steps: 20, key: Key::new(0) };
            let output = model.step(&Group::ALL, &Batch::new(normal(4, 9)), &at).unwrap();
            for update in output.updates {
                model.parameters().buffer(&update.name).unwrap().set(&update.value).unwrap();
            }
            let gradients = Gradients::backward(&output.loss.total().unwrap(), model.parameters()).unwrap();
            assert!(gradients.get("decoder.0.weight").is_some());
            (gradients.get("encoder.0.weight").is_some(), output.loss.terms()[0].name.clone())
        };
        assert_eq!(encoder_learns(8), (true, "reconstruction".into()));
        assert_eq!(encoder_learns(9), (false, "reconstruction".into()));
        assert_eq!(encoder_learns(10), (true, "distance".into()));
    }

    #[test]
    fn what_would_let_all_samples_get_one_code_is_refused() {
        let data = DataSpec::gaussian(Dims::new([20]));
        let refused = |config: Svdd| config.check(&data).unwrap_err().to_string();
        let message = refused(Svdd { activation: Activation::Softplus, ..Svdd::default() });
        assert!(message.contains("activation = softplus") && message.contains("choose silu"), "{message}");
        assert!(refused(Svdd { pretraining: Share::new(1.0).unwrap(), ..Svdd::default() }).contains("pretraining = 1"));
    }
}
