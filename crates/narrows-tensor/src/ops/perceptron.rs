//! A multilayer perceptron as one operation: `h_l = act_l(h_{l-1} W_lᵀ + b_l)`.
//!
//! Gradients of hidden values never become tensors, so that nothing fills them with zeros and adds to them.

use std::sync::{Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Storage, Tensor};

use crate::kernel::gemm::Packed;
use crate::kernel::perceptron::{self as kernel, Kept, Layer as Numbers};
use crate::kernel::scratch::Scratch;
use crate::kernel::storage;
use crate::ops::linear::linear;
use crate::ops::slope::sum_rows;
use crate::{Activation, Result, gradients};

/// A fully connected layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// `[out, in]`
    pub weight: Tensor,
    /// `[out]`
    pub bias: Option<Tensor>,
    /// Behind the affine map.
    pub activation: Activation,
}

/// Takes `x` through all layers. Where layers with variables are fused, [`crate::Gradients::backward`] gives their
/// gradients and candle's own backward pass is refused.
///
/// # Shapes
/// - `x`: `[.., in]` of the first layer
/// - returns: `[.., out]` of the last layer
///
/// # Errors
/// The shapes do not fit together, or `x` is empty.
pub fn perceptron(x: &Tensor, layers: &[Layer]) -> Result<Tensor> {
    let fused = layers.len() > 1 && storage::fused([x]) && chained(x, layers) && layers.iter().all(fusible);
    if !fused {
        let apply = |h: Tensor, layer: &Layer| linear(&h, &layer.weight, layer.bias.as_ref(), layer.activation);
        return layers.iter().try_fold(x.clone(), apply);
    }
    let x = x.contiguous()?;
    let tensors = layers.iter().flat_map(Layer::tensors);
    let anchor = tensors.into_iter().find(|tensor| storage::tracked(tensor)).cloned();
    let keep = anchor.is_some() || storage::tracked(&x);
    let op = Perceptron { layers: layers.to_vec(), kept: Mutex::default(), keep };
    Ok(match anchor {
        Some(anchor) => x.apply_op2(&anchor, op)?,
        None => x.apply_op1(op)?,
    })
}

/// Whether each layer takes what the one before gives.
fn chained(x: &Tensor, layers: &[Layer]) -> bool {
    let mut width = x.dims().last().copied();
    let mut fits = |layer: &Layer| {
        let &[out, inputs] = layer.weight.dims() else { return false };
        width.replace(out) == Some(inputs) && layer.bias.as_ref().is_none_or(|bias| bias.dims() == [out])
    };
    x.elem_count() > 0 && layers.iter().all(&mut fits)
}

/// Whether a layer's parameters lie where the kernels read them, and are variables or constants.
fn fusible(layer: &Layer) -> bool {
    let leaf = |tensor: &Tensor| tensor.is_variable() || !storage::tracked(tensor);
    layer.tensors().all(|tensor| storage::fused([tensor]) && tensor.is_contiguous() && leaf(tensor))
        && layer.weight.dims().iter().all(|&width| Packed::possible(width))
}

impl Layer {
    fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&self.weight).chain(&self.bias)
    }
}

struct Perceptron {
    layers: Vec<Layer>,
    kept: Mutex<Kept>,
    /// Whether there will be a backward pass.
    keep: bool,
}

impl Perceptron {
    /// Runs `read` on the numbers of all layers.
    fn with<R>(&self, read: impl FnOnce(&[Numbers<'_>]) -> candle_core::Result<R>) -> candle_core::Result<R> {
        let guards: Vec<_> = self.layers.iter().flat_map(Layer::tensors).map(Tensor::storage_and_layout).collect();
        let mut slices = Vec::with_capacity(guards.len());
        for (storage, layout) in &guards {
            let Storage::Cpu(storage) = &**storage else {
                return Err(candle_core::Error::RequiresContiguous { op: "perceptron" });
            };
            slices.push(storage::slice(storage, layout)?);
        }
        let mut next = slices.into_iter();
        let mut numbers = Vec::with_capacity(self.layers.len());
        for Layer { weight, bias, activation } in &self.layers {
            let (out, inputs) = weight.dims2()?;
            let weight = next.next().unwrap_or_default();
            let bias = bias.as_ref().and_then(|_| next.next());
            numbers.push(Numbers { weight, bias, inputs, out, activation: *activation });
        }
        read(&numbers)
    }

    fn forward(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let x = storage::slice(x, layout)?;
        self.with(|layers| {
            let (rows, out) = (x.len() / layers[0].inputs, layers[layers.len() - 1].out);
            let mut kept = self.keep.then(|| Kept::new(layers, rows));
            let y = storage::output(rows * out, |y| kernel::forward(layers, x, y, kept.as_mut()));
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = kept.unwrap_or_default();
            let mut dims = layout.dims().to_vec();
            dims.pop();
            dims.push(out);
            Ok((CpuStorage::F32(y), dims.into()))
        })
    }

    /// Leaves the parameters' gradients where they are collected, and returns that of `x` if it needs one.
    fn backward(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = storage::tracked(x);
        let dx = self.with(|layers| {
            storage::with_all([x, y, dy], |[x, y, dy]| {
                let rows = x.len() / layers[0].inputs;
                let values = kept.values(y);
                let mut before: Vec<Scratch> = layers.iter().map(|layer| Scratch::new(rows * layer.out)).collect();
                let mut run = |dx: Option<&mut [f32]>| kernel::backward(layers, (&kept, y), dy, &mut before, dx);
                let dx = if wanted {
                    Some(storage::output(x.len(), |dx| run(Some(dx))))
                } else {
                    run(None);
                    None
                };
                for (index, layer) in layers.iter().enumerate() {
                    let inputs = if index == 0 { x } else { values[index - 1] };
                    let (tensors, before) = (&self.layers[index], &before[index]);
                    if storage::tracked(&tensors.weight) {
                        gradients::write_if_wanted(&tensors.weight, |into, add| {
                            kernel::weight_gradient(*layer, inputs, before, into, add);
                        })?;
                    }
                    if let Some(bias) = tensors.bias.as_ref().filter(|bias| storage::tracked(bias)) {
                        gradients::write_if_wanted(bias, |into, add| {
                            sum_rows(into, add, layer.out, before.len(), |at, _| &before[at]);
                        })?;
                    }
                }
                Ok(dx)
            })
        })?;
        dx.map(|dx| Tensor::from_vec(dx, x.shape(), x.device())).transpose()
    }
}

impl CustomOp1 for Perceptron {
    fn name(&self) -> &'static str {
        "perceptron"
    }

    fn cpu_fwd(&self, x: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward(x, layout)
    }

    fn bwd(&self, x: &Tensor, y: &Tensor, dy: &Tensor) -> candle_core::Result<Option<Tensor>> {
        self.backward(x, y, dy)
    }
}

/// The second input is one of the parameters, so that candle knows that there are gradients.
impl CustomOp2 for Perceptron {
    fn name(&self) -> &'static str {
        "perceptron"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        layout: &Layout,
        _: &CpuStorage,
        _: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward(x, layout)
    }

    fn bwd(
        &self,
        x: &Tensor,
        _: &Tensor,
        y: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        Ok((self.backward(x, y, dy)?, None))
    }
}
