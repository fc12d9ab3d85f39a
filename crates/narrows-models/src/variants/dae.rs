//! The denoising autoencoder.
//!
//! Vincent, Larochelle, Bengio & Manzagol 2008, Extracting and Composing Robust Features with Denoising Autoencoders:
//! the input is corrupted, `x̃ ~ C(x̃|x)`, and the reconstruction of `x̃` is compared with the clean `x`. Since the noise
//! keeps the map from being the identity, the code may be larger than the sample. The networks are dense, or convolutional
//! ones whose weights work on pictures and windows of any size.

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
use crate::network::{fully_convolutional, symmetric, symmetric_told};
use crate::variant::{About, Kind, Paper, Variant, check_likelihood, code_size};
use crate::{DataSpec, Error, Result};

/// What the networks are made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum Layers {
    /// Fully connected layers.
    #[default]
    Dense,
    /// Convolutions.
    Conv,
}

/// Channels of the convolutional network where none are given.
const CHANNELS: [usize; 2] = [48, 96];
/// Values at each place of its code where none are asked for.
const PLACE: usize = 64;

/// Options of `dae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Dae {
    /// Number of values in a code; it may be larger than the sample. With `network = "conv"` of a code for every few places.
    pub code: CodeSize,
    /// `dense` layers for samples of one shape, or `conv` for pictures and windows, which may later be of any size.
    pub network: Layers,
    /// Widths of the hidden layers of a dense encoder, mirrored by the decoder. Left out, they halve from the number of
    /// features rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the
    /// first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Channels behind each layer of a convolutional encoder that halves the sides, mirrored by the decoder; 48 and 96 where
    /// left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside dense networks, set to the principal components of the first training rows; none where the code is
    /// larger than the sample.
    pub skip: bool,
    /// How training inputs are corrupted. Levels of noise are in units of the data's own deviation, for pictures of the range
    /// of pixels, 0 to 1.
    pub corruption: Corruption,
    /// Share of hidden units of dense networks switched off in a training step.
    pub dropout: Dropout,
    /// Largest random move of training samples along each axis of pictures and windows, in pixels or steps.
    pub shift: Shift,
    /// How far training pictures and windows are bent at random, as a share of their size, until the last steps of the run.
    /// `narrows train` sets 0.08 for pictures of 20 pixels or more.
    pub deform: Deform,
    /// Networks trained side by side, whose reconstructions are averaged.
    pub members: Members,
}

impl Default for Dae {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            network: Layers::default(),
            widths: None,
            channels: None,
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
        let networks = match self.network {
            Layers::Dense => {
                let beside_path = self.skip && self.code() <= data.features();
                let layers = Hidden { activation: self.activation, dropout: *self.dropout.get(), beside_path };
                let networks = if self.corruption.tells() { symmetric_told } else { symmetric };
                networks(data, self.widths.as_ref(), layers, Identity { code: self.code() }, scope)?
            }
            Layers::Conv => {
                let channels = self.channels.as_ref().map_or(&CHANNELS[..], |channels| channels.get());
                fully_convolutional(data, channels, self.code(), self.activation, scope)?
                    .ok_or_else(|| no_neighbours(data))?
            }
        };
        let augmentation = Augmentation::new(Some(self.corruption.on(data)), &self.shift, &self.deform, data);
        Ok(Composed::new(data, networks, Reconstruction, augmentation, scope))
    }
}

/// Options of one kind of network beside the other kind.
fn check_layers(config: &Dae) -> Result<()> {
    let contradiction = |option: &'static str, value: String, other: &str, remedy: &str| {
        let (other, reason) = (format!("network = {other}"), "it is an option of the other kind of network".into());
        Err(Error::Contradiction { model: Dae::ABOUT.name, option, value, other, reason, remedy: remedy.into() })
    };
    match config {
        Dae { network: Layers::Dense, channels: Some(channels), .. } => {
            contradiction("channels", format!("{:?}", channels.get()), "dense", "set network = \"conv\", or widths")
        }
        Dae { network: Layers::Conv, widths: Some(widths), .. } => {
            contradiction("widths", format!("{:?}", widths.get()), "conv", "set channels instead")
        }
        Dae { network: Layers::Conv, corruption, .. } if corruption.tells() => {
            contradiction("corruption", corruption.name().into(), "conv", "use corruption = columns or random-gaussian")
        }
        Dae { network: Layers::Conv, dropout, .. } if *dropout.get() > 0.0 => {
            contradiction("dropout", dropout.get().to_string(), "conv", "set dropout = 0")
        }
        _ => Ok(()),
    }
}

fn no_neighbours(data: &DataSpec) -> Error {
    Error::SampleKind {
        model: "dae with network = conv",
        takes: "pictures [height, width, channels] or windows [time, channels]",
        sample: data.sample.clone(),
        remedy: "Set network = \"dense\" for rows of a table, or cut ordered rows into windows.",
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

    code_size!();

    fn default_code(&self, data: &DataSpec) -> usize {
        if self.network == Layers::Conv { PLACE } else { data.default_code() }
    }

    fn any_size(&self) -> bool {
        self.network == Layers::Conv
    }

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_likelihood(data)?;
        check_layers(self)?;
        if self.network == Layers::Conv && data.sample.as_slice().len() < 2 {
            return Err(no_neighbours(data));
        }
        self.corruption.check(Self::ABOUT.name, data)?;
        check_moves(Self::ABOUT.name, &self.shift, &self.deform, data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        match *self.members.get() {
            1 => Ok(Box::new(self.member(data, scope)?)),
            members => Ok(Box::new(Ensemble::new(members, scope, |scope| self.member(data, scope))?)),
        }
    }
}
