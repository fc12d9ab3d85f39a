//! Sums over each sample of a function of one element from each input.

use candle_core::{CpuStorage, CustomOp2, CustomOp3, Layout, Shape, Tensor};

use crate::kernel::parallel::{CHUNK, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::storage;
use crate::{Error, Result};

/// A loss of single elements: a function of one number from each of `I` inputs.
pub(super) trait Element<const I: usize>: Copy + Send + Sync + 'static {
    const NAME: &'static str;

    /// The loss.
    fn value(x: [f32; I]) -> f32;

    /// Its derivative by each number.
    fn slopes(x: [f32; I]) -> [f32; I];

    /// The loss of each element by candle's own operations.
    fn composite(x: [&Tensor; I]) -> Result<Tensor>;
}

/// Lanes of a sum: fixed, so that it does not depend on the processor.
const LANES: usize = 16;

/// Sums `E` times `weight` over each sample.
///
/// # Shapes
/// - `inputs`: `[N, ..sample]` each
/// - `weight`: `[N, ..sample]` or `[..sample]`
/// - returns: `[N]`
pub(super) fn sum2<E: Element<2>>(element: E, inputs: [&Tensor; 2], weight: Option<&Tensor>) -> Result<Tensor> {
    let Some(op) = Sum::new(element, inputs, weight)? else {
        return composite::<E, 2>(inputs, weight);
    };
    Ok(inputs[0].contiguous()?.apply_op2(&inputs[1].contiguous()?, op)?)
}

/// As [`sum2`] for three inputs.
pub(super) fn sum3<E: Element<3>>(element: E, inputs: [&Tensor; 3], weight: Option<&Tensor>) -> Result<Tensor> {
    let Some(op) = Sum::new(element, inputs, weight)? else {
        return composite::<E, 3>(inputs, weight);
    };
    Ok(inputs[0].contiguous()?.apply_op3(&inputs[1].contiguous()?, &inputs[2].contiguous()?, op)?)
}

fn composite<E: Element<I>, const I: usize>(inputs: [&Tensor; I], weight: Option<&Tensor>) -> Result<Tensor> {
    let elements = E::composite(inputs)?;
    let elements = match weight {
        Some(weight) => elements.broadcast_mul(&weight.detach())?,
        None => elements,
    };
    Ok(elements.reshape((elements.dim(0)?, ()))?.sum(1)?)
}

struct Sum<E> {
    _element: E,
    weight: Option<Tensor>,
}

impl<E> Sum<E> {
    /// None if an input is not for the fused kernel.
    fn new<const I: usize>(element: E, inputs: [&Tensor; I], weight: Option<&Tensor>) -> Result<Option<Self>>
    where
        E: Element<I>,
    {
        let dims = inputs[0].dims();
        let wrong = |argument, found: &Tensor, expected: String| {
            Err(Error::Shape { operation: E::NAME, argument, found: found.dims().to_vec(), expected })
        };
        if dims.is_empty() || inputs[0].elem_count() == 0 {
            return wrong("first input", inputs[0], "[N, ..sample] with at least one element".into());
        }
        if let Some(other) = inputs.iter().find(|other| other.dims() != dims) {
            return wrong("another input", other, format!("the first input's {dims:?}"));
        }
        if let Some(weight) = weight
            && weight.dims() != dims
            && weight.dims() != &dims[1..]
        {
            return wrong("weight", weight, format!("{dims:?} or {:?}", &dims[1..]));
        }
        if !storage::fused(inputs.into_iter().chain(weight)) {
            return Ok(None);
        }
        let weight = weight.map(|weight| weight.detach().contiguous()).transpose()?;
        Ok(Some(Self { _element: element, weight }))
    }

    /// Runs `read` on the weight's numbers, if there are any.
    fn with_weight<R>(&self, read: impl FnOnce(Option<&[f32]>) -> candle_core::Result<R>) -> candle_core::Result<R> {
        match &self.weight {
            Some(weight) => storage::with(weight, |weight| read(Some(weight))),
            None => read(None),
        }
    }

    fn forward<const I: usize>(&self, inputs: [(&CpuStorage, &Layout); I]) -> candle_core::Result<(CpuStorage, Shape)>
    where
        E: Element<I>,
    {
        let samples = inputs[0].1.dims()[0];
        let mut slices: [&[f32]; I] = [&[]; I];
        for (slice, (storage, layout)) in slices.iter_mut().zip(inputs) {
            *slice = storage::slice(storage, layout)?;
        }
        let width = slices[0].len() / samples;
        let sums = self.with_weight(|weight| {
            Ok(storage::output(samples, |sums| {
                for_each_part(sums, (CHUNK / width).max(1), |first, sums| {
                    for (row, into) in sums.iter_mut().enumerate() {
                        let at = (first + row) * width..(first + row + 1) * width;
                        *into = sum_row::<E, I>(slices.map(|slice| &slice[at.clone()]), part(weight, &at));
                    }
                });
            }))
        })?;
        Ok((CpuStorage::F32(sums), samples.into()))
    }

    /// The gradient of each input that needs one.
    fn backward<const I: usize>(&self, inputs: [&Tensor; I], dy: &Tensor) -> candle_core::Result<[Option<Tensor>; I]>
    where
        E: Element<I>,
    {
        let mut gradients = [const { None }; I];
        for (index, gradient) in gradients.iter_mut().enumerate() {
            if storage::tracked(inputs[index]) {
                let values = self.gradient(index, inputs, dy)?;
                *gradient = Some(Tensor::from_vec(values, inputs[index].shape(), dy.device())?);
            }
        }
        Ok(gradients)
    }

    fn gradient<const I: usize>(&self, index: usize, inputs: [&Tensor; I], dy: &Tensor) -> candle_core::Result<Vec<f32>>
    where
        E: Element<I>,
    {
        let width = inputs[0].elem_count() / dy.elem_count();
        storage::with_all(inputs, |slices| {
            storage::with(dy, |dy| {
                self.with_weight(|weight| {
                    Ok(storage::output(dy.len() * width, |out| {
                        let rows = (CHUNK / width).max(1);
                        for_each_part(out, rows * width, |first, out| {
                            for (row, out) in out.chunks_exact_mut(width).enumerate() {
                                let at = first + row * width..first + (row + 1) * width;
                                let scale = dy[first / width + row];
                                let inputs = slices.map(|slice| &slice[at.clone()]);
                                slope_row::<E, I>(out, inputs, part(weight, &at), scale, index);
                            }
                        });
                    }))
                })
            })
        })
    }
}

/// The weights of elements `at`; those of one sample serve all.
fn part<'a>(weight: Option<&'a [f32]>, at: &std::ops::Range<usize>) -> Option<&'a [f32]> {
    weight.map(|weight| if weight.len() == at.len() { weight } else { &weight[at.clone()] })
}

vectorized! {
    fn sum_row[E: Element<I>, const I: usize][E, I](inputs: [&[f32]; I], weight: Option<&[f32]>) -> f32 {
        let mut lanes = [0.0; LANES];
        let len = inputs[0].len();
        for start in (0..len - len % LANES).step_by(LANES) {
            let mut block = [[0.0; LANES]; I];
            for (block, input) in block.iter_mut().zip(inputs) {
                block.copy_from_slice(&input[start..start + LANES]);
            }
            let mut values = [0.0; LANES];
            for (lane, value) in values.iter_mut().enumerate() {
                *value = E::value(std::array::from_fn(|i| block[i][lane]));
            }
            if let Some(weight) = weight {
                for (value, weight) in values.iter_mut().zip(&weight[start..start + LANES]) {
                    *value *= weight;
                }
            }
            for (lane, value) in lanes.iter_mut().zip(values) {
                *lane += value;
            }
        }
        for index in len - len % LANES..len {
            let value = E::value(std::array::from_fn(|i| inputs[i][index]));
            lanes[index % LANES] += value * weight.map_or(1.0, |weight| weight[index]);
        }
        lanes.iter().sum()
    }
}

vectorized! {
    fn slope_row[E: Element<I>, const I: usize][E, I](
        out: &mut [f32], inputs: [&[f32]; I], weight: Option<&[f32]>, scale: f32, index: usize,
    ) {
        let inputs = inputs.map(|input| &input[..out.len()]);
        let whole = out.len() - out.len() % LANES;
        for start in (0..whole).step_by(LANES) {
            let mut block = [[0.0; LANES]; I];
            for (block, input) in block.iter_mut().zip(inputs) {
                block.copy_from_slice(&input[start..start + LANES]);
            }
            let mut slopes = [[0.0; LANES]; I];
            for lane in 0..LANES {
                let of_lane = E::slopes(std::array::from_fn(|i| block[i][lane]));
                for (slopes, slope) in slopes.iter_mut().zip(of_lane) {
                    slopes[lane] = scale * slope;
                }
            }
            out[start..start + LANES].copy_from_slice(&slopes[index]);
        }
        for (at, out) in out.iter_mut().enumerate().skip(whole) {
            *out = scale * E::slopes(std::array::from_fn(|i| inputs[i][at]))[index];
        }
        if let Some(weight) = weight {
            for (out, weight) in out.iter_mut().zip(weight) {
                *out *= weight;
            }
        }
    }
}

impl<E: Element<2>> CustomOp2 for Sum<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward([(a, a_layout), (b, b_layout)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        self.backward([a, b], dy).map(|[a, b]| (a, b))
    }
}

impl<E: Element<3>> CustomOp3 for Sum<E> {
    fn name(&self) -> &'static str {
        E::NAME
    }

    fn cpu_fwd(
        &self,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
        c: &CpuStorage,
        c_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        self.forward([(a, a_layout), (b, b_layout), (c, c_layout)])
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        c: &Tensor,
        _: &Tensor,
        dy: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        self.backward([a, b, c], dy).map(|[a, b, c]| (a, b, c))
    }
}
