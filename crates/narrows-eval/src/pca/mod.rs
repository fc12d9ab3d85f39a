//! Principal component analysis, the baseline beside every model: `z = (x - μ) S V`, `x̂ = z Vᵀ S⁻¹ + μ`.
//!
//! `S` holds the square roots of the metric weights, so that the components minimise the weighted squared error that
//! models are judged by. Up to 4,096 features the covariance is decomposed exactly; above that, its leading subspace is
//! found by randomised iteration (Halko, Martinsson & Tropp 2011).

mod exact;
mod leading;
mod moments;
mod randomised;

pub(crate) use leading::leading;

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};

use crate::{Error, Result};

/// The most features for which the whole covariance is decomposed.
const EXACT: usize = 4096;

/// Fitted principal components.
#[derive(Clone, Debug)]
pub struct Pca {
    mean: Tensor,
    scale: Tensor,
    components: Tensor,
    variances: Vec<f64>,
}

impl Pca {
    /// Fits `components` components of samples with these metric weights; a feature of weight 0 is given back as its mean.
    ///
    /// `pass` calls its argument with every batch of training rows in order; it is called once up to 4,096 features and
    /// several times above.
    ///
    /// # Shapes
    /// - `pass`: gives `[N, ..sample]` with `D` values a sample, one for each weight
    ///
    /// # Errors
    /// The number of components is not in `1..=D`, there are fewer than two rows, a value is not finite, or `pass`
    /// fails.
    pub fn fit<E: From<Error>>(
        components: usize,
        weights: &[f32],
        mut pass: impl FnMut(&mut dyn FnMut(&Tensor) -> Result<()>) -> Result<(), E>,
    ) -> Result<Self, E> {
        let width = weights.len();
        if components == 0 || components > width {
            return Err(Error::Components { components, width }.into());
        }
        let scale: Vec<f32> = weights.iter().map(|weight| weight.sqrt()).collect();
        let scale = Tensor::from_vec(scale, width, &Device::Cpu).map_err(Error::from)?;
        let (mean, basis, variances) = match width {
            ..=EXACT => exact::fit(components, &scale, &mut pass)?,
            _ => randomised::fit(components, &scale, &mut pass)?,
        };
        Ok(Self { mean, scale, components: basis, variances })
    }

    /// The number of components.
    pub fn size(&self) -> usize {
        self.variances.len()
    }

    /// The training variance along each component, largest first, in the weighted metric.
    pub fn variances(&self) -> &[f64] {
        &self.variances
    }

    /// Coordinates along the components.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, K]`
    ///
    /// # Errors
    /// The samples have another number of features.
    pub fn encode(&self, x: &Tensor) -> Result<Tensor> {
        let x = self.rows(x)?;
        let centred = x.broadcast_sub(&self.mean)?.broadcast_mul(&self.scale)?;
        Ok(centred.matmul(&self.components.t()?)?)
    }

    /// The points at coordinates.
    ///
    /// # Shapes
    /// - `z`: `[N, K]`
    /// - returns: `[N, D]`
    ///
    /// # Errors
    /// The codes have another size.
    pub fn decode(&self, z: &Tensor) -> Result<Tensor> {
        Ok(z.matmul(&self.components)?.broadcast_div(&divisor(&self.scale)?)?.broadcast_add(&self.mean)?)
    }

    /// The nearest points in the components' subspace.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The samples have another number of features.
    pub fn reconstruct(&self, x: &Tensor) -> Result<Tensor> {
        Ok(self.decode(&self.encode(x)?)?.reshape(x.shape())?)
    }

    /// As tensors for a file.
    ///
    /// # Shapes
    /// - returns: `mean` `[D]`, `scale` `[D]`, `components` `[K, D]`, `variances` `[K]`
    ///
    /// # Errors
    /// Candle cannot make a tensor.
    pub fn tensors(&self) -> Result<BTreeMap<String, Tensor>> {
        let variances = Tensor::new(self.variances.as_slice(), &Device::Cpu)?;
        let named = [
            ("mean", self.mean.clone()),
            ("scale", self.scale.clone()),
            ("components", self.components.clone()),
            ("variances", variances),
        ];
        Ok(named.into_iter().map(|(name, tensor)| (name.to_owned(), tensor)).collect())
    }

    /// From the tensors of [`Pca::tensors`].
    ///
    /// # Shapes
    /// - `stored`: as [`Pca::tensors`] returns them
    ///
    /// # Errors
    /// One is missing, or their shapes do not fit together.
    pub fn from_tensors(stored: &BTreeMap<String, Tensor>) -> Result<Self> {
        let get = |name: &'static str| stored.get(name).cloned().ok_or(Error::Stored { name });
        let (mean, scale, components) = (get("mean")?, get("scale")?, get("components")?);
        let variances = get("variances")?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
        let width = mean.elem_count();
        if components.dims() != [variances.len(), width] {
            return Err(Error::Stored { name: "components" });
        }
        if scale.dims() != [width] || mean.dims() != [width] {
            return Err(Error::Stored { name: "scale" });
        }
        Ok(Self { mean, scale, components, variances })
    }

    fn rows(&self, x: &Tensor) -> Result<Tensor> {
        let (width, rows) = (self.mean.elem_count(), x.dims().first().copied().unwrap_or(0));
        if x.elem_count() != rows * width {
            let (operation, argument, found) = ("pca", "x", x.dims().to_vec());
            return Err(Error::Shape { operation, argument, found, expected: vec![rows, width] });
        }
        Ok(x.reshape((rows, width))?.to_dtype(DType::F32)?)
    }
}

/// What scaled values are divided by: a feature of weight 0, which never varied, stays at its mean.
fn divisor(scale: &Tensor) -> Result<Tensor> {
    Ok((scale + scale.eq(0f32)?.to_dtype(scale.dtype())?)?)
}

/// One pass over the training batches.
type Pass<'a, E> = dyn FnMut(&mut dyn FnMut(&Tensor) -> Result<()>) -> Result<(), E> + 'a;
