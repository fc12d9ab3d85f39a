//! Codes of an overcomplete dictionary: the few active latents of each row, or all of them where they are not few.

use std::ops::Range;

use candle_core::{DType, Tensor};
use narrows_core::Result;
use narrows_tensor::Activation;
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::sparse::{Active, decode_sparse};

/// The activations of a batch; none is negative, and 0 means inactive.
#[derive(Clone, Debug)]
pub enum Code {
    /// Values and latents of the entries that may be active.
    Few(Active),
    /// All latents, `[N, latents]`.
    All(Tensor),
}

impl Code {
    /// One number for each latent.
    ///
    /// # Shapes
    /// - returns: `[N, latents]`
    ///
    /// # Errors
    /// Candle cannot spread the values.
    pub fn dense(&self, latents: usize) -> Result<Tensor> {
        match self {
            Self::All(values) => Ok(values.clone()),
            Self::Few(Active { values, indices }) => {
                let zeros = Tensor::zeros((values.dim(0)?, latents), values.dtype(), values.device())?;
                Ok(zeros.scatter_add(indices, values, 1)?)
            }
        }
    }

    /// `Σ f_i d_i` over the latents in `part`.
    ///
    /// # Shapes
    /// - `directions`: `[latents, features]`
    /// - returns: `[N, features]`
    ///
    /// # Errors
    /// The code is of other latents.
    pub fn decode(&self, directions: &Tensor, part: &Range<usize>) -> Result<Tensor> {
        let whole = *part == (0..directions.dim(0)?);
        match self {
            Self::All(values) if whole => product(values, directions),
            Self::All(values) => product(
                &values.narrow(1, part.start, part.len())?.contiguous()?,
                &directions.narrow(0, part.start, part.len())?,
            ),
            Self::Few(active) if whole => Ok(decode_sparse(active, directions, None)?),
            Self::Few(Active { values, indices }) => {
                let inside = (indices.ge(part.start as u32)? * indices.lt(part.end as u32)?)?;
                let active = Active { values: (values * inside.to_dtype(values.dtype())?)?, indices: indices.clone() };
                Ok(decode_sparse(&active, directions, None)?)
            }
        }
    }

    /// In how many rows each latent is active.
    ///
    /// # Errors
    /// Candle cannot read the values.
    pub fn counts(&self, latents: usize) -> Result<Vec<u32>> {
        let mut counts = vec![0; latents];
        match self {
            Self::All(values) => {
                let active = values.detach().gt(0.0)?.to_dtype(DType::F32)?.sum(0)?.to_vec1::<f32>()?;
                counts.iter_mut().zip(active).for_each(|(count, active)| *count = active as u32);
            }
            Self::Few(Active { values, indices }) => {
                let values = values.detach().to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
                let indices = indices.flatten_all()?.to_vec1::<u32>()?;
                for (_, index) in values.into_iter().zip(indices).filter(|(value, _)| *value > 0.0) {
                    if let Some(count) = counts.get_mut(index as usize) {
                        *count += 1;
                    }
                }
            }
        }
        Ok(counts)
    }
}

fn product(values: &Tensor, directions: &Tensor) -> Result<Tensor> {
    Ok(linear(values, &directions.t()?, None, Activation::Identity)?)
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn few_and_all_are_the_same_code() {
        let tensor = |values: &[[f64; 2]; 2]| Tensor::new(values, &Device::Cpu).unwrap();
        let indices = Tensor::new(&[[1u32, 3], [0, 0]], &Device::Cpu).unwrap();
        let few = Code::Few(Active { values: tensor(&[[2.0, 1.0], [4.0, 0.0]]), indices });
        let all = Code::All(few.dense(4).unwrap());
        assert_eq!(all.dense(4).unwrap().to_vec2::<f64>().unwrap(), [[0.0, 2.0, 0.0, 1.0], [4.0, 0.0, 0.0, 0.0]]);
        assert_eq!(few.counts(4).unwrap(), [1, 1, 0, 1]);
        assert_eq!(all.counts(4).unwrap(), [1, 1, 0, 1]);
        let directions = Tensor::new(&[[1f64, 0.0], [0.0, 1.0], [5.0, 5.0], [1.0, 1.0]], &Device::Cpu).unwrap();
        for (part, expected) in [(0..4, [[1.0, 3.0], [4.0, 0.0]]), (1..4, [[1.0, 3.0], [0.0, 0.0]])] {
            for code in [&few, &all] {
                assert_eq!(code.decode(&directions, &part).unwrap().to_vec2::<f64>().unwrap(), expected);
            }
        }
    }
}
