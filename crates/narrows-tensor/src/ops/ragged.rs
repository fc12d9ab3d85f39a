//! Sparse codes with another number of active latents in each row: the largest of a whole batch, or those above a bound.
//!
//! Rows are as long as the longest one: shorter ones are filled up with latent 0 at [`PADDING`], which every activation with
//! a threshold turns into 0, so that no layer reads them and no gradient passes.

use std::sync::{Arc, OnceLock};

use candle_core::{CpuStorage, CustomOp3, D, DType, Device, Layout, Shape, Tensor};

use crate::kernel::epilogue::Rows;
use crate::kernel::gemm::{self, Matrix, Size};
use crate::kernel::lists::Lists;
use crate::kernel::parallel::{Shared, for_each_part};
use crate::kernel::scratch::Scratch;
use crate::kernel::select::{BLOCK, block_maxima};
use crate::kernel::sparse::Entries;
use crate::kernel::storage;
use crate::ops::linear::{check_bias, linear};
use crate::ops::sparse::Active;
use crate::{Activation, Error, Result, gradients};

/// The value of entries that fill a row up: far below every threshold, and finite.
pub const PADDING: f32 = -1e30;

/// Rows of one task.
const ROWS: usize = 8;
/// Latents of a row that usually lie above their bounds.
const EXPECTED: usize = 64;

/// Which latents of a batch are active.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The largest positive ones of the batch, this many together (Bussmann, Leask & Nanda 2024). `NaN` counts as the
    /// largest; of equal numbers the first ones are taken.
    Largest(usize),
    /// Those above a bound, one for each latent.
    Above(Arc<[f32]>),
}

/// `x Wᵀ + b` of the chosen latents of each row, ascending by latent, filled up with [`PADDING`]. Gradients reach only the
/// chosen latents.
///
/// # Shapes
/// - `x`: `[N, in]`
/// - `weight`: `[latents, in]`
/// - `bias`: `[latents]`
/// - returns: `[N, longest]`, at least one column
///
/// # Errors
/// The shapes do not fit together, `x` is empty, or there is not one bound for each latent.
pub fn encode_chosen(x: &Tensor, weight: &Tensor, bias: &Tensor, choice: &Choice) -> Result<Active> {
    let wrong = |argument, found: &Tensor, expected: String| {
        Err(Error::Shape { operation: "encode_chosen", argument, found: found.dims().to_vec(), expected })
    };
    let &[latents, inputs] = weight.dims() else { return wrong("weight", weight, "[latents, in]".into()) };
    if x.rank() != 2 || x.dims()[1] != inputs || x.elem_count() == 0 {
        return wrong("x", x, format!("[N, {inputs}] with at least one row"));
    }
    check_bias("encode_chosen", Some(bias), latents)?;
    if latents == 0 {
        return wrong("weight", weight, format!("[latents, {inputs}] with at least one latent"));
    }
    if let Choice::Above(bounds) = choice
        && bounds.len() != latents
    {
        return wrong("weight", weight, format!("{} latents, one for each bound", bounds.len()));
    }
    if !storage::fused([x, weight, bias]) {
        return composite(&linear(x, weight, Some(bias), Activation::Identity)?, choice);
    }
    let indices = Arc::new(OnceLock::new());
    let op = Encode { choice: choice.clone(), indices: indices.clone() };
    let values = x.contiguous()?.apply_op3(&weight.contiguous()?, &bias.contiguous()?, op)?;
    match indices.get() {
        Some(indices) => Ok(Active { values, indices: indices.clone() }),
        None => Err(candle_core::Error::RequiresContiguous { op: "encode_chosen" })?,
    }
}

fn composite(dense: &Tensor, choice: &Choice) -> Result<Active> {
    let (rows, latents) = dense.dims2()?;
    let values = dense.detach().to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
    let padded = Padded::new(&chosen(&values, latents, choice));
    let indices = Tensor::from_vec(padded.columns, (rows, padded.width), dense.device())?;
    let kept: Vec<u8> = padded.values.iter().map(|&value| u8::from(value != PADDING)).collect();
    let kept = Tensor::from_vec(kept, (rows, padded.width), dense.device())?;
    let values = dense.contiguous()?.gather(&indices, D::Minus1)?;
    let padding = values.zeros_like()?.affine(0.0, f64::from(PADDING))?;
    Ok(Active { values: kept.where_cond(&values, &padding)?, indices })
}

/// The chosen entries of each row and their columns, ascending.
fn chosen(dense: &[f32], latents: usize, choice: &Choice) -> Lists {
    match choice {
        Choice::Largest(count) => largest(dense, latents, *count),
        Choice::Above(bounds) => Lists::new(dense.len() / latents, EXPECTED, |row, chosen| {
            let row = &dense[row * latents..][..latents];
            let above =
                row.iter().zip(bounds.iter()).enumerate().filter(|(_, (value, bound))| value.is_nan() || value > bound);
            chosen.extend(above.map(|(column, (&value, _))| (value, column as u32)));
        }),
    }
}

/// As in [`crate::kernel::select`], over the whole batch: maxima of blocks bound the smallest chosen entry from below.
fn largest(dense: &[f32], latents: usize, count: usize) -> Lists {
    let blocks = latents.div_ceil(BLOCK);
    let mut maxima = vec![0.0; dense.len() / latents * blocks];
    for_each_part(&mut maxima, ROWS * blocks, |first, part| {
        for (at, maxima) in part.chunks_exact_mut(blocks).enumerate() {
            block_maxima(&dense[(first / blocks + at) * latents..][..latents], maxima);
        }
    });
    let mut bound = f32::MIN_POSITIVE;
    if (1..maxima.len()).contains(&count) {
        let mut sorted = maxima.clone();
        let (_, nth, _) = sorted.select_nth_unstable_by(count - 1, |a, b| b.total_cmp(a));
        bound = bound.max(*nth);
    }
    let key = |value: f32| if value.is_nan() { f32::INFINITY } else { value };
    let rows = dense.len() / latents;
    let mut lists = Lists::new(rows, 2 * count.div_ceil(rows), |number, chosen| {
        let row = &dense[number * latents..][..latents];
        for (block, _) in maxima[number * blocks..][..blocks].iter().enumerate().filter(|(_, max)| **max >= bound) {
            let start = block * BLOCK;
            let part = row[start..latents.min(start + BLOCK)].iter().enumerate();
            chosen.extend(part.filter(|(_, value)| key(**value) >= bound).map(|(at, &v)| (v, (start + at) as u32)));
        }
    });
    let found = lists.len();
    if found > count {
        let mut keys = Vec::with_capacity(found);
        keys.extend(lists.entries().map(|(value, _)| key(value)));
        let cut = match count.checked_sub(1) {
            Some(last) => *keys.select_nth_unstable_by(last, |a, b| b.total_cmp(a)).1,
            None => f32::INFINITY,
        };
        let above = keys.iter().filter(|key| **key > cut).count();
        let mut equal = count.saturating_sub(above);
        lists.retain(|value| {
            let kept = key(value) > cut || (key(value) == cut && equal > 0);
            equal -= usize::from(kept && key(value) == cut);
            kept
        });
    }
    lists
}

/// Lists of different length as a matrix.
struct Padded {
    width: usize,
    values: Vec<f32>,
    columns: Vec<u32>,
}

impl Padded {
    fn new(lists: &Lists) -> Self {
        let width = lists.rows().map(<[_]>::len).max().unwrap_or(0).max(1);
        let count = lists.rows().count();
        let (mut values, mut columns) = (vec![PADDING; count * width], vec![0; count * width]);
        for (row, chosen) in lists.rows().enumerate() {
            for (at, &(value, column)) in chosen.iter().enumerate() {
                values[row * width + at] = value;
                columns[row * width + at] = column;
            }
        }
        Self { width, values, columns }
    }
}

struct Encode {
    choice: Choice,
    /// Filled by the forward pass.
    indices: Arc<OnceLock<Tensor>>,
}

impl CustomOp3 for Encode {
    fn name(&self) -> &'static str {
        "encode_chosen"
    }

    fn cpu_fwd(
        &self,
        x: &CpuStorage,
        x_layout: &Layout,
        weight: &CpuStorage,
        weight_layout: &Layout,
        bias: &CpuStorage,
        bias_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let (x, weight) = (storage::slice(x, x_layout)?, storage::slice(weight, weight_layout)?);
        let bias = Some(storage::slice(bias, bias_layout)?);
        let (latents, inputs) = weight_layout.shape().dims2()?;
        let size = Size { rows: x.len() / inputs, columns: latents, depth: inputs };
        let mut dense = Scratch::new(size.rows * latents);
        let offset = |row: usize| row * latents;
        let target = Rows { out: Shared::new(&mut dense), offset, bias, activation: Activation::Identity, add: false };
        gemm::product(size, &Matrix::rows(x, inputs), &Matrix::rows(weight, inputs), &target);
        let padded = Padded::new(&chosen(&dense, latents, &self.choice));
        let shape = Shape::from((size.rows, padded.width));
        let indices = Tensor::from_vec(padded.columns, &shape, &Device::Cpu)?;
        self.indices.get_or_init(|| indices);
        Ok((CpuStorage::F32(padded.values), shape))
    }

    fn bwd(
        &self,
        x: &Tensor,
        weight: &Tensor,
        bias: &Tensor,
        values: &Tensor,
        dvalues: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let ((latents, inputs), k) = (weight.dims2()?, values.dim(1)?);
        let columns = match self.indices.get() {
            Some(indices) => indices.flatten_all()?.to_vec1::<u32>()?,
            None => Vec::new(),
        };
        let mut g = dvalues.flatten_all()?.to_vec1::<f32>()?;
        storage::with(values, |values| {
            g.iter_mut().zip(values).filter(|(_, value)| **value == PADDING).for_each(|(g, _)| *g = 0.0);
            Ok(())
        })?;
        let entries = Entries { k, columns: &columns, values: &g };
        let dweight = match storage::tracked(weight) {
            false => None,
            true => storage::with(x, |x| {
                gradients::write(weight, |into, add| {
                    entries.transposed(latents, x, inputs, into, add);
                })
            })?,
        };
        let dbias = match storage::tracked(bias) {
            false => None,
            true => gradients::write(bias, |into, add| entries.column_sums(into, add))?,
        };
        let dx = match storage::tracked(x) {
            false => None,
            true => Some(storage::with(weight, |weight| {
                let dx = storage::output(x.elem_count(), |dx| entries.multiply(weight, inputs, None, dx));
                Tensor::from_vec(dx, x.shape(), x.device())
            })?),
        };
        Ok((dx, dweight, dbias))
    }
}
