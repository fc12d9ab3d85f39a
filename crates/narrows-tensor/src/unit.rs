//! Matrices whose rows have length 1, such as the directions of a dictionary: gradients without their radial part
//! `g - (g·d) d / |d|²`, and weights scaled back to the unit sphere after an update.

use candle_core::{D, Tensor, Var};

use crate::kernel::parallel::{Shared, for_each, for_each_part};
use crate::kernel::simd::vectorized;
use crate::kernel::sparse::{add_scaled, dot};
use crate::kernel::storage;
use crate::{Error, Result};

/// Elements of the rows of one task.
const TASK: usize = 16 * 1024;

/// Scales each row to length 1; rows of zeros stay.
///
/// # Shapes
/// - `weight`: `[rows, width]`
///
/// # Errors
/// The weight is no matrix.
pub fn normalize_rows(weight: &Var) -> Result<()> {
    let (_, width) = weight.dims2()?;
    if !storage::fused([weight.as_tensor()]) {
        let w = weight.as_detached_tensor();
        let length = w.sqr()?.sum_keepdim(D::Minus1)?.sqrt()?;
        // A row of zeros is divided by one.
        let length = (&length + length.eq(0.0)?.to_dtype(length.dtype())?)?;
        return Ok(weight.set(&w.broadcast_div(&length)?)?);
    }
    Ok(storage::with_mut(weight, |values| {
        for_each_part(values, (TASK / width.max(1)).max(1) * width.max(1), |_, rows| {
            for row in rows.chunks_exact_mut(width.max(1)) {
                let length = dot(row, row).sqrt();
                if length > 0.0 && length.is_finite() {
                    scale(row, 1.0 / length);
                }
            }
        });
        Ok(())
    })?)
}

/// The gradient without its part along each row of the weight; its own memory is used again.
///
/// # Shapes
/// - `gradient`: `[rows, width]`
/// - `weight`: `[rows, width]`
/// - returns: `[rows, width]`
///
/// # Errors
/// The shapes differ, or are no matrices.
pub fn remove_radial(gradient: Tensor, weight: &Var) -> Result<Tensor> {
    let (rows, width) = weight.dims2()?;
    if gradient.dims() != [rows, width] {
        return Err(Error::Shape {
            operation: "remove_radial",
            argument: "gradient",
            found: gradient.dims().to_vec(),
            expected: format!("the weight's {:?}", weight.dims()),
        });
    }
    if !storage::fused([&gradient, weight.as_tensor()]) || !gradient.is_contiguous() {
        let w = weight.as_detached_tensor();
        let along = (&gradient * &w)?.sum_keepdim(D::Minus1)?;
        let square = w.sqr()?.sum_keepdim(D::Minus1)?;
        let square = (&square + square.eq(0.0)?.to_dtype(square.dtype())?)?;
        return Ok((gradient - w.broadcast_mul(&(along / square)?)?)?);
    }
    storage::with(weight.as_tensor(), |weight| {
        storage::with_mut(&gradient, |values| {
            let (each, shared) = ((TASK / width.max(1)).max(1), Shared::new(values));
            for_each(rows.div_ceil(each), |task| {
                for row in task * each..rows.min((task + 1) * each) {
                    // SAFETY: each row is visited once.
                    let gradient = unsafe { shared.part(row * width, width) };
                    let direction = &weight[row * width..][..width];
                    let square = dot(direction, direction);
                    if square > 0.0 {
                        add_scaled(gradient, -dot(gradient, direction) / square, direction);
                    }
                }
            });
            Ok(())
        })
    })?;
    Ok(gradient)
}

vectorized! {
    fn scale(row: &mut [f32], factor: f32) {
        for value in row {
            *value *= factor;
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};

    use super::*;
    use crate::{Key, random};

    fn draw(name: &str, dtype: DType) -> Tensor {
        let values = random::normal(&Key::new(2).named(name), (300, 77), DType::F32, &Device::Cpu).unwrap();
        let kept = Tensor::arange(0u32, 300, &Device::Cpu).unwrap().ne(5u32).unwrap().to_dtype(DType::F32).unwrap();
        values.broadcast_mul(&kept.reshape((300, 1)).unwrap()).unwrap().to_dtype(dtype).unwrap()
    }

    fn furthest(a: &Tensor, b: &Tensor) -> f64 {
        let difference = (a.to_dtype(DType::F64).unwrap() - b.to_dtype(DType::F64).unwrap()).unwrap();
        difference.abs().unwrap().max_all().unwrap().to_scalar().unwrap()
    }

    #[test]
    fn rows_have_length_one_and_zeros_stay() {
        let [fused, exact] = [DType::F32, DType::F64].map(|dtype| {
            let weight = Var::from_tensor(&draw("w", dtype)).unwrap();
            normalize_rows(&weight).unwrap();
            weight
        });
        assert!(furthest(&fused, &exact) < 1e-6);
        let lengths = exact.sqr().unwrap().sum(1).unwrap().to_vec1::<f64>().unwrap();
        assert!(lengths.iter().enumerate().all(|(row, length)| (length - f64::from(u8::from(row != 5))).abs() < 1e-12));
    }

    #[test]
    fn what_is_left_of_a_gradient_is_orthogonal_to_its_row() {
        let [fused, exact] = [DType::F32, DType::F64].map(|dtype| {
            let weight = Var::from_tensor(&draw("w", dtype)).unwrap();
            let left = remove_radial(random_gradient(dtype), &weight).unwrap();
            let along = (&left * weight.as_tensor()).unwrap().sum(1).unwrap();
            assert!(furthest(&along, &along.zeros_like().unwrap()) < 1e-4);
            left
        });
        assert!(furthest(&fused, &exact) < 1e-5);
        let weight = Var::from_tensor(&draw("w", DType::F32)).unwrap();
        assert!(remove_radial(Tensor::zeros((3, 77), DType::F32, &Device::Cpu).unwrap(), &weight).is_err());
    }

    fn random_gradient(dtype: DType) -> Tensor {
        random::normal(&Key::new(3), (300, 77), DType::F32, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    }
}
