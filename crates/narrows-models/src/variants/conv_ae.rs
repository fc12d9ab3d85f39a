//! The convolutional autoencoder for pictures and windows.
//!
//! Masci, Meier, Cireşan & Schmidhuber 2011, Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction, with
//! strides instead of pooling: convolutions that halve the grid, one layer to the code, and their mirror.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::{Augmentation, check_moves};
use crate::bottleneck::Identity;
use crate::composed::{Composed, Networks, Reconstruction};
use crate::config::{CodeSize, Deform, Noise, Shift, Widths};
use crate::corruption::Corruption;
use crate::network::conv::Stages;
use crate::network::{ConvDecoder, ConvEncoder, LinearPath};
use crate::scaling::Scaling;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Error, Result};

/// Samples of more values than this have no linear path: its two maps would outweigh the convolutions.
const PATH_LIMIT: usize = 1 << 16;

/// Options of `conv-ae`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct ConvAe {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Channels behind each layer; every layer halves the sides. Left out, they double from 32 to 256 until no side is
    /// longer than 7.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub channels: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Linear maps beside both networks, set to the principal components of the first training rows (for samples of up to
    /// 65536 values).
    pub skip: bool,
    /// Standard deviation of noise on training inputs, in units of the data's own deviation; targets stay clean.
    pub noise: Noise,
    /// Largest random move of training samples along each axis, in pixels or steps.
    pub shift: Shift,
    /// How far training pictures and windows are bent at random, as a share of their size, until the last steps of the run.
    /// `narrows train` sets 0.08 for pictures of 20 pixels or more.
    pub deform: Deform,
}

impl Default for ConvAe {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            channels: None,
            activation: Activation::Silu,
            skip: true,
            noise: Noise::default(),
            shift: Shift::default(),
            deform: Deform::default(),
        }
    }
}

impl ConvAe {
    fn stages(&self, data: &DataSpec) -> Result<Stages> {
        let channels = match &self.channels {
            Some(channels) => Some(channels.get().clone()),
            None => Stages::default_channels(&data.sample),
        };
        channels.and_then(|channels| Stages::new(&data.sample, &channels)).ok_or_else(|| Error::SampleKind {
            model: Self::ABOUT.name,
            takes: "pictures [height, width, channels] or windows [time, channels]",
            sample: data.sample.clone(),
            remedy: "Use the model `ae` for rows of a table, or cut ordered rows into windows.",
        })
    }
}

impl Variant for ConvAe {
    const ABOUT: About = About {
        name: "conv-ae",
        kind: Kind::Vanilla,
        title: "Convolutional autoencoder",
        summary: "Convolutions that halve pictures or windows down to a small code, and their mirror, at any size.",
        paper: Paper {
            authors: "Masci, Meier, Cireşan & Schmidhuber",
            year: 2011,
            title: "Stacked Convolutional Auto-Encoders for Hierarchical Feature Extraction",
        },
        formula: "z = W x + f(x), x̂ = V z + g(z) with convolutional f and g, minimise the mean over samples of sum_j d(x_j, x̂_j)",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        self.stages(data)?;
        check_sizes(Self::ABOUT.name, self.code(), data)?;
        check_moves(Self::ABOUT.name, &self.shift, &self.deform, data)
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code) = (&data.sample, self.code());
        let stages = self.stages(data)?;
        let path = self.skip && data.features() <= PATH_LIMIT;
        let networks = Networks {
            encoder: Some(Box::new(ConvEncoder::new(&stages, code, self.activation, path, &scope.enter("encoder"))?)),
            bottleneck: Identity { code },
            decoder: Some(Box::new(ConvDecoder::new(
                &stages,
                code,
                sample,
                self.activation,
                path,
                &scope.enter("decoder"),
            )?)),
            path: path.then(|| LinearPath::new(sample, code, code, 0, &scope.enter("path"))).transpose()?,
            scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
            likelihood: data.likelihood.clone(),
        };
        let augmentation = Augmentation::new(Corruption::noise(&self.noise), &self.shift, &self.deform, data);
        Ok(Box::new(Composed::new(data, networks, Reconstruction, augmentation, scope)))
    }
}
