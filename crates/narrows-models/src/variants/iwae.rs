//! The importance-weighted autoencoder.
//!
//! Burda, Grosse & Salakhutdinov 2016, Importance Weighted Autoencoders: the variational autoencoder under the tighter
//! bound `-log p(x) <= E[-log 1/k Σ_i p(x, z_i) / q(z_i|x)]` with k codes `z_i ~ q(z|x)` for each sample and step.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{Draws, Warmup};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Estimator, ImportanceWeighted, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `iwae`.
    pub struct Iwae {
        /// Codes drawn for each sample and step; the bound is tighter and a step costlier with more.
        pub draws: Draws = Draws::constant(5),
        /// Share of the run with one code for each sample, as in `vae`, before there are several: its steps cost a third.
        pub single: Warmup = Warmup::default(),
        /// How the encoder's gradient is estimated: reparameterised, through the noise of the codes; or
        /// doubly-reparameterised (Tucker et al. 2019), which has the same mean, and less
        /// noise where q(z|x) is close to p(z|x).
        pub estimator: Estimator = Estimator::default(),
    }
}

impl Variant for Iwae {
    const ABOUT: About = About {
        name: "iwae",
        kind: Kind::Variational,
        title: "Importance-weighted autoencoder",
        summary: "A variational autoencoder under a tighter bound on the likelihood, from several codes for each sample.",
        paper: Paper {
            authors: "Burda, Grosse & Salakhutdinov",
            year: 2016,
            title: "Importance Weighted Autoencoders",
        },
        formula: "minimise the mean over samples of -log 1/k Σ_i p(x|z_i) p(z_i) / q(z_i|x), z_i = μ + σ ε_i",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (samples, single) = (*self.draws.get(), *self.single.get());
        self.design().build(ImportanceWeighted { samples, single, estimator: self.estimator }, data, scope)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use narrows_core::{Batch, Dims, Group, StepContext};
    use narrows_tensor::{Gradients, Key};

    use super::*;
    use crate::ModelConfig;

    #[test]
    fn the_run_begins_with_a_single_code() {
        let data = DataSpec::gaussian(Dims::new([4]));
        let x = Tensor::arange(0f64, 12.0, &Device::Cpu).unwrap().reshape((3, 4)).unwrap();
        let loss = |options: &str, step| {
            let config = ModelConfig::from_toml(&format!("[iwae]\ncode = 2\nwidths = [5]\n{options}")).unwrap();
            let scope = Scope::root(Key::new(3), DType::F64, &Device::Cpu);
            let model = crate::build(&config, &data, &scope).unwrap();
            let at = StepContext { step, steps: 10, key: Key::new(5) };
            let loss = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap().loss.total().unwrap();
            loss.to_scalar::<f64>().unwrap()
        };
        let [single, several] = ["draws = 1", "draws = 4"].map(|options| loss(options, 0));
        assert!((single - several).abs() > 1e-6);
        assert_eq!(loss("draws = 4\nsingle = 0.3", 2), single);
        assert_eq!(loss("draws = 4\nsingle = 0.3", 3), several);
    }

    #[test]
    fn both_estimators_of_the_encoders_gradient_have_one_mean() {
        let data = DataSpec::gaussian(Dims::new([4]));
        let x = Tensor::arange(0f64, 12.0, &Device::Cpu).unwrap().reshape((3, 4)).unwrap();
        let gradients = |estimator: &str| {
            let options = format!("[iwae]\ncode = 2\nwidths = [5]\ndraws = 3\nestimator = \"{estimator}\"");
            let config = ModelConfig::from_toml(&options).unwrap();
            let scope = Scope::root(Key::new(3), DType::F64, &Device::Cpu);
            let model = crate::build(&config, &data, &scope).unwrap();
            let draws = 4000;
            let each = (0..draws).map(|step| {
                let at = StepContext { step, steps: draws, key: Key::new(5).fold(step) };
                let loss = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap().loss.total().unwrap();
                let gradients = Gradients::backward(&loss, model.parameters()).unwrap();
                let of = |part: &str| {
                    let names = gradients.iter().filter(|(name, _)| name.starts_with(part));
                    let values =
                        names.flat_map(|(_, gradient)| gradient.flatten_all().unwrap().to_vec1::<f64>().unwrap());
                    values.collect::<Vec<f64>>()
                };
                (of("encoder"), of("decoder"))
            });
            each.collect::<Vec<_>>()
        };
        let [plain, doubly] = ["reparameterised", "doubly-reparameterised"].map(gradients);
        for (plain, doubly) in plain.iter().zip(&doubly) {
            assert!(!plain.1.is_empty());
            assert!(plain.1.iter().zip(&doubly.1).all(|(a, b)| (a - b).abs() < 1e-9 * (1.0 + a.abs())));
        }
        // Mean and variance over the draws, of each number of the encoder's gradient.
        let moments = |all: &[(Vec<f64>, Vec<f64>)], number: usize| {
            let n = all.len() as f64;
            let mean = all.iter().map(|(encoder, _)| encoder[number]).sum::<f64>() / n;
            (mean, all.iter().map(|(encoder, _)| (encoder[number] - mean).powi(2)).sum::<f64>() / n)
        };
        let numbers = plain[0].0.len();
        assert!(numbers > 20);
        for number in 0..numbers {
            let [(a, spread_a), (b, spread_b)] = [&plain, &doubly].map(|all| moments(all, number));
            let error = ((spread_a + spread_b) / plain.len() as f64).sqrt();
            assert!((a - b).abs() <= 5.0 * error, "{number}: {a} and {b}, give or take {error}");
        }
    }
}
