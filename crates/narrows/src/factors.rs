//! How well single latents know the factors of data: for rows whose factors are known as columns beside the samples.

use narrows_data::{Any, ColumnData, Subset, in_order};
use narrows_eval::mutual_information_gap;
use narrows_tensor::DType;
use serde::Serialize;

use crate::batches::batch;
use crate::evaluate::ROWS;
use crate::{Error, Model, Result};

/// The mutual information gap of a model's codes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactorFigures {
    /// Samples measured.
    pub rows: usize,
    /// The gap, in `0..=1`: 1 where every factor has a latent of its own.
    pub mutual_information_gap: f64,
    /// The columns of the factors that vary, each with the two latents that know most of it.
    pub factors: Vec<FactorFigure>,
}

/// What the two best latents know of one factor.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactorFigure {
    /// The factor's column.
    pub name: String,
    /// The latent that knows most of it, and its share of the factor's entropy.
    pub best: (usize, f64),
    /// The second best.
    pub second: (usize, f64),
}

/// Measures the codes of `rows` against the columns `names`, which the rows were opened to keep.
///
/// # Errors
/// A column is missing or holds no numbers, the rows cannot be read, or the codes have one value only.
pub fn factors(model: &Model, rows: &Subset<Any>, names: &[String]) -> Result<FactorFigures> {
    let schema = rows.source().schema();
    let place = |name: &String| Ok(schema.require(rows.source().origin(), name)?);
    let places = names.iter().map(place).collect::<Result<Vec<_>>>()?;
    let mut latents = vec![Vec::new(); model.network.spec().code.elements()];
    let mut factors = vec![Vec::new(); names.len()];
    for portion in in_order(rows, &model.preparation, ROWS)?.with_values() {
        let portion = portion?;
        let batch = batch(portion.rows, &model.preparation.layout().dims)?;
        let codes = model.network.encode_given(&batch.x, batch.condition.as_ref())?;
        let codes = codes.flatten_from(1).and_then(|z| z.t()?.to_dtype(DType::F64)?.to_vec2::<f64>());
        for (latent, values) in latents.iter_mut().zip(codes.map_err(narrows_tensor::Error::from)?) {
            latent.extend(values);
        }
        let columns = portion.values.map(|block| block.columns).unwrap_or_default();
        for ((factor, &place), name) in factors.iter_mut().zip(&places).zip(names) {
            match columns.get(place) {
                Some(ColumnData::Numbers(numbers)) => factor.extend(numbers),
                Some(ColumnData::Texts(texts)) => factor.extend(texts.codes.iter().map(|&code| f64::from(code))),
                None => return Err(Error::KeepWindows { name: name.clone() }),
            }
        }
    }
    let rows = factors.first().map_or(0, Vec::len);
    let found = mutual_information_gap(&latents, &factors)?;
    let figure = |(name, shares): (&String, &Vec<f64>)| {
        let mut order: Vec<(usize, f64)> = shares.iter().copied().enumerate().collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let (best, second) = (*order.first()?, *order.get(1)?);
        Some(FactorFigure { name: name.clone(), best, second })
    };
    let factors = names.iter().zip(&found.information).filter_map(figure).collect();
    Ok(FactorFigures { rows, mutual_information_gap: found.gap, factors })
}
