//! The denoising autoencoder.
//!
//! Vincent, Larochelle, Bengio & Manzagol 2008, Extracting and Composing Robust Features with Denoising Autoencoders:
//! the input is corrupted, `x̃ ~ C(x̃|x)`, and the reconstruction of `x̃` is compared with the clean `x`. Since the noise
//! keeps the map from being the identity, the code may be larger than the sample.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::{Augmentation, check_moves};
use crate::bottleneck::Identity;
use crate::composed::{Composed, Reconstruction};
use crate::config::{CodeSize, Deform, Dropout, Members, Shift, Widths};
use crate::corruption::Corruption;
use crate::ensemble::Ensemble;
use crate::network::mlp::Hidden;
use crate::network::symmetric;
use crate::variant::{About, Kind, Paper, Variant, check_likelihood};
use crate::{DataSpec, Result};

/// Options of `dae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Dae {
    /// Number of values in a code; it may be larger than the sample.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside both networks, set to the principal components of the first training rows; none where the code is
    /// larger than the sample.
    pub skip: bool,
    /// How training inputs are corrupted, in units of the data's own deviation.
    pub corruption: Corruption,
    /// Share of hidden units switched off in a training step.
    pub dropout: Dropout,
    /// Largest random move of training samples along each axis of pictures and windows, in pixels or steps.
    pub shift: Shift,
    /// How far training pictures and windows are bent at random, as a share of their size, until the last steps of the run.
    pub deform: Deform,
    /// Networks trained side by side, whose reconstructions are averaged.
    pub members: Members,
}

impl Default for Dae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            skip: true,
            corruption: Corruption::default(),
            dropout: Dropout::default(),
            shift: Shift::default(),
            deform: Deform::default(),
            members: Members::default(),
        }
    }
}

impl Dae {
    /// One network.
    fn member(&self, data: &DataSpec, scope: &Scope) -> Result<Composed<Identity>> {
        let beside_path = self.skip && self.code() <= data.features();
        let layers = Hidden { activation: self.activation, dropout: *self.dropout.get(), beside_path };
        let networks = symmetric(data, self.widths.as_ref(), layers, Identity { code: self.code() }, scope)?;
        let augmentation = Augmentation::new(Some(self.corruption.clone()), &self.shift, &self.deform, data);
        Ok(Composed::new(data, networks, Reconstruction, augmentation, scope))
    }
}

impl Variant for Dae {
    const ABOUT: About = About {
        name: "dae",
        kind: Kind::Denoising,
        title: "Denoising autoencoder",
        summary: "Learns to give the clean sample for a corrupted one, and so what samples look like.",
        paper: Paper {
            authors: "Vincent, Larochelle, Bengio & Manzagol",
            year: 2008,
            title: "Extracting and Composing Robust Features with Denoising Autoencoders",
        },
        formula: "x̃ ~ C(x̃|x), minimise the mean over rows of sum_j w_j d(x_j, g(f(x̃))_j)",
    };

    fn code(&self) -> usize {
        *self.code.get()
    }

    fn set_code(&mut self, code: usize) -> Result<()> {
        self.code = CodeSize::new(code)?;
        Ok(())
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)?;
        check_moves(Self::ABOUT.name, &self.shift, &self.deform, data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        match *self.members.get() {
            1 => Ok(Box::new(self.member(data, scope)?)),
            members => Ok(Box::new(Ensemble::new(members, scope, |scope| self.member(data, scope))?)),
        }
    }
}
