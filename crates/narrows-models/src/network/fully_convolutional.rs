//! A fully convolutional pair of networks (Long, Shelhamer & Darrell 2015): the code is a grid of vectors, one for every few
//! places of the sample, and no weight depends on the sample's sides, so that the same weights work at any size.
//!
//! The encoder is a convolution (kernel 3), layers that halve the sides (kernel 4, stride 2, padding 1), each followed by a
//! convolution (kernel 3), and one more to the code; the decoder is its mirror. Sides that the strides do not divide are
//! padded by their border, and cropped again behind the decoder. A window is a picture one pixel wide.

use candle_core::Tensor;
use narrows_core::{Dims, Result};
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::{Activation, Init, Scope};

use super::conv::grid;
use super::{Mode, Network};
use crate::bottleneck::Identity;
use crate::composed::Networks;
use crate::scaling::Scaling;
use crate::{DataSpec, Error};

/// The networks of samples of this data: `channels` behind the layers that halve the sides, `code` values at each place of
/// the code's grid. `None` for samples without neighbouring places.
///
/// # Errors
/// The scope has parameters of these names already.
pub fn fully_convolutional(
    data: &DataSpec,
    channels: &[usize],
    code: usize,
    activation: Activation,
    scope: &Scope,
) -> Result<Option<Networks<Identity>>, Error> {
    let sample = &data.sample;
    let Some([height, width, own]) = grid(sample) else { return Ok(None) };
    let frame = Frame::around([height, width], channels.len());
    let inner = [frame.padded[0] / frame.step(0), frame.padded[1] / frame.step(1), code];
    let layers = |parts: Vec<Part>, scope: Scope| {
        let last = parts.len() - 1;
        let layer = |(index, part): (usize, Part)| {
            let activation = if index == last { Activation::Identity } else { activation };
            Layer::new(part, &frame, activation, &scope.enter(index))
        };
        parts.into_iter().enumerate().map(layer).collect::<Result<Vec<_>>>()
    };
    // Half as many channels where the grid is largest.
    let first = channels.first().map_or(code, |channels| (channels / 2).max(own));
    let mut parts = vec![Part::same(own, first)];
    let mut before = first;
    for &next in channels {
        parts.extend([Part { halves: true, ..Part::same(before, next) }, Part::same(next, next)]);
        before = next;
    }
    parts.push(Part::same(before, code));
    let mirrored = parts.iter().rev().map(|part| Part { from: part.to, to: part.from, mirrored: true, ..*part });
    let mirrored = mirrored.collect();
    let encoder = FullyConvolutional {
        layers: layers(parts, scope.enter("encoder"))?,
        ends: Ends::Pad { from: [height, width, own], to: frame.padded },
    };
    let decoder = FullyConvolutional {
        layers: layers(mirrored, scope.enter("decoder"))?,
        ends: Ends::Crop { from: inner, to: sample.clone(), sides: [height, width] },
    };
    Ok(Some(Networks {
        encoder: Some(Box::new(encoder)),
        bottleneck: Identity { code: inner.iter().product() },
        decoder: Some(Box::new(decoder)),
        path: None,
        scaling: Scaling::by_channel(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
        likelihood: data.likelihood.clone(),
    }))
}

/// The sides of a sample after padding; an axis of length 1 has no neighbours and is left as it is.
#[derive(Clone, Copy, Debug)]
struct Frame {
    padded: [usize; 2],
    halvings: usize,
    long: [bool; 2],
}

impl Frame {
    fn around(sides: [usize; 2], halvings: usize) -> Self {
        let long = [sides[0] > 1, sides[1] > 1];
        let mut frame = Self { padded: sides, halvings, long };
        frame.padded = [0, 1].map(|axis| sides[axis].next_multiple_of(frame.step(axis)));
        frame
    }

    /// Places of the sample for one of the code's grid.
    fn step(&self, axis: usize) -> usize {
        if self.long[axis] { 1 << self.halvings } else { 1 }
    }
}

/// One layer: from how many channels to how many, whether it halves (mirrored: doubles) the sides.
#[derive(Clone, Copy)]
struct Part {
    from: usize,
    to: usize,
    halves: bool,
    mirrored: bool,
}

impl Part {
    fn same(from: usize, to: usize) -> Self {
        Self { from, to, halves: false, mirrored: false }
    }
}

struct Layer {
    weight: Tensor,
    bias: Tensor,
    movement: Stride2,
    transposed: bool,
    activation: Activation,
}

impl Layer {
    fn new(part: Part, frame: &Frame, activation: Activation, scope: &Scope) -> Result<Self> {
        let Part { from, to, halves, mirrored } = part;
        let along = |axis: usize, length: usize, single: usize| if frame.long[axis] { length } else { single };
        let size = if halves { 4 } else { 3 };
        let (kh, kw) = (along(0, size, 1), along(1, size, 1));
        let transposed = halves && mirrored;
        let stride = if halves { (along(0, 2, 1), along(1, 2, 1)) } else { (1, 1) };
        // Every output value of a transposed layer sums over a kernel that the stride spreads apart.
        let spread = stride.0 * stride.1;
        let (fan_in, fan_out) = match transposed {
            true => (kh * kw * from / spread, kh * kw * to),
            false => (kh * kw * from, kh * kw * to / spread),
        };
        let init = Init::XavierUniform { fan_in: fan_in.max(1), fan_out: fan_out.max(1) };
        let shape = if transposed { (from, kh, kw, to) } else { (to, kh, kw, from) };
        let padding = (along(0, 1, 0), along(1, 1, 0));
        Ok(Self {
            weight: scope.parameter("weight", shape, init)?,
            bias: scope.parameter("bias", to, Init::Constant(0.0))?,
            movement: Stride2 { stride, padding, output_padding: (0, 0) },
            transposed,
            activation,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let apply = if self.transposed { conv_transpose2d } else { conv2d };
        Ok(apply(x, &self.weight, Some(&self.bias), self.movement, self.activation)?)
    }
}

/// What happens to the sides before the first layer, or behind the last.
enum Ends {
    /// Samples `[height, width, channels]` are padded by their border.
    Pad { from: [usize; 3], to: [usize; 2] },
    /// Codes become a grid; what the layers make of it is cropped.
    Crop { from: [usize; 3], to: Dims, sides: [usize; 2] },
}

struct FullyConvolutional {
    layers: Vec<Layer>,
    ends: Ends,
}

impl Network for FullyConvolutional {
    fn forward(&self, x: &Tensor, _: Mode) -> Result<Tensor> {
        let n = x.dim(0)?;
        let (Ends::Pad { from: [height, width, channels], .. } | Ends::Crop { from: [height, width, channels], .. }) =
            self.ends;
        let mut h = x.reshape((n, height, width, channels))?;
        if let Ends::Pad { to, .. } = self.ends {
            h = bordered(&bordered(&h, 1, to[0])?, 2, to[1])?;
        }
        for layer in &self.layers {
            h = layer.forward(&h)?;
        }
        match &self.ends {
            Ends::Pad { .. } => Ok(h.flatten_from(1)?),
            Ends::Crop { to, sides, .. } => {
                let cropped = h.narrow(1, 0, sides[0])?.narrow(2, 0, sides[1])?;
                Ok(cropped.contiguous()?.reshape(to.batched(n))?)
            }
        }
    }
}

/// An axis made `length` long by repeating its last place.
fn bordered(x: &Tensor, axis: usize, length: usize) -> Result<Tensor> {
    let own = x.dim(axis)?;
    if own == length {
        return Ok(x.clone());
    }
    let last = x.narrow(axis, own - 1, 1)?;
    Ok(Tensor::cat(&std::iter::once(x.clone()).chain(vec![last; length - own]).collect::<Vec<_>>(), axis)?)
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_tensor::{Key, random};

    use super::*;

    fn networks(dims: &[usize], scope: &Scope) -> Networks<Identity> {
        let data = DataSpec::gaussian(Dims::new(dims.to_vec()));
        fully_convolutional(&data, &[3, 4], 2, Activation::Tanh, scope).unwrap().unwrap()
    }

    #[test]
    fn codes_are_grids_and_samples_keep_their_sides() {
        for (dims, code) in [(vec![8, 12, 1], 12), (vec![9, 7, 2], 12), (vec![11, 3], 6), (vec![1, 1], 2)] {
            let networks = networks(&dims, &Scope::root(Key::new(1), DType::F64, &Device::Cpu));
            let shape: Vec<usize> = [2].into_iter().chain(dims).collect();
            let x = random::normal(&Key::new(2), shape.clone(), DType::F64, &Device::Cpu).unwrap();
            let z = networks.hidden(&x, Mode::Infer).unwrap();
            assert_eq!(z.dims(), [2, code]);
            assert_eq!(networks.output(&z, Mode::Infer).unwrap().dims(), shape);
        }
        let rows = DataSpec::gaussian(Dims::new([5]));
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        assert!(fully_convolutional(&rows, &[3], 2, Activation::Tanh, &scope).unwrap().is_none());
    }

    #[test]
    fn the_same_weights_give_the_same_values_far_from_the_border_of_a_larger_picture() {
        let (small, large) = ([72, 72, 1], [88, 80, 1]);
        let scopes = [0, 1].map(|_| Scope::root(Key::new(1), DType::F64, &Device::Cpu));
        let (of_small, of_large) = (networks(&small, &scopes[0]), networks(&large, &scopes[1]));
        scopes[1].parameters().restore(&scopes[0].parameters().tensors().into_iter().collect(), "small").unwrap();
        let x = random::normal(&Key::new(2), (1, 88, 80, 1), DType::F64, &Device::Cpu).unwrap();
        let part = x.narrow(1, 8, 72).unwrap().narrow(2, 4, 72).unwrap().contiguous().unwrap();
        let pass = |networks: &Networks<Identity>, x: &Tensor| {
            networks.output(&networks.hidden(x, Mode::Infer).unwrap(), Mode::Infer).unwrap()
        };
        let centre = |x: &Tensor, top: usize, left: usize| {
            x.narrow(1, top, 4).unwrap().narrow(2, left, 4).unwrap().flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        let (a, b) = (centre(&pass(&of_small, &part), 34, 34), centre(&pass(&of_large, &x), 42, 38));
        assert!(a.iter().zip(&b).all(|(a, b)| (a - b).abs() < 1e-9), "{a:?} {b:?}");
    }
}
