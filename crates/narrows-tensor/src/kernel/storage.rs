//! Slices of tensors: borrowed from contiguous f32 storage on the CPU, read-only or for change in place.

use std::cell::RefCell;

use candle_core::{CpuStorage, DType, Error, InplaceOp1, Layout, Result, Storage, Tensor};

/// Whether fused kernels can take all of `tensors`: f32 on the CPU. The one place that chooses.
pub(crate) fn fused<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> bool {
    tensors.into_iter().all(|tensor| tensor.dtype() == DType::F32 && tensor.device().is_cpu())
}

/// The elements of a contiguous layout of `storage`.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(Error::RequiresContiguous { op: "fused kernel" }),
    }
}

/// Runs `read` on the elements of a contiguous f32 tensor.
pub(crate) fn with<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> Result<R>) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => read(slice(storage, layout)?),
        _ => Err(Error::UnexpectedDType { msg: "fused kernel", expected: DType::F32, got: tensor.dtype() })?,
    }
}

/// Runs `change` on the elements of a contiguous f32 tensor, in place.
pub(crate) fn with_mut<R>(tensor: &Tensor, change: impl FnOnce(&mut [f32]) -> Result<R>) -> Result<R> {
    let op = InPlace { change: RefCell::new(Some(change)), result: RefCell::new(None) };
    tensor.inplace_op1(&op)?;
    match op.result.into_inner() {
        Some(result) => result,
        None => Err(Error::RequiresContiguous { op: "fused kernel" }),
    }
}

/// A closure as candle's in-place operation.
struct InPlace<F, R> {
    change: RefCell<Option<F>>,
    result: RefCell<Option<Result<R>>>,
}

impl<R, F: FnOnce(&mut [f32]) -> Result<R>> InplaceOp1 for InPlace<F, R> {
    fn name(&self) -> &'static str {
        "in place"
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            return Err(Error::RequiresContiguous { op: "fused kernel" });
        };
        if let Some(change) = self.change.borrow_mut().take() {
            *self.result.borrow_mut() = Some(change(&mut values[start..end]));
        }
        Ok(())
    }
}

/// A vector of `len` numbers that `fill` writes.
pub(crate) fn output(len: usize, fill: impl FnOnce(&mut [f32])) -> Vec<f32> {
    let mut values: Vec<f32> = Vec::with_capacity(len);
    // SAFETY: the capacity is there, any bits are a number, and `fill` writes each of them before anyone reads it.
    unsafe {
        fill(std::slice::from_raw_parts_mut(values.as_mut_ptr(), len));
        values.set_len(len);
    }
    values
}

/// Whether a gradient has to reach `tensor`: whether it is a variable or depends on one.
pub(crate) fn tracked(tensor: &Tensor) -> bool {
    // Candle's `detach` hands back the same tensor if there is nothing to detach from.
    tensor.detach().id() != tensor.id()
}

/// Runs `read` on the elements of several contiguous f32 tensors.
pub(crate) fn with_all<const I: usize, R>(
    tensors: [&Tensor; I],
    read: impl FnOnce([&[f32]; I]) -> Result<R>,
) -> Result<R> {
    let mut owned = Vec::with_capacity(I);
    for tensor in tensors {
        owned.push(tensor.contiguous()?);
    }
    let guards: Vec<_> = owned.iter().map(Tensor::storage_and_layout).collect();
    let mut slices: [&[f32]; I] = [&[]; I];
    for (into, (storage, layout)) in slices.iter_mut().zip(&guards) {
        let Storage::Cpu(storage) = &**storage else {
            return Err(Error::RequiresContiguous { op: "fused kernel" });
        };
        *into = slice(storage, layout)?;
    }
    read(slices)
}
