//! Convolutional encoder and decoder for pictures `[height, width, channels]` and windows `[time, channels]`.
//!
//! Each layer halves the long axes (kernel 4, stride 2, padding 1: `out = floor(in / 2)`), then one fully connected layer
//! leads to the code. The decoder mirrors it; an output padding of `in mod 2` restores odd sizes exactly. An axis that is
//! already 1 long stays (kernel 1, stride 1).

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::{Activation, Init, Scope};

use super::{Dense, Mode, Network};

/// The sizes of a convolutional network's stages, from the sample inwards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stages(Vec<Stage>);

/// `[height, width, channels]` between two layers.
type Stage = [usize; 3];

/// The longest side at which the default number of layers stops.
const SIDE: usize = 7;
/// Channels behind the first layer at least, and behind the last at most, by default.
const CHANNELS: std::ops::RangeInclusive<usize> = 32..=256;

impl Stages {
    /// The stages of a sample, with the given number of channels behind each layer; `None` for samples of other ranks.
    pub fn new(sample: &Dims, channels: &[usize]) -> Option<Self> {
        let mut stages = vec![grid(sample)?];
        for &channels in channels {
            let [height, width, _] = *stages.last()?;
            stages.push([(height / 2).max(1), (width / 2).max(1), channels]);
        }
        Some(Self(stages))
    }

    /// Channels by default: from 32 (or the sample's own, if more) doubling up to 256, until no side is longer than 7.
    pub fn default_channels(sample: &Dims) -> Option<Vec<usize>> {
        let [height, width, channels] = grid(sample)?;
        let mut side = height.max(width);
        let mut next = channels.next_power_of_two().clamp(*CHANNELS.start(), *CHANNELS.end());
        let mut layers = Vec::new();
        while side > SIDE || layers.is_empty() {
            layers.push(next);
            next = (2 * next).min(*CHANNELS.end());
            side /= 2;
        }
        Some(layers)
    }

    fn pairs(&self) -> impl DoubleEndedIterator<Item = (Stage, Stage)> + ExactSizeIterator + '_ {
        self.0.windows(2).map(|pair| (pair[0], pair[1]))
    }

    fn innermost(&self) -> Stage {
        self.0.last().copied().unwrap_or([1, 1, 1])
    }
}

pub(super) fn grid(sample: &Dims) -> Option<Stage> {
    match *sample.as_slice() {
        [time, channels] => Some([time, 1, channels]),
        [height, width, channels] => Some([height, width, channels]),
        _ => None,
    }
}

/// Kernel size along an axis of this length.
fn kernel(length: usize) -> usize {
    if length > 1 { 4 } else { 1 }
}

fn movement(outer: Stage) -> Stride2 {
    let along = |length: usize, long: usize, short: usize| if length > 1 { long } else { short };
    let odd = |length: usize| if length > 1 { length % 2 } else { 0 };
    Stride2 {
        stride: (along(outer[0], 2, 1), along(outer[1], 2, 1)),
        padding: (along(outer[0], 1, 0), along(outer[1], 1, 0)),
        output_padding: (odd(outer[0]), odd(outer[1])),
    }
}

fn last_init(init: Init, silent: bool) -> Init {
    if silent { Init::Constant(0.0) } else { init }
}

#[derive(Clone, Debug)]
struct Layer {
    weight: Tensor,
    bias: Tensor,
    movement: Stride2,
    activation: Activation,
}

/// Convolutions that halve the grid, then one layer to the hidden values.
#[derive(Clone, Debug)]
pub struct ConvEncoder {
    layers: Vec<Layer>,
    head: Dense,
    outer: Stage,
}

impl ConvEncoder {
    /// An encoder to `hidden` values; parameters are `0.weight`, ..., `head.weight`, `head.bias`. The weights of the last
    /// layer are 0 where the network is to be `silent` at first beside a linear path.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(stages: &Stages, hidden: usize, activation: Activation, silent: bool, scope: &Scope) -> Result<Self> {
        let layers = stages.pairs().enumerate().map(|(index, (outer, inner))| {
            let (kh, kw) = (kernel(outer[0]), kernel(outer[1]));
            let init = Init::XavierUniform { fan_in: kh * kw * outer[2], fan_out: kh * kw * inner[2] / 4 };
            let scope = scope.enter(index);
            Ok(Layer {
                weight: scope.parameter("weight", (inner[2], kh, kw, outer[2]), init)?,
                bias: scope.parameter("bias", inner[2], Init::Constant(0.0))?,
                movement: Stride2 { output_padding: (0, 0), ..movement(outer) },
                activation,
            })
        });
        let layers = layers.collect::<Result<Vec<_>>>()?;
        let flat = stages.innermost().iter().product();
        let init = last_init(Init::XavierUniform { fan_in: flat, fan_out: hidden }, silent);
        let head = Dense::with_init(flat, hidden, init, Activation::Identity, &scope.enter("head"))?;
        Ok(Self { layers, head, outer: stages.0[0] })
    }
}

impl Network for ConvEncoder {
    fn forward(&self, x: &Tensor, _: Mode) -> Result<Tensor> {
        let [height, width, channels] = self.outer;
        let mut h = x.reshape((x.dim(0)?, height, width, channels))?;
        for layer in &self.layers {
            h = conv2d(&h, &layer.weight, Some(&layer.bias), layer.movement, layer.activation)?;
        }
        self.head.forward(&h.flatten_from(1)?)
    }
}

/// One layer from the code, then transposed convolutions that double the grid up to the exact size of the sample.
#[derive(Clone, Debug)]
pub struct ConvDecoder {
    head: Dense,
    layers: Vec<Layer>,
    inner: Stage,
    sample: Dims,
}

impl ConvDecoder {
    /// A decoder from `code` values; parameters are `head.weight`, `head.bias`, `0.weight`, ... The weights of the last
    /// layer are 0 where the network is to be `silent` at first beside a linear path.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(
        stages: &Stages,
        code: usize,
        sample: &Dims,
        activation: Activation,
        silent: bool,
        scope: &Scope,
    ) -> Result<Self> {
        let inner = stages.innermost();
        let head = Dense::new(code, inner.iter().product(), activation, &scope.enter("head"))?;
        let last = stages.pairs().len().saturating_sub(1);
        let layers = stages.pairs().rev().enumerate().map(|(index, (outer, inner))| {
            let (kh, kw) = (kernel(outer[0]), kernel(outer[1]));
            // An output value sums over a quarter of the kernel, because the stride spreads inputs apart.
            let init = Init::XavierUniform { fan_in: (kh * kw * inner[2] / 4).max(1), fan_out: kh * kw * outer[2] };
            let init = last_init(init, silent && index == last);
            let scope = scope.enter(index);
            Ok(Layer {
                weight: scope.parameter("weight", (inner[2], kh, kw, outer[2]), init)?,
                bias: scope.parameter("bias", outer[2], Init::Constant(0.0))?,
                movement: movement(outer),
                activation: if index == last { Activation::Identity } else { activation },
            })
        });
        Ok(Self { head, layers: layers.collect::<Result<Vec<_>>>()?, inner, sample: sample.clone() })
    }
}

impl Network for ConvDecoder {
    fn forward(&self, z: &Tensor, _: Mode) -> Result<Tensor> {
        let n = z.dim(0)?;
        let [height, width, channels] = self.inner;
        let mut h = self.head.forward(z)?.reshape((n, height, width, channels))?;
        for layer in &self.layers {
            h = conv_transpose2d(&h, &layer.weight, Some(&layer.bias), layer.movement, layer.activation)?;
        }
        Ok(h.reshape(self.sample.batched(n))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_follow_from_the_longest_side() {
        assert_eq!(Stages::default_channels(&Dims::new([28, 28, 1])), Some(vec![32, 64]));
        assert_eq!(Stages::default_channels(&Dims::new([481, 321, 3])).map(|layers| layers.len()), Some(6));
        assert_eq!(Stages::default_channels(&Dims::new([3, 2])), Some(vec![32]));
        assert_eq!(Stages::default_channels(&Dims::new([9])), None);
    }

    #[test]
    fn stages_halve_and_stop_at_one() {
        let stages = Stages::new(&Dims::new([9, 1, 3]), &[8, 16, 32, 64]).unwrap();
        assert_eq!(stages.0, [[9, 1, 3], [4, 1, 8], [2, 1, 16], [1, 1, 32], [1, 1, 64]]);
    }
}
