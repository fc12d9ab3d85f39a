//! Random changes of training samples against over-fitting: moves of pictures and windows, and noise on the input.
//!
//! A move changes input and target alike, so the model learns to code moved samples. Noise changes the input only, so
//! the model learns to code what is left when details are unreliable (Vincent et al. 2008).

use candle_core::Tensor;
use narrows_core::{Batch, Result};
use narrows_tensor::{Key, random};

use crate::corruption::Corruption;

/// How training samples are changed at random.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// What is done to the scaled input and not to the target.
    pub corruption: Option<Corruption>,
    /// The largest move along each axis but the channels, in steps; what moves in repeats the border.
    pub shift: usize,
}

impl Augmentation {
    /// The batch with each sample moved by a random whole number of steps along each axis.
    ///
    /// # Errors
    /// Candle cannot gather the values.
    pub fn moved(&self, batch: &Batch, key: &Key) -> Result<Batch> {
        if self.shift == 0 {
            return Ok(batch.clone());
        }
        let dims = batch.x.dims();
        let (samples, grid) = match dims {
            [n, height, width, _] => (*n, [*height, *width]),
            [n, time, _] => (*n, [*time, 1]),
            _ => return Ok(batch.clone()),
        };
        let mut draws = vec![0f32; 2 * samples];
        random::fill_uniform(key, &mut draws);
        let index = self.index(&draws, grid);
        let index = Tensor::from_vec(index, samples * grid[0] * grid[1], batch.x.device())?;
        let gather = |tensor: &Tensor| -> Result<Tensor> {
            let channels = dims[dims.len() - 1];
            Ok(tensor.reshape(((), channels))?.index_select(&index, 0)?.reshape(dims)?)
        };
        let optional = |tensor: &Option<Tensor>| tensor.as_ref().map(gather).transpose();
        Ok(Batch {
            x: gather(&batch.x)?,
            target: optional(&batch.target)?,
            observed: optional(&batch.observed)?,
            label: batch.label.clone(),
        })
    }

    /// For each place of each moved sample, the place that it shows.
    fn index(&self, draws: &[f32], [height, width]: [usize; 2]) -> Vec<u32> {
        let reach = self.shift as isize;
        let offset = |draw: f32| ((draw * (2 * reach + 1) as f32) as isize).min(2 * reach) - reach;
        let mut index = Vec::with_capacity(draws.len() / 2 * height * width);
        for (sample, pair) in draws.chunks_exact(2).enumerate() {
            let (down, right) = (offset(pair[0]), offset(pair[1]));
            for row in 0..height {
                let row = row.saturating_add_signed(down).min(height - 1);
                for column in 0..width {
                    let column = column.saturating_add_signed(right).min(width - 1);
                    index.push(((sample * height + row) * width + column) as u32);
                }
            }
        }
        index
    }

    /// Scaled input after its corruption.
    ///
    /// # Shapes
    /// - `u`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn corrupted(&self, u: &Tensor, key: &Key) -> Result<Tensor> {
        self.corruption.as_ref().map_or_else(|| Ok(u.clone()), |corruption| corruption.apply(u, key))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_moved_picture_repeats_its_border_and_moves_its_target_alike() {
        let x = Tensor::arange(0f32, 2.0 * 12.0, &Device::Cpu).unwrap().reshape((2, 3, 4, 1)).unwrap();
        let batch = Batch { target: Some((&x * 10.0).unwrap()), ..Batch::new(x.clone()) };
        let augmentation = Augmentation { shift: 1, corruption: None };
        let mut seen = std::collections::BTreeSet::new();
        for step in 0..50 {
            let moved = augmentation.moved(&batch, &Key::new(5).fold(step)).unwrap();
            let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            assert_eq!(flat(&(&moved.x * 10.0).unwrap()), flat(&moved.target.unwrap()));
            let values = moved.x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            // The centre of the first picture shows one of its nine neighbours.
            seen.insert(values[5] as i32);
            assert!(values[..12].iter().all(|&v| v < 12.0) && values[12..].iter().all(|&v| v >= 12.0));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 4, 5, 6, 8, 9, 10]);
    }
}
