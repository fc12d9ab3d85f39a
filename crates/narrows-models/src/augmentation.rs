//! Random changes of training samples against over-fitting: moves and deformations of pictures and windows, and noise on
//! the input.
//!
//! Moves and deformations change input and target alike, so the model learns to code such samples. Noise changes the input only, so
//! the model learns to code what is left when details are unreliable (Vincent et al. 2008).

use candle_core::{DType, Tensor};
use narrows_core::{Batch, Result, StepContext};
use narrows_tensor::{Key, random};

use crate::config::{Deform, Shift};
use crate::corruption::Process;
use crate::deformation::Deformation;
use crate::scaling::Scaling;
use crate::{DataSpec, Error};

/// The share of a run after which samples are no longer deformed: the model ends on samples as they are.
const DEFORMED: f64 = 0.85;

/// How training samples are changed at random.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Augmentation {
    /// What is done to the input and not to the target.
    pub corruption: Option<Process>,
    /// The largest move along each axis but the channels, in steps; what moves in repeats the border.
    pub shift: usize,
    /// How samples are bent.
    pub deformation: Option<Deformation>,
}

/// What one sample is: `[height, width, channels]`; a window is one pixel wide.
fn grid(dims: &[usize]) -> Option<[usize; 3]> {
    match *dims {
        [_, height, width, channels] => Some([height, width, channels]),
        [_, time, channels] => Some([time, 1, channels]),
        _ => None,
    }
}

impl Augmentation {
    /// From a variant's options.
    pub fn new(corruption: Option<Process>, shift: &Shift, deform: &Deform, data: &DataSpec) -> Self {
        let longest = data.sample.as_slice().iter().rev().skip(1).copied().max().unwrap_or(1);
        let deformation = (*deform.get() > 0.0).then(|| Deformation::of(*deform.get(), longest));
        Self { corruption, shift: *shift.get(), deformation }
    }

    /// The batch as this step is to see it: each sample moved and deformed by a random map of its own.
    ///
    /// # Errors
    /// Candle cannot gather the values.
    pub fn changed(&self, batch: &Batch, at: &StepContext) -> Result<Batch> {
        let moved = self.moved(batch, &at.key.named("shift"))?;
        let early = (at.step as f64) < DEFORMED * at.steps as f64;
        match self.deformation.zip(grid(batch.x.dims())) {
            Some((deformation, grid)) if early => deformed(&moved, deformation, grid, &at.key.named("deformation")),
            _ => Ok(moved),
        }
    }

    /// The batch with each sample moved by a random whole number of steps along each axis.
    ///
    /// # Errors
    /// Candle cannot gather the values.
    fn moved(&self, batch: &Batch, key: &Key) -> Result<Batch> {
        if self.shift == 0 {
            return Ok(batch.clone());
        }
        let dims = batch.x.dims();
        let Some([height, width, _]) = grid(dims) else { return Ok(batch.clone()) };
        let (samples, grid) = (dims[0], [height, width]);
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
            condition: batch.condition.clone(),
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

    /// The input as networks see it: corrupted and scaled.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn corrupted(&self, x: &Tensor, scaling: &Scaling, key: &Key) -> Result<Tensor> {
        self.corruption.as_ref().map_or_else(|| scaling.input(x), |corruption| corruption.apply(x, scaling, key))
    }
}

/// Moves and deformations need an axis along which places are neighbours.
///
/// # Errors
/// The samples have none, and an option asks for one.
pub fn check_moves(model: &'static str, shift: &Shift, deform: &Deform, data: &DataSpec) -> Result<(), Error> {
    if data.sample.as_slice().len() > 1 {
        return Ok(());
    }
    let misfit = |option: &'static str, value: String| {
        let reason = "rows of a table have no neighbouring places to move to".into();
        Err(Error::Misfit { model, option, value, reason, remedy: format!("set {option} = 0") })
    };
    match (*shift.get(), *deform.get()) {
        (0, deform) if deform <= 0.0 => Ok(()),
        (0, deform) => misfit("deform", deform.to_string()),
        (shift, _) => misfit("shift", shift.to_string()),
    }
}

/// All tensors of a batch under the same maps, sample by sample.
fn deformed(batch: &Batch, deformation: Deformation, grid: [usize; 3], key: &Key) -> Result<Batch> {
    let deform = |tensor: &Tensor| -> Result<Tensor> {
        let values = tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1::<f32>()?;
        let values = deformation.apply(&values, grid, key);
        Ok(Tensor::from_vec(values, tensor.shape(), tensor.device())?.to_dtype(tensor.dtype())?)
    };
    let optional = |tensor: &Option<Tensor>| tensor.as_ref().map(deform).transpose();
    Ok(Batch {
        x: deform(&batch.x)?,
        target: optional(&batch.target)?,
        observed: optional(&batch.observed)?,
        condition: batch.condition.clone(),
    })
}

/// The batch with each value drawn as 0 or 1, the intensities being probabilities (Salakhutdinov & Murray 2008).
///
/// # Errors
/// Candle cannot draw the values.
pub fn binarised(batch: &Batch, key: &Key) -> Result<Batch> {
    let threshold = random::uniform(key, batch.x.shape(), batch.x.dtype(), batch.x.device())?;
    let draw = |intensity: &Tensor| -> Result<Tensor> { Ok(threshold.lt(intensity)?.to_dtype(intensity.dtype())?) };
    let target = batch.target.as_ref().map(draw).transpose()?;
    Ok(Batch { x: draw(&batch.x)?, target, ..batch.clone() })
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn a_moved_picture_repeats_its_border_and_moves_its_target_alike() {
        let x = Tensor::arange(0f32, 2.0 * 12.0, &Device::Cpu).unwrap().reshape((2, 3, 4, 1)).unwrap();
        let batch = Batch { target: Some((&x * 10.0).unwrap()), ..Batch::new(x.clone()) };
        let augmentation = Augmentation { shift: 1, ..Augmentation::default() };
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
