//! The adversarial autoencoder.
//!
//! Makhzani, Shlens, Jaitly, Goodfellow & Frey 2015, Adversarial Autoencoders: codes are deterministic; a discriminator
//! learns to tell them from draws of the standard normal distribution, and the encoder learns to deceive it while both
//! networks reconstruct.

use narrows_core::{Dims, Group, Loss, StepContext, Trainable};
use narrows_tensor::{Activation, Key, Scope, Tensor, random};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::adversary::{Adversary, as_false, as_true};
use crate::augmentation::Augmentation;
use crate::bottleneck::Identity;
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Weight, Widths};
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Result};

/// Options of `aae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Aae {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside both networks, set to the principal components of the first training rows.
    pub skip: bool,
    /// Widths of the discriminator's hidden layers.
    pub discriminator: Widths,
    /// Weight of deceiving the discriminator, where samples have mean square 1 a value.
    pub adversary: Weight,
}

impl Default for Aae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            discriminator: Widths::constant(vec![128; 2]),
            adversary: Weight::constant(1.0),
        }
    }
}

impl Variant for Aae {
    const ABOUT: About = About {
        name: "aae",
        kind: Kind::Adversarial,
        title: "Adversarial autoencoder",
        summary: "Codes as a whole follow a standard normal distribution, because a discriminator cannot tell them apart.",
        paper: Paper {
            authors: "Makhzani, Shlens, Jaitly, Goodfellow & Frey",
            year: 2015,
            title: "Adversarial Autoencoders",
        },
        formula: "model: minimise the mean over rows of sum_j w_j d(x_j, g(f(x))_j) - λ log D(f(x)); discriminator: minimise -½ E[log D(p)] - ½ E[log(1 - D(f(x)))], p from N(0, 1)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let bottleneck = Identity { code: self.code() };
        let networks = symmetric(data, self.widths.as_ref(), layers, bottleneck, scope)?;
        let code = Dims::new([self.code()]);
        let objective = Deceiving {
            weight: *self.adversary.get(),
            discriminator: Adversary::new(
                &code,
                self.discriminator.get(),
                Activation::Silu,
                &scope.enter("discriminator"),
            )?,
        };
        Ok(Box::new(Composed::new(data, networks, objective, Augmentation::default(), scope)))
    }
}

const GROUPS: [Group; 2] = [
    Group { name: "model", prefixes: &["encoder.", "decoder.", "path."] },
    Group { name: "discriminator", prefixes: &["discriminator."] },
];

/// The reconstruction and a discriminator of codes.
struct Deceiving {
    weight: f64,
    discriminator: Adversary,
}

impl<B: Send + Sync> Objective<B> for Deceiving {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        if pass.group.name == GROUPS[1].name {
            let z = pass.z.detach();
            let prior = random::normal(&at.key.named("prior"), z.shape(), z.dtype(), z.device())?;
            let loss = (as_true(&self.discriminator.judge(&prior)?)? + as_false(&self.discriminator.judge(&z)?)?)?;
            return Ok(Loss::default().with("discriminator", loss, 0.5));
        }
        let unit = model.scaling.unit(&model.likelihood)?;
        let deceived = as_true(&self.discriminator.judge(pass.z)?)?;
        Ok(Reconstruction.loss(model, pass, at)?.with("adversary", deceived, self.weight * unit))
    }

    fn groups(&self) -> &[Group] {
        &GROUPS
    }

    fn draw(&self, n: usize, code: usize, like: &Tensor, key: &Key) -> narrows_core::Result<Option<Tensor>> {
        Ok(Some(random::normal(key, (n, code), like.dtype(), like.device())?))
    }
}
