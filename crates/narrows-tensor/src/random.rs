//! Random tensors from a [`Key`]: the same key and shape give the same numbers at any thread count.

use candle_core::{DType, Device, Shape, Tensor};
use rand_chacha::rand_core::Rng;

use crate::kernel::math;
use crate::kernel::parallel::for_each_part;
use crate::kernel::simd::vectorized;
use crate::{Key, Result};

/// Numbers that one chunk of the stream holds.
const CHUNK: usize = 4096;

/// Uniform numbers in `0..1`.
///
/// # Shapes
/// - returns: `shape`
///
/// # Errors
/// Candle cannot make the tensor.
pub fn uniform(key: &Key, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    let mut values = vec![0f32; shape.elem_count()];
    fill_uniform(key, &mut values);
    Ok(Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)
}

/// Standard normal numbers.
///
/// # Shapes
/// - returns: `shape`
///
/// # Errors
/// Candle cannot make the tensor.
pub fn normal(key: &Key, shape: impl Into<Shape>, dtype: DType, device: &Device) -> Result<Tensor> {
    let shape = shape.into();
    let mut values = vec![0f32; shape.elem_count()];
    fill_normal(key, &mut values);
    Ok(Tensor::from_vec(values, shape, device)?.to_dtype(dtype)?)
}

/// Fills `values` with uniform numbers in `0..1`.
pub fn fill_uniform(key: &Key, values: &mut [f32]) {
    for_each_part(values, CHUNK, |first, values| {
        let mut generator = key.generator((first / CHUNK) as u64);
        for value in values {
            *value = unit(generator.next_u32());
        }
    });
}

/// Fills `values` with standard normal numbers (Box & Muller 1958).
pub fn fill_normal(key: &Key, values: &mut [f32]) {
    for_each_part(values, CHUNK, |first, values| {
        let mut generator = key.generator((first / CHUNK) as u64);
        let mut words = [0; PAIRS * 2];
        for values in values.chunks_mut(words.len()) {
            words[..values.len().next_multiple_of(2)].fill_with(|| generator.next_u32());
            let normal = box_muller(&words);
            values.copy_from_slice(&normal[..values.len()]);
        }
    });
}

/// Pairs of numbers that are transformed together.
const PAIRS: usize = 32;

vectorized! {
    /// `√(-2 ln r) (cos 2πa, sin 2πa)` for pairs of uniform numbers, `r` from the first word of each and `a` from the second.
    fn box_muller(words: &[u32; PAIRS * 2]) -> [f32; PAIRS * 2] {
        let (mut radius, mut turns) = ([0.0; PAIRS], [0.0; PAIRS]);
        for pair in 0..PAIRS {
            radius[pair] = 1.0 - unit(words[2 * pair]);
            turns[pair] = unit(words[2 * pair + 1]);
        }
        let (mut first, mut second) = ([0.0; PAIRS], [0.0; PAIRS]);
        for pair in 0..PAIRS {
            let radius = (-2.0 * math::ln(radius[pair])).sqrt();
            let (sine, cosine) = math::sine_cosine(turns[pair]);
            (first[pair], second[pair]) = (radius * cosine, radius * sine);
        }
        let mut normal = [0.0; PAIRS * 2];
        for pair in 0..PAIRS {
            (normal[2 * pair], normal[2 * pair + 1]) = (first[pair], second[pair]);
        }
        normal
    }
}

/// The 24 high bits as a number in `0..1`.
#[inline(always)]
fn unit(bits: u32) -> f32 {
    (bits >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_zero_and_variance_one() {
        let values = normal(&Key::new(7), 100_000, DType::F32, &Device::Cpu).unwrap().to_vec1::<f32>().unwrap();
        let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / values.len() as f64;
        assert!(mean.abs() < 0.02, "mean {mean}");
        assert!((variance - 1.0).abs() < 0.02, "variance {variance}");
    }

    #[test]
    fn normal_numbers_are_the_transform_of_the_stream() {
        let (key, mut values) = (Key::new(9), vec![0.0; 4999]);
        fill_normal(&key, &mut values);
        let mut generator = key.generator(0);
        for pair in values[..4096].chunks(2) {
            let [r, a] = [(), ()].map(|()| f64::from(unit(generator.next_u32())));
            let (radius, (sine, cosine)) = ((-2.0 * (1.0 - r).ln()).sqrt(), (std::f64::consts::TAU * a).sin_cos());
            for (value, exact) in pair.iter().zip([radius * cosine, radius * sine]) {
                assert!((f64::from(*value) - exact).abs() < 2e-6, "{value} is not {exact}");
            }
        }
        assert!(values[4096..].iter().all(|value| *value != 0.0));
    }

    #[test]
    fn a_longer_draw_starts_with_the_shorter_one() {
        let (mut short, mut long) = (vec![0.0; 5000], vec![0.0; 9000]);
        fill_normal(&Key::new(1), &mut short);
        fill_normal(&Key::new(1), &mut long);
        assert_eq!(short, long[..5000]);
    }

    #[test]
    fn children_of_a_key_differ() {
        let key = Key::new(3);
        assert_ne!(key.fold(0), key.fold(1));
        assert_ne!(key.named("encoder"), key.named("decoder"));
        assert_ne!(key.fold(0), key);
    }
}
