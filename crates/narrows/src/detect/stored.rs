//! Training rows that a detector keeps: how far a row is from the nearest of them, and how densely they lie around it.

use std::collections::BTreeMap;

use narrows_eval::scorer::{LocalOutlierFactor, Nearest, Neighbour};
use narrows_tensor::{Device, Tensor};

use super::DetectConfig;
use crate::{Error, Result};

/// Stored rows, and how densely they lie where that is part of the score.
#[derive(Clone, Debug)]
pub(super) struct StoredRows {
    nearest: Nearest,
    lof: Option<LocalOutlierFactor>,
}

/// What stored rows say of some rows.
pub(super) struct Surroundings {
    /// The nearest stored row of each, in the shape of the rows.
    pub(super) nearest: Tensor,
    /// The local outlier factor of each.
    pub(super) factors: Option<Vec<f64>>,
}

impl StoredRows {
    /// From the tensors of a model file, or of the rows alone, whose spacings are measured then; none where no rows are
    /// stored.
    pub(super) fn new(
        config: &DetectConfig,
        tensors: &BTreeMap<String, Tensor>,
        weights: &[f32],
    ) -> Result<Option<Self>> {
        let Some(rows) = tensors.get("rows") else { return Ok(None) };
        let nearest = Nearest::new(rows, weights)?;
        let lof = match (config.lof.get(), tensors.get("spacings")) {
            (0, _) => None,
            (k, None) => Some(LocalOutlierFactor::fit(&nearest, k)?),
            (k, Some(spacings)) => {
                let spacings = spacings.to_vec1::<f32>().map_err(narrows_tensor::Error::from)?;
                if spacings.len() != nearest.len() {
                    return Err(Error::Detect { reason: "the stored rows and their spacings differ in number".into() });
                }
                Some(LocalOutlierFactor::restore(k, spacings))
            }
        };
        Ok(Some(Self { nearest, lof }))
    }

    /// What a model file keeps.
    pub(super) fn tensors(&self) -> Vec<(String, Tensor)> {
        let mut tensors = vec![("rows".to_owned(), self.nearest.rows().clone())];
        if let Some(lof) = &self.lof {
            let spacings = Tensor::from_slice(lof.spacings(), lof.spacings().len(), &Device::Cpu);
            tensors.extend(spacings.ok().map(|spacings| ("spacings".to_owned(), spacings)));
        }
        tensors
    }

    /// The rows.
    pub(super) fn nearest(&self) -> &Nearest {
        &self.nearest
    }

    /// What is around each row.
    pub(super) fn around(&self, x: &Tensor, observed: Option<&Tensor>) -> Result<Surroundings> {
        let found = self.nearest.find_several(x, observed, self.k())?;
        let first = |neighbours: &Vec<Neighbour>| neighbours.first().map(|one| one.row as u32);
        let places: Vec<u32> = found.iter().filter_map(first).collect();
        let count = places.len();
        let nearest = Tensor::from_vec(places, count, &Device::Cpu)
            .and_then(|places| self.nearest.rows().index_select(&places, 0)?.reshape(x.shape()))
            .map_err(narrows_tensor::Error::from)?;
        let factors = self.lof.as_ref().map(|lof| found.iter().map(|neighbours| lof.factor(neighbours)).collect());
        Ok(Surroundings { nearest, factors })
    }

    /// The distances of up to `limit` stored rows from the others, and their local outlier factors.
    pub(super) fn usual(&self, limit: usize) -> Result<(Vec<f64>, Option<Vec<f64>>)> {
        let others = self.nearest.others(limit, self.k())?;
        let distances = others.iter().filter_map(|others| Some(others.first()?.distance)).collect();
        let factor = |lof: &LocalOutlierFactor| others.iter().map(|others| lof.factor(others)).collect();
        Ok((distances, self.lof.as_ref().map(factor)))
    }

    /// Nearest rows that are looked for.
    fn k(&self) -> usize {
        self.lof.as_ref().map_or(1, LocalOutlierFactor::k)
    }
}
