//! The conditional variational autoencoder.
//!
//! Sohn, Lee & Yan 2015, Learning Structured Output Representation using Deep Conditional Generative Models:
//! `-log p(x|c) <= E_q[-log p(x|z, c)] + KL(q(z|x, c) || p(z|c))`. Encoder and decoder see the features of the condition c
//! beside the sample and the code, and `p(z|c) = N(M c, exp(2 S c))` moves with it; a code is relative to it.

use narrows_core::Trainable;
use narrows_tensor::Scope;

use crate::config::{FreeBits, Warmup};
use crate::variant::{About, Kind, Paper, Variant, code_size};
use crate::variational::{Design, Elbo, variational_options};
use crate::{DataSpec, Result};

variational_options! {
    /// Options of `conditional-vae`.
    pub struct ConditionalVae {
        /// Share of the run over which the divergence's weight rises from 0 to 1.
        pub warmup: Warmup = Warmup::default(),
        /// Nats of each latent that cost nothing.
        pub free_bits: FreeBits = FreeBits::default(),
    }
}

impl ConditionalVae {
    fn conditional(&self) -> Design {
        Design { conditional: true, ..self.design() }
    }
}

impl Variant for ConditionalVae {
    const ABOUT: About = About {
        name: "conditional-vae",
        kind: Kind::Variational,
        title: "Conditional variational autoencoder",
        summary: "A variational autoencoder that knows each sample's label (--label), and draws new ones of a chosen label (--where).",
        paper: Paper {
            authors: "Sohn, Lee & Yan",
            year: 2015,
            title: "Learning Structured Output Representation using Deep Conditional Generative Models",
        },
        formula: "minimise the mean over samples of E_q[-log p(x|z, c)] + KL(N(μ(x, c), σ²(x, c)) || N(M c, exp(2 S c))), c the \
                  label; z is kept as (z - M c) / exp(S c)",
    };
    const CONDITIONAL: bool = true;

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.conditional().check(data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let objective = Elbo { free_bits: *self.free_bits.get(), ..Elbo::warmed(*self.warmup.get()) };
        self.conditional().build(objective, data, scope)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor};
    use narrows_core::Dims;
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn codes_and_samples_depend_on_the_condition() {
        let data = DataSpec { condition: Some(2), ..DataSpec::gaussian(Dims::new([3])) };
        let mut config = ConditionalVae::default();
        config.set_code(1).unwrap();
        assert!(config.check(&DataSpec::gaussian(Dims::new([3]))).unwrap_err().to_string().contains("--label"));
        config.skip = false;
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let model = config.build(&data, &scope).unwrap();
        let x = Tensor::new(&[[0.3f64, -1.0, 0.5]], &Device::Cpu).unwrap();
        let condition = |values: [f64; 2]| Tensor::new(&[values], &Device::Cpu).unwrap();
        let (one, other, unknown) = (condition([1.0, 0.0]), condition([0.0, 1.0]), condition([0.0, 0.0]));
        let code = |given: Option<&Tensor>| model.encode_given(&x, given).unwrap().to_vec2::<f64>().unwrap();
        let sample = |given: Option<&Tensor>| {
            let z = Tensor::new(&[[0.4f64]], &Device::Cpu).unwrap();
            model.decode_given(&z, given).unwrap().to_vec2::<f64>().unwrap()
        };
        assert!(code(Some(&one)) != code(Some(&other)) && sample(Some(&one)) != sample(Some(&other)));
        assert_eq!(code(None), code(Some(&unknown)));
        let wrong = Tensor::new(&[[1.0f64]], &Device::Cpu).unwrap();
        let message = model.encode_given(&x, Some(&wrong)).unwrap_err().to_string();
        assert!(message.contains("condition has shape [1, 1]"), "{message}");
    }
}
