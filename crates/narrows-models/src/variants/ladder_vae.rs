//! The variational autoencoder with two levels of latents.
//!
//! Sønderby, Raiko, Maaløe, Sønderby & Winther 2016, Ladder Variational Autoencoders: `p(w) p(z|w) p(x|z)`, where the
//! posterior of the lower latents z unites what the encoder says of them with what the upper ones w lead to expect. The code
//! is z; new samples are drawn from w down.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{CodeSize, Warmup, Widths};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Elbo, Inference, Ladder, Parts, variational_options};
use crate::{DataSpec, Error, Result};

variational_options! {
    /// Options of `ladder-vae`.
    pub struct LadderVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::constant(0.2),
        /// Upper latents; half as many as the code has where left out.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub top: Option<CodeSize> = None,
        /// Widths of the hidden layers between both levels, upwards.
        pub top_widths: Widths = Widths::constant(vec![64]),
    }
}

impl LadderVae {
    /// Upper latents.
    fn top(&self) -> usize {
        self.top.as_ref().map_or(self.code.get().div_ceil(2), |top| *top.get())
    }
}

impl Variant for LadderVae {
    const ABOUT: About = About {
        name: "ladder-vae",
        kind: Kind::Variational,
        title: "Ladder variational autoencoder",
        summary: "Two levels of latents: a few upper ones say where the codes of a sample are likely to be.",
        paper: Paper {
            authors: "Sønderby, Raiko, Maaløe, Sønderby & Winther",
            year: 2016,
            title: "Ladder Variational Autoencoders",
        },
        formula: "minimise E_q[-log p(x|z)] + KL(q(w|x) || N(0, 1)) + E[KL(q(z|x, w) || p(z|w))], q(z|x, w) ∝ N(μ(x), σ²(x)) p(z|w)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.design().check(data)?;
        let (top, code) = (self.top(), self.code());
        if top > code {
            return Err(Error::Contradiction {
                model: Self::ABOUT.name,
                option: "top",
                value: top.to_string(),
                other: format!("code = {code}"),
                reason: "the upper latents say in fewer numbers where codes are likely to be".into(),
                remedy: format!("choose top of at most {code}, or a larger code"),
            });
        }
        Ok(())
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let design = self.design();
        let ladder =
            Ladder::new(self.code(), self.top(), self.top_widths.get(), self.activation, &scope.enter("ladder"))?;
        let parts = Parts { inference: Inference::Ladder(ladder), ..design.parts(data, scope)? };
        Ok(design.assemble(parts, Elbo::warmed(*self.warmup.get()), data, scope))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use narrows_core::{Batch, Dims};
    use narrows_tensor::{Key, Scope, random};

    use crate::{DataSpec, ModelConfig};

    #[test]
    fn latents_that_only_follow_their_prior_count_as_collapsed() {
        let config = ModelConfig::from_toml("[ladder-vae]\ncode = 3\nwidths = [5]\nskip = false").unwrap();
        let scope = Scope::root(Key::new(3), DType::F64, &Device::Cpu);
        let mut model = crate::build(&config, &DataSpec::gaussian(Dims::new([4])), &scope).unwrap();
        let x = random::normal(&Key::new(5), (50, 4), DType::F64, &Device::Cpu).unwrap();
        model.prepare(&Batch::new(x.clone())).unwrap();
        for (_, var) in model.parameters().trained().filter(|(name, _)| name.starts_with("encoder")) {
            var.set(&(var.as_tensor() * 5.0).unwrap()).unwrap();
        }
        let active = |model: &dyn narrows_core::Trainable| {
            let sums = model.usage(&x).unwrap().unwrap().to_vec1::<f64>().unwrap();
            model.diagnose(&sums.into_iter().map(|sum| sum / 50.0).collect::<Vec<_>>()).unwrap()[0].value
        };
        let before = active(&*model);
        // The encoder's means vary as before, but it is sure of nothing, and the upper latents lead to one place.
        for (name, var) in model.parameters().trained() {
            if name.starts_with("ladder.down") {
                var.set(&var.zeros_like().unwrap()).unwrap();
            } else if name.starts_with("encoder") && var.dims() == [6] {
                let vague = Tensor::new(&[0f64, 0.0, 0.0, 99.0, 99.0, 99.0], &Device::Cpu).unwrap();
                var.set(&(var.as_tensor() + vague).unwrap()).unwrap();
            }
        }
        assert!(before > 0.0, "{before}");
        assert_eq!(active(&*model), 0.0);
    }

    #[test]
    fn more_upper_than_lower_latents_are_refused() {
        let data = DataSpec::gaussian(Dims::new([16]));
        let check = |top| ModelConfig::from_toml(&format!("[ladder-vae]\ncode = 4\ntop = {top}")).unwrap().check(&data);
        assert!(check(4).is_ok());
        let message = check(5).unwrap_err().to_string();
        assert!(message.contains("top = 5 contradicts code = 4") && message.contains("at most 4"), "{message}");
    }
}
