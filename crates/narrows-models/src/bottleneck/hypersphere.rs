//! The bottleneck of one-class models: codes of usual samples are drawn to a centre that does not move.
//!
//! Ruff et al. 2018, Deep One-Class Classification: after pre-training as an autoencoder, the centre `c` is the mean of the
//! codes in a forward pass, no component of it near 0, since weights of 0 would reach such a one; `d(x) = |f(x) - c|²` is how
//! strange a sample is. A soft boundary of radius `R` leaves a share `nu` of the samples outside.

use candle_core::{DType, Tensor};
use narrows_core::{Loss, Result, StepContext, Update};
use narrows_tensor::{Buffer, Parameters, Scope};

use super::{Bottleneck, Coded};

/// Smallest distance of the centre's components from 0, as in the authors' implementation.
const LEAST: f64 = 0.1;
/// The centre is taken in one of this many parts of the pre-training, the last.
const PARTS: u64 = 10;
/// Share of the steps behind the pre-training in which a boundary has no radius yet.
const WARMUP: f64 = 0.1;

/// Codes around a centre.
#[derive(Clone, Debug)]
pub struct Hypersphere {
    code: usize,
    /// Share of the run before the codes are drawn together.
    pretraining: f64,
    /// Share of the samples that may lie outside; without it there is no boundary.
    outside: Option<f64>,
    centre: Buffer,
    radius: Buffer,
}

/// What is learnt at a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Phase {
    /// Encoder and decoder reconstruct.
    Pretraining,
    /// The encoder stands still while the mean of its codes is taken, from as many batches `before` this one.
    Settling {
        /// Batches already in the mean.
        before: u64,
        /// Whether this one is the last.
        last: bool,
    },
    /// Codes are drawn to the centre; `share` of this phase is done.
    Enclosing {
        /// From 0 to 1.
        share: f64,
    },
}

impl Hypersphere {
    /// Buffers `centre` and `radius` at 0: no centre yet.
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn new(code: usize, pretraining: f64, outside: Option<f64>, scope: &Scope) -> Result<Self> {
        let zeros = |count: usize| Tensor::zeros(count, scope.dtype(), scope.device());
        let (centre, radius) = (scope.buffer("centre", &zeros(code)?)?, scope.buffer("radius", &zeros(1)?)?);
        Ok(Self { code, pretraining, outside, centre, radius })
    }

    /// What is learnt at a step.
    pub fn phase(&self, at: &StepContext) -> Phase {
        let pretraining = (self.pretraining * at.steps as f64).ceil() as u64;
        let settling = pretraining.div_ceil(PARTS);
        if at.step + settling < pretraining {
            Phase::Pretraining
        } else if at.step < pretraining {
            Phase::Settling { before: at.step + settling - pretraining, last: at.step + 1 == pretraining }
        } else {
            let rest = at.steps.saturating_sub(pretraining).max(1);
            Phase::Enclosing { share: (at.step - pretraining) as f64 / rest as f64 }
        }
    }

    /// Whether the centre was taken: one that was has no component at 0.
    ///
    /// # Errors
    /// Candle cannot read it.
    pub fn settled(&self) -> Result<bool> {
        Ok(self.centre.value().to_dtype(DType::F64)?.to_vec1::<f64>()?.iter().all(|component| *component != 0.0))
    }

    /// `|h - c|²`.
    ///
    /// # Shapes
    /// - `h`: `[N, code]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The codes are of another size.
    pub fn distance(&self, h: &Tensor) -> Result<Tensor> {
        Ok(h.broadcast_sub(self.centre.value())?.sqr()?.sum(1)?)
    }

    /// What is made small: the distance, or with a boundary `R² + max(0, d - R²) / nu`.
    ///
    /// # Shapes
    /// - `h`: `[N, code]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The codes are of another size.
    pub fn cost(&self, h: &Tensor) -> Result<Tensor> {
        let distance = self.distance(h)?;
        let Some(outside) = self.outside else { return Ok(distance) };
        let square = self.radius.value().sqr()?;
        let beyond = narrows_tensor::Activation::Relu.apply(&distance.broadcast_sub(&square)?)?;
        Ok((beyond / outside)?.broadcast_add(&square)?)
    }

    /// The distance that the share `nu` of a batch exceeds, interpolated between its two nearest.
    fn radius(&self, h: &Tensor, outside: f64) -> Result<Update> {
        let mut distances = self.distance(h)?.to_dtype(DType::F64)?.sqrt()?.to_vec1::<f64>()?;
        distances.sort_by(f64::total_cmp);
        let place = (1.0 - outside) * (distances.len() - 1) as f64;
        let below = distances[place as usize];
        let above = distances[(place as usize + 1).min(distances.len() - 1)];
        let radius = below + (above - below) * place.fract();
        Ok(Update::new(&self.radius, like(&[radius], &self.radius)?))
    }
}

/// Numbers as a buffer holds them.
fn like(values: &[f64], buffer: &Buffer) -> Result<Tensor> {
    Ok(Tensor::new(values, buffer.value().device())?.to_dtype(buffer.value().dtype())?)
}

impl Bottleneck for Hypersphere {
    fn hidden(&self) -> usize {
        self.code
    }

    fn code(&self) -> usize {
        self.code
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(h.clone())
    }

    /// Behind pre-training the decoder reads the codes as they are: its error does not change the encoder.
    fn train(&self, h: &Tensor, at: &StepContext) -> Result<Coded> {
        let (z, updates) = match self.phase(at) {
            Phase::Pretraining => (h.clone(), Vec::new()),
            Phase::Settling { before, last } => {
                let (z, centre) = (h.detach(), self.centre.value());
                let mut mean = (centre + ((z.mean(0)? - centre)? / (before + 1) as f64)?)?;
                if last {
                    mean = self.away_from_zero(&mean)?;
                }
                (z, vec![Update::new(&self.centre, mean)])
            }
            Phase::Enclosing { share } => {
                let z = h.detach();
                let outside = self.outside.filter(|_| share >= WARMUP);
                let updates = outside.map(|outside| self.radius(&z, outside)).transpose()?;
                (z, updates.into_iter().collect())
            }
        };
        Ok(Coded { z, terms: Loss::default(), updates })
    }

    /// Without pre-training the centre is the mean of the first codes.
    fn start(&self, h: &Tensor, parameters: &Parameters) -> Result<()> {
        if let Some(var) = parameters.buffer(self.centre.name()).filter(|_| self.pretraining == 0.0) {
            var.set(&self.away_from_zero(&h.mean(0)?)?)?;
        }
        Ok(())
    }

    fn strangeness(&self, h: &Tensor) -> Result<Option<Tensor>> {
        self.distance(h).map(Some)
    }
}

impl Hypersphere {
    /// The centre with components of at least [`LEAST`] on their side of 0.
    fn away_from_zero(&self, centre: &Tensor) -> Result<Tensor> {
        let components = centre.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let away = |component: f64| if component < 0.0 { component.min(-LEAST) } else { component.max(LEAST) };
        like(&components.into_iter().map(away).collect::<Vec<_>>(), &self.centre)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::Key;

    use super::*;

    fn sphere(pretraining: f64, outside: Option<f64>) -> (Hypersphere, Scope) {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        (Hypersphere::new(2, pretraining, outside, &scope).unwrap(), scope)
    }

    fn codes(rows: &[[f64; 2]]) -> Tensor {
        Tensor::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap()
    }

    fn at(step: u64) -> StepContext {
        StepContext { step, steps: 100, key: Key::new(0) }
    }

    /// Takes a step with these codes; the buffers' new values.
    fn step(sphere: &Hypersphere, scope: &Scope, number: u64, h: &[[f64; 2]]) -> usize {
        let updates = sphere.train(&codes(h), &at(number)).unwrap().updates;
        for update in &updates {
            scope.parameters().buffer(&update.name).unwrap().set(&update.value).unwrap();
        }
        updates.len()
    }

    #[test]
    fn the_centre_is_the_mean_of_the_last_pretrained_codes_and_stays() {
        let (sphere, scope) = sphere(0.2, None);
        assert_eq!(step(&sphere, &scope, 17, &[[9.0, 9.0]]), 0);
        step(&sphere, &scope, 18, &[[1.0, -0.02], [3.0, 0.0]]);
        step(&sphere, &scope, 19, &[[5.0, 0.0]]);
        // The second component's mean is -0.005, too near 0.
        assert_eq!(sphere.centre.value().to_vec1::<f64>().unwrap(), [3.5, -0.1]);
        assert_eq!(step(&sphere, &scope, 20, &[[9.0, 9.0]]), 0);
        let far = codes(&[[3.5, -0.1], [6.5, 3.9]]);
        let distances = sphere.strangeness(&far).unwrap().unwrap().to_vec1::<f64>().unwrap();
        assert!(distances[0] < 1e-24 && (distances[1] - 25.0).abs() < 1e-12, "{distances:?}");
    }

    #[test]
    fn a_boundary_leaves_its_share_outside_and_counts_only_what_is_beyond() {
        let (sphere, scope) = sphere(0.0, Some(0.25));
        scope.parameters().buffer("centre").unwrap().set(&Tensor::new(&[1.0f64, 0.0], &Device::Cpu).unwrap()).unwrap();
        let rows = [[2.0, 0.0], [3.0, 0.0], [4.0, 0.0], [6.0, 0.0], [9.0, 0.0]];
        assert_eq!(step(&sphere, &scope, 9, &rows), 0);
        assert_eq!(step(&sphere, &scope, 10, &rows), 1);
        assert_eq!(sphere.radius.value().to_vec1::<f64>().unwrap(), [5.0]);
        let cost = sphere.cost(&codes(&rows)).unwrap().to_vec1::<f64>().unwrap();
        assert_eq!(cost, [25.0, 25.0, 25.0, 25.0, 25.0 + 4.0 * (64.0 - 25.0)]);
    }
}
