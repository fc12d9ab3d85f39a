//! The label as a condition: what a sample is known to be before it is looked at.
//!
//! One of several values becomes as many features, 1 for the value and 0 for the others, less the share that each has in
//! the training rows; a number becomes one feature of training mean 0 and deviation 1. So 0 throughout is what is known of
//! a sample whose condition is missing or was never seen in training.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::PrepareConfig;
use super::statistics::{Levels, Numbers, Statistics};
use crate::table::boolean;
use crate::{Column, ColumnData, ColumnKind, Error, Result, Schema, TableError, Texts};

/// Whole numbers with at most as many distinct values name classes.
const CLASSES: usize = 32;
/// Quantiles that are kept of a number.
const QUANTILES: usize = 256;

/// A column that samples are conditioned on, fitted on training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    name: String,
    kind: ColumnKind,
    values: Values,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
enum Values {
    Levels(Vec<Level>),
    Number { mean: f64, deviation: f64, quantiles: Vec<f64> },
}

/// One of several values, with its share of the training rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Level {
    name: String,
    share: f64,
}

/// The value of a condition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Given {
    /// One of several values, by its place.
    Level(usize),
    /// A number.
    Number(f64),
    /// Missing, or never seen in training.
    Unknown,
}

impl Condition {
    /// Fits the condition to the statistics of `column` over the training rows of `origin`.
    pub(super) fn fit(column: &Column, statistics: Statistics, config: &PrepareConfig, origin: &str) -> Result<Self> {
        let refuse = |found: String, advice: &str| {
            Err(Error::Condition { origin: origin.into(), name: column.name.clone(), found, advice: advice.into() })
        };
        let values = match statistics {
            Statistics::Numbers(Numbers { sample, .. }) if sample.is_empty() => {
                return refuse("holds no value".into(), "name another column with --label");
            }
            Statistics::Numbers(numbers) => Values::of_numbers(numbers, column.kind),
            Statistics::Levels(levels) => match Values::of_levels(&levels, config.max_levels.get()) {
                Some(values) => values,
                None => {
                    let found = format!("holds {} different values", levels.counts.len());
                    return refuse(found, "name a column with fewer values, or raise data.prepare.max_levels");
                }
            },
            Statistics::Skipped => {
                return refuse("holds texts or times".into(), "name a column of numbers or categories with --label");
            }
        };
        if values.single() {
            return refuse("has one value only".into(), "name a column of several values with --label");
        }
        Ok(Self { name: column.name.clone(), kind: column.kind, values })
    }

    /// The column's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The number of features.
    #[must_use]
    pub fn width(&self) -> usize {
        match &self.values {
            Values::Levels(levels) => levels.len(),
            Values::Number { .. } => 1,
        }
    }

    /// The column as it is written beside samples.
    #[must_use]
    pub fn column(&self) -> Column {
        Column::kept(self.name.clone(), self.kind)
    }

    /// The condition that `text` names.
    ///
    /// # Errors
    /// [`Error::Condition`] where training knew no such value.
    pub fn parse(&self, text: &str) -> Result<Given> {
        let refuse = |advice: String| Error::Condition {
            origin: "the condition".into(),
            name: self.name.clone(),
            found: format!("has no value `{text}`"),
            advice,
        };
        match &self.values {
            Values::Levels(levels) => self.level(text).map(Given::Level).ok_or_else(|| {
                let names: Vec<&str> = levels.iter().map(|level| level.name.as_str()).collect();
                let nearest =
                    crate::nearest(text, names.iter().copied()).map(|name| format!(" (did you mean `{name}`?)"));
                refuse(format!("choose one of {}{}", names.join(", "), nearest.unwrap_or_default()))
            }),
            Values::Number { quantiles, .. } => {
                let (low, high) = ends(quantiles);
                // As far again as the training rows reach, a model may follow a trend.
                let known = low - (high - low)..=high + (high - low);
                match text.parse::<f64>() {
                    Ok(number) if number.is_finite() && known.contains(&number) => Ok(Given::Number(number)),
                    _ => {
                        Err(refuse(format!("training rows hold {low} to {high}; give a number in or near that range")))
                    }
                }
            }
        }
    }

    /// The condition below which a share of `quantile` of the training rows lies.
    #[must_use]
    pub fn at(&self, quantile: f64) -> Given {
        match &self.values {
            Values::Levels(levels) => {
                let mut left = quantile;
                let reached = levels.iter().position(|level| {
                    left -= level.share;
                    left < 0.0
                });
                Given::Level(reached.unwrap_or(levels.len().saturating_sub(1)))
            }
            Values::Number { quantiles, .. } => {
                let place = quantile.clamp(0.0, 1.0) * quantiles.len().saturating_sub(1) as f64;
                // A number of the training rows, not one between them: it has their digits.
                Given::Number(quantiles.get(place.round() as usize).or(quantiles.last()).copied().unwrap_or(0.0))
            }
        }
    }

    /// The features of conditions, `[given, width]`.
    #[must_use]
    pub fn features(&self, given: &[Given]) -> Vec<f32> {
        let width = self.width();
        let mut features = vec![0.0; given.len() * width];
        for (features, given) in features.chunks_exact_mut(width).zip(given) {
            match (&self.values, given) {
                (Values::Levels(levels), Given::Level(own)) => {
                    for (place, (feature, level)) in features.iter_mut().zip(levels).enumerate() {
                        *feature = (f64::from(u8::from(place == *own)) - level.share) as f32;
                    }
                }
                (Values::Number { mean, deviation, .. }, Given::Number(number)) => {
                    features[0] = super::number::soft((number - mean) / deviation, super::number::usual_bend()) as f32;
                }
                _ => {}
            }
        }
        features
    }

    /// Conditions as the values of a column.
    #[must_use]
    pub fn values(&self, given: &[Given]) -> ColumnData {
        match (&self.values, self.kind) {
            (Values::Levels(levels), ColumnKind::Category | ColumnKind::Text) => {
                let names = levels.iter().map(|level| Arc::from(level.name.as_str())).collect();
                let code = |given: &Given| match given {
                    Given::Level(place) => *place as u32,
                    _ => Texts::MISSING,
                };
                ColumnData::Texts(Texts { codes: given.iter().map(code).collect(), levels: names })
            }
            (Values::Levels(levels), kind) => {
                let number = |given: &Given| match given {
                    Given::Level(place) => levels.get(*place).and_then(|level| level.number(kind)).unwrap_or(f64::NAN),
                    _ => f64::NAN,
                };
                ColumnData::Numbers(given.iter().map(number).collect())
            }
            (Values::Number { .. }, _) => {
                let number = |given: &Given| if let Given::Number(number) = given { *number } else { f64::NAN };
                ColumnData::Numbers(given.iter().map(number).collect())
            }
        }
    }

    /// The column's place in `schema`.
    ///
    /// # Errors
    /// There is no such column.
    pub fn place(&self, schema: &Schema, origin: &str) -> Result<usize> {
        schema.position(&self.name).ok_or_else(|| {
            let names = schema.columns.iter().map(|column| column.name.as_str());
            let nearest = crate::nearest(&self.name, names).map(str::to_owned);
            let (origin, name) = (origin.into(), self.name.clone());
            TableError::MissingColumn { origin, name, nearest, others: Vec::new() }.into()
        })
    }

    /// The conditions that a column's values are.
    #[must_use]
    pub fn read(&self, values: &ColumnData) -> Vec<Given> {
        let number = |value: f64| match &self.values {
            Values::Levels(levels) => {
                let place = levels.iter().position(|level| level.number(self.kind) == Some(value));
                place.map_or(Given::Unknown, Given::Level)
            }
            Values::Number { .. } if value.is_finite() => Given::Number(value),
            Values::Number { .. } => Given::Unknown,
        };
        match values {
            ColumnData::Numbers(numbers) => numbers.iter().map(|value| number(*value)).collect(),
            ColumnData::Texts(texts) => {
                let levels: Vec<Given> =
                    texts.levels.iter().map(|text| self.parse(text).unwrap_or(Given::Unknown)).collect();
                texts.codes.iter().map(|code| levels.get(*code as usize).copied().unwrap_or(Given::Unknown)).collect()
            }
        }
    }

    fn level(&self, text: &str) -> Option<usize> {
        let Values::Levels(levels) = &self.values else { return None };
        let by_name = levels.iter().position(|level| level.name == text);
        let number = || {
            let number = match self.kind {
                ColumnKind::Boolean => boolean(text.as_bytes())?,
                _ => text.parse::<f64>().ok()?,
            };
            levels.iter().position(|level| level.number(self.kind) == Some(number))
        };
        by_name.or_else(number)
    }
}

impl Level {
    /// The number that the level stands for.
    fn number(&self, kind: ColumnKind) -> Option<f64> {
        match (kind, self.name.as_str()) {
            (ColumnKind::Boolean, "false") => Some(0.0),
            (ColumnKind::Boolean, "true") => Some(1.0),
            (_, name) => name.parse().ok(),
        }
    }
}

/// The first and the last of quantiles.
fn ends(quantiles: &[f64]) -> (f64, f64) {
    (quantiles.first().copied().unwrap_or(0.0), quantiles.last().copied().unwrap_or(0.0))
}

impl Values {
    /// Whether all training rows have the same.
    fn single(&self) -> bool {
        match self {
            Self::Levels(levels) => levels.len() < 2,
            Self::Number { quantiles, .. } => ends(quantiles).0 == ends(quantiles).1,
        }
    }

    fn of_levels(counted: &Levels, most: usize) -> Option<Self> {
        let present = counted.present();
        if counted.counts.is_empty() || counted.counts.len() > most || counted.uncounted > 0 {
            return None;
        }
        let level =
            |(name, count): (&Arc<str>, &u64)| Level { name: name.to_string(), share: *count as f64 / present as f64 };
        Some(Self::Levels(counted.counts.iter().map(level).collect()))
    }

    fn of_numbers(Numbers { moments, mut sample, .. }: Numbers, kind: ColumnKind) -> Self {
        sample.sort_by(f64::total_cmp);
        let mut distinct: Vec<(f64, usize)> = Vec::new();
        for &value in &sample {
            let more = distinct.len() <= CLASSES;
            match distinct.last_mut() {
                Some((last, count)) if *last == value => *count += 1,
                _ if more => distinct.push((value, 1)),
                _ => break,
            }
        }
        if distinct.len() <= CLASSES && distinct.iter().all(|(value, _)| value.fract() == 0.0) {
            let name = |value: f64| match kind {
                ColumnKind::Boolean => (value >= 0.5).to_string(),
                _ => value.to_string(),
            };
            let share = |count: usize| count as f64 / sample.len() as f64;
            let levels = distinct.iter().map(|(value, count)| Level { name: name(*value), share: share(*count) });
            return Self::Levels(levels.collect());
        }
        let deviation = moments.variance().sqrt();
        let usable = deviation.is_finite() && deviation > 0.0;
        let place = |knot: usize| knot * (sample.len() - 1) / (QUANTILES - 1);
        Self::Number {
            mean: moments.mean,
            deviation: if usable { deviation } else { 1.0 },
            quantiles: (0..QUANTILES).map(|knot| sample[place(knot)]).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(values: &[f64]) -> Result<Condition> {
        let places: Vec<usize> = (0..values.len()).collect();
        let statistics = Statistics::Numbers(Numbers::of(values, &places, &places));
        Condition::fit(&Column::label("y", ColumnKind::Number), statistics, &PrepareConfig::default(), "t")
    }

    fn numbers(values: &[f64]) -> Condition {
        fit(values).unwrap()
    }

    #[test]
    fn one_value_is_no_condition() {
        for values in [[3.0, 3.0], [2.5, 2.5]] {
            let message = fit(&values).unwrap_err().to_string();
            assert!(message.contains("`y` has one value only") && message.contains("--label"), "{message}");
        }
    }

    #[test]
    fn few_whole_numbers_are_classes_whose_features_have_mean_zero() {
        let values = [3.0, 3.0, 7.0, 3.0];
        let condition = numbers(&values);
        assert_eq!(condition.width(), 2);
        let given = condition.read(&ColumnData::Numbers(values.to_vec()));
        let features = condition.features(&given);
        assert_eq!(features, [0.25, -0.25, 0.25, -0.25, -0.75, 0.75, 0.25, -0.25]);
        assert_eq!(condition.parse("7").unwrap(), Given::Level(1));
        assert_eq!(condition.at(0.74), Given::Level(0));
        assert_eq!(condition.at(0.76), Given::Level(1));
        let unknown = condition.read(&ColumnData::Numbers(vec![f64::NAN, 5.0]));
        assert_eq!(condition.features(&unknown), [0.0; 4]);
        assert_eq!(condition.values(&given), ColumnData::Numbers(values.to_vec()));
        let message = condition.parse("4").unwrap_err().to_string();
        assert!(message.contains("`y`") && message.contains("choose one of 3, 7"), "{message}");
    }

    #[test]
    fn other_numbers_are_standardised_and_drawn_from_their_quantiles() {
        let values: Vec<f64> = (0..1000).map(|row| f64::from(row) / 10.0).collect();
        let condition = numbers(&values);
        let features = condition.features(&condition.read(&ColumnData::Numbers(values)));
        let mean = features.iter().sum::<f32>() / 1000.0;
        let square = features.iter().map(|x| x * x).sum::<f32>() / 1000.0;
        assert!(mean.abs() < 1e-4 && (square - 1.0).abs() < 1e-3, "{mean}, {square}");
        assert!(matches!(condition.at(0.5), Given::Number(median) if (median - 50.0).abs() < 0.5));
        assert_eq!([condition.at(0.0), condition.at(1.0)], [Given::Number(0.0), Given::Number(99.9)]);
        assert_eq!(condition.parse("150").unwrap(), Given::Number(150.0));
        for far in ["1e30", "-100", "NaN", "much"] {
            let message = condition.parse(far).unwrap_err().to_string();
            assert!(message.contains("hold 0 to 99.9"), "{message}");
        }
    }
}
