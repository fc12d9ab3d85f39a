//! Slices of tensors: borrowed from contiguous f32 storage on the CPU, read-only or for change in place.

use std::cell::RefCell;

use candle_core::{CpuStorage, DType, InplaceOp1, Layout, Storage, Tensor};

use crate::Result;

/// Whether fused kernels can take all of `tensors`: f32 on the CPU. The one place that chooses.
pub(crate) fn fused<'a>(tensors: impl IntoIterator<Item = &'a Tensor>) -> bool {
    tensors.into_iter().all(|tensor| tensor.dtype() == DType::F32 && tensor.device().is_cpu())
}

/// The elements of a contiguous layout of `storage`.
pub(crate) fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> candle_core::Result<&'a [f32]> {
    match (storage, layout.contiguous_offsets()) {
        (CpuStorage::F32(values), Some((start, end))) => Ok(&values[start..end]),
        _ => Err(candle_core::Error::RequiresContiguous { op: "fused kernel" }),
    }
}

/// Runs `read` on the elements of a contiguous f32 tensor.
pub(crate) fn with<R>(tensor: &Tensor, read: impl FnOnce(&[f32]) -> R) -> Result<R> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(read(slice(storage, layout)?)),
        _ => {
            Err(candle_core::Error::UnexpectedDType { msg: "fused kernel", expected: DType::F32, got: tensor.dtype() })?
        }
    }
}

/// Runs `change` on the elements of a contiguous f32 tensor, in place.
pub(crate) fn with_mut<R>(tensor: &Tensor, change: impl FnOnce(&mut [f32]) -> Result<R>) -> Result<R> {
    let op = InPlace { change: RefCell::new(Some(change)), result: RefCell::new(None) };
    tensor.inplace_op1(&op)?;
    match op.result.into_inner() {
        Some(result) => result,
        None => Err(candle_core::Error::RequiresContiguous { op: "fused kernel" })?,
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

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let (CpuStorage::F32(values), Some((start, end))) = (storage, layout.contiguous_offsets()) else {
            return Err(candle_core::Error::RequiresContiguous { op: "fused kernel" });
        };
        if let Some(change) = self.change.borrow_mut().take() {
            *self.result.borrow_mut() = Some(change(&mut values[start..end]));
        }
        Ok(())
    }
}
