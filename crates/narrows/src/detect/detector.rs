//! A fitted detector: what is stored of normal rows, and how a row's evidence becomes a score.
//!
//! Each part gives every column of a row a squared error: the residual of the network (mean over the members of an
//! ensemble; of a network with a distance of its own that distance, or its bound on the likelihood, shared out as the
//! residual is), and where training rows are stored the difference from the nearest of them. A part's size is the norm of its
//! errors, on a scale that training rows give ([`Combination`](narrows_eval::scorer::Combination)); the score is the average
//! of the parts' sizes: 1 is usual where that scale is their mean.

use std::collections::BTreeMap;
use std::ops::Range;

use narrows_core::{Autoencoder, Batch};
use narrows_data::{Family, Layout, Preparation};
use narrows_eval::scorer::Residual;
use narrows_tensor::{DType, Device, Tensor};
use rayon::prelude::*;

use super::Score;
use super::code::{self, KnownCodes};
use super::config::Part;
use super::hidden::Hidden;
use super::record::Record;
use super::rows::Evidence;
use super::stored::StoredRows;
use super::surprise;
use crate::evaluate::ROWS;
use crate::{Error, Result};

/// Prefix of the detector's tensors in the model file.
pub(crate) const PREFIX: &str = "detector.";

/// A detector, ready for rows.
#[derive(Clone, Debug)]
pub struct Detector {
    /// What the document says of it.
    pub record: Record,
    columns: Vec<String>,
    /// Columns of which training knew one value, given as text, or none.
    watched: Vec<(String, Option<String>)>,
    ranges: Vec<Range<usize>>,
    steps: usize,
    residual: Residual,
    /// The distance to a stored row: squared differences in units of each column, whatever the score.
    difference: Residual,
    constant: Option<Tensor>,
    hidden: Option<Hidden>,
    stored: Option<StoredRows>,
    codes: Option<KnownCodes>,
    /// What a score is made of.
    parts: Vec<Part>,
}

impl Detector {
    /// With the tensors of a model file.
    pub(super) fn new(record: Record, preparation: &Preparation, tensors: &BTreeMap<String, Tensor>) -> Result<Self> {
        let watched = preparation.watched().map(|(name, value)| (name.to_owned(), value)).collect();
        Ok(Self { watched, ..Self::of(record, preparation.layout(), tensors)? })
    }

    fn of(record: Record, layout: &Layout, tensors: &BTreeMap<String, Tensor>) -> Result<Self> {
        let (columns, ranges) = columns(layout);
        // A feature that never varied has no weight in training; here it counts in its own unit.
        let weights: Vec<f32> = layout.metric().iter().map(|&w| if w > 0.0 { w } else { 1.0 }).collect();
        let varies: Vec<f32> = layout.metric().iter().map(|&weight| f32::from(u8::from(weight > 0.0))).collect();
        let constant = if varies.contains(&0.0) {
            Some(Tensor::from_vec(varies, layout.dims.as_slice(), &Device::Cpu).map_err(narrows_tensor::Error::from)?)
        } else {
            None
        };
        let width = layout.row_width();
        let shifted =
            |step: usize| ranges.iter().map(move |range| range.start + step * width..range.end + step * width);
        let all: Vec<Range<usize>> = (0..layout.steps).flat_map(shifted).collect();
        let difference = Residual::new(weights.clone(), all.clone(), record.config.power.get())?;
        let residual = if record.residual_variances.is_empty() {
            difference.clone()
        } else {
            deviance(&record, layout, &ranges, all)?
        };
        let (watched, steps) = (Vec::new(), layout.steps);
        let stored = StoredRows::new(&record.config, tensors, &weights)?;
        let passes = record.config.hidden.get();
        let hidden = (passes > 0).then(|| Hidden::new(&layout.dims, &ranges, steps, passes)).transpose()?;
        let parts = record.config.parts();
        let codes = record.config.code.map(|distance| KnownCodes::restore(distance, tensors)).transpose()?;
        Ok(Self {
            record,
            columns,
            watched,
            ranges,
            steps,
            residual,
            difference,
            constant,
            hidden,
            stored,
            codes,
            parts,
        })
    }

    /// From a model file's document and tensors.
    pub(crate) fn restore(
        record: &Record,
        preparation: &Preparation,
        tensors: &BTreeMap<String, Tensor>,
    ) -> Result<Self> {
        let parts = record.config.parts();
        let stored = [(Part::Rows, "rows"), (Part::Lof, "spacings")];
        let together = stored.iter().all(|(part, name)| parts.contains(part) == tensors.contains_key(*name));
        if record.usual.len() != parts.len() || !together {
            return Err(Error::Detect { reason: "the stored rows and their scales do not belong together".into() });
        }
        let (score, width) = (record.config.score, preparation.layout().row_width());
        let expected = if score == Score::Deviance { width } else { 0 };
        if record.residual_variances.len() != expected || (score == Score::Bound) != record.usual_nats.is_some() {
            return Err(Error::Detect { reason: "what the score needs is missing, or of another model".into() });
        }
        Self::new(record.clone(), preparation, tensors)
    }

    /// What the model file keeps besides the record.
    pub(crate) fn tensors(&self) -> BTreeMap<String, Tensor> {
        let mut tensors: BTreeMap<String, Tensor> = self.codes.iter().flat_map(KnownCodes::tensors).collect();
        tensors.extend(self.stored.iter().flat_map(StoredRows::tensors));
        tensors
    }

    /// Names of the columns that evidence is given for.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The number of a column called `name`: those of the evidence, then those that are watched.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        let watched = || self.watched.iter().position(|column| column.0 == name).map(|at| at + self.columns.len());
        self.columns.iter().position(|column| column == name).or_else(watched)
    }

    /// The name of a column.
    pub(super) fn name(&self, column: usize) -> &str {
        let watched = || self.watched.get(column - self.columns.len()).map(|column| column.0.as_str());
        self.columns.get(column).map(String::as_str).or_else(watched).unwrap_or_default()
    }

    /// The one value that a watched column had in training.
    pub(super) fn only_value(&self, column: usize) -> Option<String> {
        self.watched.get(column.checked_sub(self.columns.len())?)?.1.clone()
    }

    /// The same with only those parts that do not compare with stored rows.
    pub(super) fn without_stored(&self) -> Self {
        let mut alone = self.clone();
        (alone.stored, alone.codes) = (None, None);
        alone.parts.retain(|part| matches!(part, Part::Residual | Part::Hidden));
        alone
    }

    /// The stored rows.
    pub(super) fn stored(&self) -> Option<&StoredRows> {
        self.stored.as_ref()
    }

    /// What a score is made of.
    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// What is kept of the codes of training rows.
    pub(super) fn codes(&self) -> Option<&KnownCodes> {
        self.codes.as_ref()
    }

    /// The features of a column within a row.
    pub(super) fn features(&self, column: usize) -> Range<usize> {
        self.ranges[column].clone()
    }

    /// Steps of a sample.
    pub(crate) fn steps(&self) -> usize {
        self.steps
    }

    /// The squared error of each column at each step of each sample, one list for each part.
    pub(crate) fn evidence(&self, network: &(impl Autoencoder + ?Sized), batch: &Batch) -> Result<Evidence> {
        let (x, observed) = (&batch.x, batch.observed.as_ref());
        let residual = self.errors(batch, &reconstructions(network, batch)?)?;
        let mut parts = vec![match self.own_sizes(network, batch)? {
            Some(own) => self.resized(residual, own),
            None => residual,
        }];
        if let Some(hidden) = &self.hidden {
            parts.push(self.errors(batch, &[hidden.predicted(network, x)?])?);
        }
        if let Some(stored) = &self.stored {
            let around = stored.around(x, observed)?;
            let differences = self.difference.errors(x, &around.nearest, observed)?;
            parts.push(differences.clone());
            parts.extend(around.factors.map(|factors| self.resized(differences, factors)));
        }
        if let Some(codes) = &self.codes {
            parts.push(self.resized(parts[0].clone(), codes.distances(&code::encode(network, x)?)?));
        }
        Ok(Evidence { columns: self.columns.len(), parts })
    }

    /// The squared error of each column, mean over several reconstructions.
    fn errors(&self, batch: &Batch, reconstructions: &[Tensor]) -> Result<Vec<f64>> {
        let mut mean: Vec<f64> = Vec::new();
        for x_hat in reconstructions {
            let varying = match &self.constant {
                Some(varies) => &x_hat.broadcast_mul(varies).map_err(narrows_tensor::Error::from)?,
                None => x_hat,
            };
            let errors = self.residual.errors(&batch.x, varying, batch.observed.as_ref())?;
            if mean.is_empty() {
                mean = errors;
            } else {
                mean.iter_mut().zip(errors).for_each(|(sum, error)| *sum += error);
            }
        }
        for error in &mut mean {
            *error /= reconstructions.len() as f64;
        }
        Ok(mean)
    }

    /// Gives each sample's errors a size from elsewhere; they then only say which columns it comes from.
    fn resized(&self, mut errors: Vec<f64>, sizes: Vec<f64>) -> Vec<f64> {
        let columns = self.columns.len();
        for (sample, size) in errors.chunks_exact_mut(columns * self.steps).zip(sizes) {
            sample.chunks_exact_mut(columns).for_each(|errors| self.residual.resize(errors, size));
        }
        errors
    }

    /// The size that the model itself gives each sample, if it does.
    fn own_sizes(&self, network: &(impl Autoencoder + ?Sized), batch: &Batch) -> Result<Option<Vec<f64>>> {
        if let Some(usual) = self.record.usual_nats {
            let nats = surprise::nats(network, batch, self.record.config.codes.get())?;
            return Ok(Some(nats.into_iter().map(|nats| usual.size(nats)).collect()));
        }
        let Some(own) = network.strangeness(&batch.x)? else { return Ok(None) };
        let own = own.to_dtype(DType::F64).and_then(|own| own.to_vec1::<f64>()).map_err(narrows_tensor::Error::from)?;
        Ok(Some(own.into_iter().map(|own| own.max(0.0).sqrt()).collect()))
    }

    /// The size of each part of one row's evidence.
    pub(super) fn sizes(&self, parts: &[&[f64]]) -> impl Iterator<Item = f64> {
        self.parts.iter().zip(parts).map(|(part, errors)| match part.plain() {
            true => errors.iter().sum::<f64>().sqrt(),
            false => self.residual.norm(errors),
        })
    }

    /// The size of each part of one row's evidence, on the scale of training rows.
    fn scaled(&self, parts: &[&[f64]]) -> impl Iterator<Item = f64> {
        let scale = self.record.config.combine;
        self.sizes(parts).zip(&self.record.usual).map(move |(size, usual)| usual.on(scale, size))
    }

    /// The score of one row's evidence.
    pub(crate) fn score(&self, parts: &[&[f64]]) -> f64 {
        self.record.config.combine.average(self.scaled(parts))
    }

    /// The score of each row of evidence.
    pub(crate) fn scores(&self, evidence: &Evidence) -> Vec<f64> {
        (0..evidence.rows()).into_par_iter().with_min_len(ROWS / 16).map(|row| self.score(&evidence.row(row))).collect()
    }

    /// Each column's share of the score of one row; the shares sum to 1.
    pub(crate) fn contributions(&self, parts: &[&[f64]]) -> Vec<f64> {
        let mut shares = vec![0.0; self.columns.len()];
        for (part, (errors, size)) in self.parts.iter().zip(parts.iter().zip(self.scaled(parts))) {
            let power = if part.plain() { 1.0 } else { self.record.config.power.get() };
            let largest = errors.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
            let each: Vec<f64> = errors.iter().map(|error| (error / largest).powf(power)).collect();
            let total: f64 = each.iter().sum();
            shares.iter_mut().zip(each).for_each(|(share, one)| *share += size * one / total.max(f64::MIN_POSITIVE));
        }
        let total: f64 = shares.iter().sum();
        for share in &mut shares {
            *share /= total.max(f64::MIN_POSITIVE);
        }
        shares
    }
}

/// The reconstructions of a batch: of each member of an ensemble, of a model with a condition under that.
fn reconstructions(network: &(impl Autoencoder + ?Sized), batch: &Batch) -> Result<Vec<Tensor>> {
    Ok(match &batch.condition {
        None => network.reconstructions(&batch.x)?,
        condition => vec![network.reconstruct_given(&batch.x, condition.as_ref())?],
    })
}

/// The residual under which the deviance is the score: numbers in units of their usual residual, flags and categories by
/// their probability.
fn deviance(record: &Record, layout: &Layout, ranges: &[Range<usize>], columns: Vec<Range<usize>>) -> Result<Residual> {
    let weights: Vec<f32> = record.residual_variances.iter().map(|variance| 1.0 / variance).collect();
    let probabilities = |range: &Range<usize>| {
        let families =
            layout.fields.iter().filter(|field| range.contains(&field.range.start)).map(|field| field.family);
        let mut families = families.peekable();
        families.peek().is_some() && families.all(|family| family != Family::Gaussian)
    };
    let of_row: Vec<bool> = ranges.iter().map(probabilities).collect();
    let residual = Residual::new(weights.repeat(layout.steps), columns, record.config.power.get())?;
    Ok(residual.with_probabilities(of_row.repeat(layout.steps))?)
}

/// Columns in the order of their first features, each with all of its features.
fn columns(layout: &Layout) -> (Vec<String>, Vec<Range<usize>>) {
    if layout.unit_interval || layout.fields.is_empty() {
        return (vec!["values".into()], std::iter::once(0..layout.row_width()).collect());
    }
    layout.fields.iter().map(|field| (field.name.clone(), field.range.clone())).unzip()
}

#[cfg(test)]
mod tests {
    use super::*;
    use narrows_data::Field;
    use narrows_eval::scorer::UsualSizes;

    use super::super::DetectConfig;

    fn layout(steps: usize) -> Layout {
        let field = |name: &str, range| Field { name: name.into(), range, family: Family::Gaussian };
        let fields = vec![field("a", 0..1), field("b", 1..3)];
        Layout {
            dims: vec![3],
            steps,
            fields,
            weights: vec![1.0, 1.0, 0.0],
            unit_interval: false,
            reals: narrows_data::Reals::Any,
        }
    }

    fn detector(power: f64) -> Detector {
        let (power, neighbours) = (super::super::Power::new(power).unwrap(), super::super::Neighbours::new(1).unwrap());
        let config = DetectConfig { neighbours, power, ..DetectConfig::default() };
        let usual = vec![UsualSizes::of(&[2.0]), UsualSizes::of(&[4.0])];
        let rows = Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap();
        let record = Record { usual, unseen: 10.0, ..Record::new(config) };
        Detector::of(record, &layout(1), &BTreeMap::from([("rows".into(), rows)])).unwrap()
    }

    #[test]
    fn the_score_is_the_mean_size_and_contributions_are_its_shares() {
        let detector = detector(1.0);
        let parts: [&[f64]; 2] = [&[9.0, 16.0], &[0.0, 64.0]];
        // Sizes 5 / 2 and 8 / 4.
        assert_eq!(detector.score(&parts), 2.25);
        let shares = detector.contributions(&parts);
        assert!((shares[0] - 2.5 * 9.0 / 25.0 / 4.5).abs() < 1e-12 && (shares[0] + shares[1] - 1.0).abs() < 1e-12);
    }

    #[test]
    fn the_scale_of_the_parts_is_the_one_asked_for() {
        let mut detector = detector(1.0);
        let parts: [&[f64]; 2] = [&[4.0, 0.0], &[0.0, 64.0]];
        // Sizes 2 and 8 beside the only training sizes 2 and 4: as strange as half of one, and twice beyond the largest.
        detector.record.config.combine = narrows_eval::scorer::Combination::Rank;
        assert_eq!(detector.score(&parts), f64::midpoint(0.5, 2.0));
        detector.record.config.combine = narrows_eval::scorer::Combination::PValue;
        assert!((detector.score(&parts) - f64::midpoint(0.0, 2.0 * 2f64.ln())).abs() < 1e-12);
        // In units of their means the sizes are 1 and 2, but for what counts as nothing.
        detector.record.config.combine = narrows_eval::scorer::Combination::Geometric;
        assert!((detector.score(&parts) - 2f64.sqrt()).abs() < 0.01);
    }

    #[test]
    fn a_higher_power_blames_the_strangest_column_more() {
        let parts: [&[f64]; 2] = [&[9.0, 16.0], &[0.0, 0.0]];
        assert!(detector(3.0).contributions(&parts)[1] > detector(1.0).contributions(&parts)[1]);
    }
}
