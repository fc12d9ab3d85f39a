//! Quality on held-out rows: the model and, beside it, PCA at the same code size; and how the model uses its code.

use std::collections::BTreeMap;
use std::sync::Arc;

use narrows_core::{Autoencoder, Diagnostic};
use narrows_data::{Preparation, Subset, in_order};
use narrows_eval::{Pca, Quality, ReconstructionError};
use narrows_tensor::{DType, Tensor};
use serde::{Deserialize, Serialize};

use crate::batches::batch;
use crate::{Error, Model, Result};

/// Rows in one batch.
pub(crate) const ROWS: usize = 1_024;

/// Figures of a model and of its baseline on the same rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evaluation {
    /// Which rows: `train`, `validation`, `test` or `all`.
    pub split: String,
    /// Values in a code.
    pub code: usize,
    /// Principal components beside the model: as many as the code has values at a time.
    pub components: usize,
    /// Whether these are all that the data have, so that they give back whatever they are shown and compare with nothing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub complete: bool,
    /// The model's figures.
    pub model: Quality,
    /// The figures of the principal components.
    pub pca: Quality,
    /// For tables the error of each column, mean over the rows in which it was observed.
    pub columns: Vec<ColumnError>,
    /// How the model uses its code, where there is something to watch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnostics: Vec<Diagnostic>,
}

/// The weighted squared error of one column, summed over its features: 1 is as bad as guessing the training mean.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnError {
    /// The column.
    pub name: String,
    /// The model's error.
    pub model: f64,
    /// The error of as many principal components.
    pub pca: f64,
}

/// Each sample's squared error under the model and under PCA, in file order, with the sample's row number.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SampleErrors {
    /// Rows of the source, from 0; for a window its first row.
    pub numbers: Vec<usize>,
    /// Errors of the model.
    pub model: Vec<f64>,
    /// Errors of PCA.
    pub pca: Vec<f64>,
}

/// Measures a loaded model on rows that it was not trained on, or on any others.
///
/// # Errors
/// There are no rows, or they cannot be read or do not fit the model.
pub fn evaluate<K>(model: &Model, rows: &Subset<K>, split: &'static str) -> Result<(Evaluation, SampleErrors)> {
    measure(model.network.as_ref(), &model.baseline, &model.preparation, rows, split)
}

/// Measures `network` and `baseline` on the same rows in one pass.
pub(crate) fn measure<K>(
    network: &(impl Autoencoder + ?Sized),
    baseline: &Pca,
    preparation: &Arc<Preparation>,
    rows: &Subset<K>,
    split: &'static str,
) -> Result<(Evaluation, SampleErrors)> {
    let layout = preparation.layout();
    let sums = || ReconstructionError::new(layout.metric(), layout.unit_interval);
    let (mut of_model, mut of_pca, mut errors) = (sums(), sums(), SampleErrors::default());
    let mut usage = Usage::default();
    for portion in in_order(rows, preparation, ROWS)? {
        let portion = portion?;
        errors.numbers.extend(portion.numbers);
        let batch = batch(portion.rows, &layout.dims)?;
        let (x, observed) = (&batch.x, batch.observed.as_ref());
        errors.model.extend(of_model.add(x, &network.reconstruct_given(x, batch.condition.as_ref())?, observed)?);
        errors.pca.extend(of_pca.add(x, &baseline.reconstruct(x)?, observed)?);
        usage.add(network.usage(x)?)?;
    }
    if errors.numbers.is_empty() {
        return Err(Error::EmptySplit { origin: rows.source().origin().to_owned(), split });
    }
    let columns = columns(preparation, &of_model.by_feature(), &of_pca.by_feature());
    let evaluation = Evaluation {
        split: split.into(),
        code: network.spec().code.elements(),
        components: baseline.size(),
        complete: baseline.size() == layout.width(),
        model: of_model.quality()?,
        pca: of_pca.quality()?,
        columns,
        diagnostics: usage.diagnose(network, errors.numbers.len())?,
    };
    Ok((evaluation, errors))
}

/// Samples below which nothing is said of units that none of them uses.
const FEW: usize = 20;

/// How much the samples so far use each unit of the code; empty for models that do not count.
#[derive(Default)]
struct Usage(Vec<f64>);

impl Usage {
    fn add(&mut self, used: Option<Tensor>) -> Result<()> {
        let Some(used) = used else { return Ok(()) };
        let used =
            used.to_dtype(DType::F64).and_then(|used| used.to_vec1::<f64>()).map_err(narrows_tensor::Error::from)?;
        self.0.resize(used.len(), 0.0);
        self.0.iter_mut().zip(used).for_each(|(sum, used)| *sum += used);
        Ok(())
    }

    fn diagnose(mut self, network: &(impl Autoencoder + ?Sized), samples: usize) -> Result<Vec<Diagnostic>> {
        if self.0.is_empty() {
            return Ok(Vec::new());
        }
        self.0.iter_mut().for_each(|sum| *sum /= samples as f64);
        let mut figures = network.diagnose(&self.0)?;
        if samples < FEW {
            for figure in &mut figures {
                figure.warning = None;
            }
        }
        Ok(figures)
    }
}

/// Features' errors summed by column and averaged over the steps of a window, in the order of columns.
fn columns(preparation: &Preparation, model: &[f64], pca: &[f64]) -> Vec<ColumnError> {
    let layout = preparation.layout();
    if layout.unit_interval || layout.fields.len() < 2 {
        return Vec::new();
    }
    let (width, steps) = (layout.row_width(), layout.steps);
    let sum = |errors: &[f64], range: std::ops::Range<usize>| {
        let all = (0..steps).flat_map(|step| range.clone().map(move |feature| step * width + feature));
        all.map(|feature| errors[feature]).sum::<f64>() / steps as f64
    };
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    let mut columns: Vec<ColumnError> = Vec::new();
    for field in &layout.fields {
        let place = *known.entry(field.name.as_str()).or_insert(columns.len());
        if place == columns.len() {
            columns.push(ColumnError { name: field.name.clone(), model: 0.0, pca: 0.0 });
        }
        columns[place].model += sum(model, field.range.clone());
        columns[place].pca += sum(pca, field.range.clone());
    }
    columns
}
