//! Fully connected layers in a row: `h_l = act_l(h_{l-1} W_lᵀ + b_l)`, and what their gradients need.
//!
//! Each task takes a few rows through all layers while they are in its caches. No sum depends on how rows are shared out,
//! so that may depend on the number of threads.

mod small;

use std::ops::Range;

use super::epilogue::{Rows, Slopes};
use super::gemm::{Matrix, Packed, Size, product};
use super::parallel::{Shared, for_each, threads};
use super::pointwise;
use super::scratch::Scratch;
use crate::Activation;

/// Rows for each thread from which on tasks of their own beat loops over each layer.
const ENOUGH: usize = 28;

/// A layer's numbers: `weight` is `[out, inputs]`, `bias` `[out]`.
#[derive(Clone, Copy)]
pub(crate) struct Layer<'a> {
    pub(crate) weight: &'a [f32],
    pub(crate) bias: Option<&'a [f32]>,
    pub(crate) inputs: usize,
    pub(crate) out: usize,
    pub(crate) activation: Activation,
}

impl Layer<'_> {
    /// The product of the forward pass, and its right operand.
    fn forward(&self, rows: usize) -> (Size, Matrix<'_>) {
        (Size { rows, columns: self.out, depth: self.inputs }, Matrix::rows(self.weight, self.inputs))
    }

    /// The product that leads the gradient back, and its right operand.
    fn back(&self, rows: usize) -> (Size, Matrix<'_>) {
        (Size { rows, columns: self.inputs, depth: self.out }, Matrix::columns(self.weight, self.inputs))
    }
}

/// Rows shared out among tasks; one range if each layer is better shared out by itself.
fn shares(rows: usize) -> Vec<Range<usize>> {
    let threads = threads();
    let count = if rows < threads * ENOUGH { 1 } else { rows.div_ceil(Packed::rows()).next_multiple_of(threads) };
    (0..count).map(|share| share * rows / count..(share + 1) * rows / count).collect()
}

/// One product, for the rows of a share or, without operands packed beforehand, for all rows and on all threads.
fn multiply(
    packed: Option<&Packed>,
    rows: Range<usize>,
    left: &[f32],
    (size, right): (Size, Matrix<'_>),
    target: &impl super::gemm::Target,
) {
    match packed {
        Some(packed) => packed.multiply(rows, left, target),
        None => product(size, &Matrix::rows(left, size.depth), &right, target),
    }
}

/// Operands packed for all shares, if there is more than one.
fn pack<'a>(shares: &[Range<usize>], operands: impl Iterator<Item = (Size, Matrix<'a>)>) -> Vec<Packed> {
    if shares.len() > 1 { Packed::all(&operands.collect::<Vec<_>>()) } else { Vec::new() }
}

/// What the backward pass needs to know of the forward pass.
#[derive(Default)]
pub(crate) struct Kept {
    /// The values behind each layer but the last.
    hidden: Vec<Scratch>,
    /// Each layer's values before the activation, where the slope does not follow from those behind it.
    before: Vec<Option<Scratch>>,
}

impl Kept {
    /// Room for so many rows.
    pub(crate) fn new(layers: &[Layer<'_>], rows: usize) -> Self {
        let values = |layer: &Layer<'_>| Scratch::new(rows * layer.out);
        let before = |layer: &Layer<'_>| (!pointwise::slope_from_value(layer.activation)).then(|| values(layer));
        Self {
            hidden: layers[..layers.len() - 1].iter().map(values).collect(),
            before: layers.iter().map(before).collect(),
        }
    }

    /// The values behind all layers, of which `y` are the last ones.
    pub(crate) fn values<'a>(&'a self, y: &'a [f32]) -> Vec<&'a [f32]> {
        self.hidden.iter().map(|values| &**values).chain([y]).collect()
    }

    /// The values that the slopes of all layers follow from.
    fn slopes<'a>(&'a self, y: &'a [f32]) -> Vec<&'a [f32]> {
        self.before.iter().zip(self.values(y)).map(|(before, values)| before.as_deref().unwrap_or(values)).collect()
    }
}

/// Writes the values behind the last layer to `y`, and keeps what the backward pass needs if there is one.
pub(crate) fn forward(layers: &[Layer<'_>], x: &[f32], y: &mut [f32], kept: Option<&mut Kept>) {
    let rows = x.len() / layers[0].inputs;
    if kept.is_none() && small::suits(layers, rows) {
        return small::forward(layers, x, y);
    }
    let shares = shares(rows);
    let packed = pack(&shares, layers.iter().map(|layer| layer.forward(rows)));
    let keep = kept.is_some();
    let mut none = Kept::default();
    let Kept { hidden, before } = kept.unwrap_or(&mut none);
    let hidden: Vec<Shared<'_, f32>> = hidden.iter_mut().map(|values| Shared::new(values)).collect();
    let before: Vec<_> = before.iter_mut().map(|values| values.as_deref_mut().map(Shared::new)).collect();
    let y = Shared::new(y);
    for_each(shares.len(), |share| {
        let share = shares[share].clone();
        let widest = layers.iter().map(|layer| layer.out).max().unwrap_or(0);
        let mut passing = [0, 1].map(|_| Scratch::new(if keep { 0 } else { share.len() * widest }));
        let passing = passing.each_mut().map(|values| Shared::new(values));
        let mut input: &[f32] = &x[share.start * layers[0].inputs..share.end * layers[0].inputs];
        for (index, layer) in layers.iter().enumerate() {
            let (out, first) = match hidden.get(index) {
                _ if index + 1 == layers.len() => (y, 0),
                Some(hidden) => (*hidden, 0),
                None => (passing[index % 2], share.start),
            };
            let place = ((share.start - first) * layer.out, share.len() * layer.out);
            let offset = |row: usize| (row - first) * layer.out;
            let run = |out, activation| {
                let target = Rows { out, offset, bias: layer.bias, activation, add: false };
                multiply(packed.get(index), share.clone(), input, layer.forward(rows), &target);
            };
            match before.get(index).copied().flatten() {
                None => run(out, layer.activation),
                Some(before) => {
                    run(before, Activation::Identity);
                    // SAFETY: these rows are this task's, in both, and what wrote them has returned.
                    let (out, before) = unsafe { (out.part(place.0, place.1), before.part(place.0, place.1)) };
                    pointwise::activate(out, before, layer.activation);
                }
            }
            // SAFETY: as above.
            input = unsafe { out.part(place.0, place.1) };
        }
    });
}

/// Writes the gradient before each layer's activation to `before`, and the gradient of `x` to `dx` if it is wanted, from
/// what was kept, the output `y` and its gradient `dy`.
pub(crate) fn backward(
    layers: &[Layer<'_>],
    (kept, y): (&Kept, &[f32]),
    dy: &[f32],
    before: &mut [Scratch],
    dx: Option<&mut [f32]>,
) {
    let (last, slopes) = (layers.len() - 1, kept.slopes(y));
    let rows = dy.len() / layers[last].out;
    let shares = shares(rows);
    let first = usize::from(dx.is_none());
    let packed = pack(&shares, layers[first..].iter().map(|layer| layer.back(rows)));
    let before: Vec<Shared<'_, f32>> = before.iter_mut().map(|values| Shared::new(values)).collect();
    let dx = dx.map(Shared::new);
    for_each(shares.len(), |share| {
        let share = shares[share].clone();
        let at = |index: usize| share.start * layers[index].out..share.end * layers[index].out;
        // SAFETY: these rows are this task's.
        let own = |index: usize| unsafe { before[index].part(at(index).start, at(index).len()) };
        pointwise::scale_by_slope(own(last), &dy[at(last)], &slopes[last][at(last)], layers[last].activation);
        for index in (1..layers.len()).rev() {
            let front = layers[index - 1];
            let target = Slopes {
                out: before[index - 1],
                width: front.out,
                values: slopes[index - 1],
                activation: front.activation,
            };
            multiply(packed.get(index - first), share.clone(), own(index), layers[index].back(rows), &target);
        }
        if let Some(out) = dx {
            let offset = |row: usize| row * layers[0].inputs;
            let target = Rows { out, offset, bias: None, activation: Activation::Identity, add: false };
            multiply(packed.first(), share.clone(), own(0), layers[0].back(rows), &target);
        }
    });
}

/// Adds the gradient of a layer's weight to `into`, or overwrites it, from the layer's inputs and the gradient before its
/// activation.
pub(crate) fn weight_gradient(layer: Layer<'_>, x: &[f32], before: &[f32], into: &mut [f32], add: bool) {
    let size = Size { rows: layer.out, columns: layer.inputs, depth: before.len() / layer.out };
    let offset = |row: usize| row * layer.inputs;
    let target = Rows { out: Shared::new(into), offset, bias: None, activation: Activation::Identity, add };
    product(size, &Matrix::columns(before, layer.out), &Matrix::columns(x, layer.inputs), &target);
}
