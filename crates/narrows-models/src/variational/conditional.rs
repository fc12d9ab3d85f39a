//! The prior of codes under a condition, `p(z|c) = N(M c, exp(2 S c))` with learned matrices (the prior network of Sohn, Lee & Yan
//! 2015), as a change of variables: what is kept and shared is `ε = (z - M c) / exp(S c)`, whose prior is `N(0, 1)` under
//! every condition.

use candle_core::{DType, Tensor};
use narrows_core::Result;
use narrows_tensor::{Init, Parameters, Scope};

use super::Posterior;
use crate::principal::symmetric_eigen;
use crate::scaling;

/// The largest `|S c|`.
const STEEPEST: f64 = 3.0;
/// Directions of conditions in which they vary less than this share of the most do not count.
const RANK: f64 = 1e-8;

/// Where codes lie under each condition; `N(0, 1)` under none.
#[derive(Clone, Debug)]
pub struct ConditionalPrior {
    mean: Tensor,
    log_deviation: Tensor,
    name: String,
}

impl ConditionalPrior {
    /// Matrices of 0 as the parameters `mean` and `log_deviation`, both `[code, condition]`.
    ///
    /// # Errors
    /// The scope has parameters of these names already.
    pub fn new(code: usize, condition: usize, scope: &Scope) -> Result<Self> {
        let matrix = |name: &str| scope.parameter(name, (code, condition), Init::Constant(0.0));
        let (mean, log_deviation) = (matrix("mean")?, matrix("log_deviation")?);
        Ok(Self { mean, log_deviation, name: scope.full_name("mean") })
    }

    /// Mean and logarithm of the deviation of z under conditions.
    fn of(&self, c: &Tensor) -> Result<(Tensor, Tensor)> {
        let through = |matrix: &Tensor| c.matmul(&matrix.t()?);
        let steep = through(&self.log_deviation)?;
        Ok((through(&self.mean)?, ((steep / STEEPEST)?.tanh()? * STEEPEST)?))
    }

    /// The posterior of ε, from that of z.
    ///
    /// # Shapes
    /// - `c`: `[N, condition]`
    ///
    /// # Errors
    /// The conditions are of another size.
    pub fn relative(&self, z: &Posterior, c: &Tensor) -> Result<Posterior> {
        let (mean, log_deviation) = self.of(c)?;
        let apart = (&z.mean - mean)?;
        Ok(Posterior { mean: (apart * log_deviation.neg()?.exp()?)?, log_var: (&z.log_var - (log_deviation * 2.0)?)? })
    }

    /// The codes z, from ε.
    ///
    /// # Shapes
    /// - `c`: `[N, condition]`
    ///
    /// # Errors
    /// The conditions are of another size.
    pub fn absolute(&self, relative: &Tensor, c: &Tensor) -> Result<Tensor> {
        let (mean, log_deviation) = self.of(c)?;
        Ok(((relative * log_deviation.exp()?)? + mean)?)
    }

    /// Sets M to the least squares' solution of `z ≈ M c`.
    ///
    /// # Shapes
    /// - `z`: `[N, code]`
    /// - `c`: `[N, condition]`
    ///
    /// # Errors
    /// Candle cannot multiply.
    pub fn start(&self, z: &Tensor, c: &Tensor, parameters: &Parameters) -> Result<()> {
        let (z, c) = (z.detach().to_dtype(DType::F64)?, c.to_dtype(DType::F64)?);
        let transposed = c.t()?.contiguous()?;
        let (values, vectors) = symmetric_eigen(transposed.matmul(&c)?.to_vec2()?);
        let largest = values.iter().fold(0.0, |largest: f64, &value| largest.max(value));
        let inverse = |value: f64| if value > RANK * largest { 1.0 / value } else { 0.0 };
        let inverse = Tensor::from_iter(values.into_iter().map(inverse), c.device())?;
        let width = vectors.len();
        let vectors = Tensor::from_vec(vectors.concat(), (width, width), c.device())?;
        let turned = vectors.t()?.contiguous()?.matmul(&transposed.matmul(&z)?)?;
        let solution = vectors.matmul(&turned.broadcast_mul(&inverse.unsqueeze(1)?)?)?;
        let solution = solution.t()?.flatten_all()?.to_vec1::<f64>()?;
        parameters.get(&self.name).map_or(Ok(()), |var| scaling::set(var, &solution))
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn starts_at_the_means_under_each_condition_also_where_conditions_depend_on_each_other() {
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let prior = ConditionalPrior::new(2, 2, &scope).unwrap();
        let rows = |values: &[[f64; 2]]| Tensor::from_vec(values.concat(), (values.len(), 2), &Device::Cpu).unwrap();
        let c = rows(&[[0.5, -0.5], [0.5, -0.5], [-0.5, 0.5], [-0.5, 0.5]]);
        let z = rows(&[[1.0, 3.0], [2.0, 5.0], [-1.0, -3.0], [-2.0, -5.0]]);
        prior.start(&z, &c, &scope.parameters()).unwrap();
        let posterior = Posterior { mean: z.clone(), log_var: z.zeros_like().unwrap() };
        let relative = prior.relative(&posterior, &c).unwrap().mean;
        let found = relative.to_vec2::<f64>().unwrap();
        for (row, expected) in found.iter().zip([[-0.5, -1.0], [0.5, 1.0], [0.5, 1.0], [-0.5, -1.0]]) {
            row.iter().zip(expected).for_each(|(found, expected)| assert!((found - expected).abs() < 1e-12));
        }
        let back = prior.absolute(&relative, &c).unwrap();
        let apart = (back - z).unwrap().abs().unwrap().max_all().unwrap().to_scalar::<f64>().unwrap();
        assert!(apart < 1e-12);
    }
}
