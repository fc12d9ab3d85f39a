//! From a column's statistics to its features, their fields and their weights in the metric.

use super::config::{NumberScaling, PrepareConfig, Tails};
use super::layout::{Family, Field};
use super::mass::Mass;
use super::note::Remark;
use super::notices::Held;
use super::number::Scale;
use super::statistics::{Levels, Moments, Numbers, Statistics};
use super::table::{Code, TableColumn};
use crate::{Column, ColumnKind};

/// The smallest variance that a missing-value indicator is weighted by: a single missing cell among many rows must not
/// outweigh everything else.
const INDICATOR_VARIANCE: f64 = 0.01;

/// A column's features, or why it has none; and a remark.
pub(super) struct Plan {
    pub(super) column: Option<TableColumn>,
    pub(super) weights: Vec<f32>,
    pub(super) remark: Option<Remark>,
    /// What a column that is left out held, where another value would be new.
    pub(super) held: Option<Held>,
}

impl Plan {
    fn dropped(remark: Remark) -> Self {
        Self { column: None, weights: Vec::new(), remark: Some(remark), held: None }
    }

    /// Left out because it holds one value or none.
    fn uninformative(held: Held) -> Self {
        let remark = if held == Held::Nothing { Remark::AllMissing } else { Remark::Constant };
        Self { held: Some(held), ..Self::dropped(remark) }
    }

    /// The features of `column`.
    pub(super) fn of(column: &Column, statistics: Statistics, config: &PrepareConfig) -> Self {
        match (column.kind, statistics) {
            (ColumnKind::Number, Statistics::Numbers(numbers)) => {
                Self::number(column, numbers, config.numbers, config.tails)
            }
            (ColumnKind::Boolean, Statistics::Numbers(numbers)) => Self::boolean(column, &numbers),
            (ColumnKind::Category, Statistics::Levels(levels)) => {
                Self::category(column, &levels, config.max_levels.get())
            }
            (ColumnKind::Time, _) => Self::dropped(Remark::Time),
            _ => Self::dropped(Remark::FreeText),
        }
    }

    fn number(column: &Column, numbers: Numbers, scaling: NumberScaling, tails: Tails) -> Self {
        let Numbers { moments, missing, mut sample } = numbers;
        if let Some(held) = single(&moments) {
            return Self::uninformative(held);
        }
        sample.sort_by(f64::total_cmp);
        let (scale, remark) = scale(&moments, &sample, scaling, tails);
        let linear = matches!(&scale, Scale::Linear { shift, unit, bend }
            if (moments.max - shift) / unit <= *bend && (moments.min - shift) / unit >= -bend);
        let variance = match &scale {
            Scale::Linear { unit, .. } if linear => moments.variance() / (unit * unit),
            scale => Moments::of(sample.iter().map(|x| scale.apply(*x))).variance(),
        };
        let fill = scale.apply(moments.mean) as f32;
        let indicator = missing > 0;
        let mut weights = vec![inverse(variance)];
        weights.extend(indicator.then(|| indicator_weight(&moments, missing)));
        let code = Code::Number { scale, fill, indicator };
        let mut plan = Self::kept(column, code, weights, remark);
        if let Some(kept) = plan.column.as_mut() {
            kept.whole = moments.whole.then_some([moments.min, moments.max]);
            kept.mass = Mass::of(&sample);
        }
        plan
    }

    fn boolean(column: &Column, numbers: &Numbers) -> Self {
        let Numbers { moments, missing, .. } = numbers;
        if let Some(held) = single(moments) {
            return Self::uninformative(held);
        }
        let indicator = *missing > 0;
        let mut weights = vec![inverse(moments.variance())];
        weights.extend(indicator.then(|| indicator_weight(moments, *missing)));
        Self::kept(column, Code::Boolean { fill: moments.mean as f32, indicator }, weights, None)
    }

    fn category(column: &Column, counted: &Levels, max_levels: usize) -> Self {
        let (present, distinct) = (counted.present(), counted.counts.len() as u64);
        let missing = counted.missing > 0;
        if present == 0 {
            return Self::uninformative(Held::Nothing);
        }
        if let (Some((level, _)), 1, 0, false) =
            (counted.counts.first_key_value(), distinct, counted.uncounted, missing)
        {
            return Self::uninformative(Held::Level(level.as_ref().to_owned()));
        }
        if present >= 20 && (distinct * 10 >= present * 9 || counted.uncounted * 2 > present) {
            return Self::dropped(Remark::Identifier);
        }
        let mut by_frequency = counted.by_frequency();
        let mut pooled = counted.uncounted;
        let other = by_frequency.len() > max_levels || pooled > 0;
        if other {
            pooled += by_frequency.split_off((max_levels - 1).min(by_frequency.len())).iter().map(|l| l.1).sum::<u64>();
        }
        let rows = (present + counted.missing) as f64;
        let mut counts: Vec<u64> = by_frequency.iter().map(|level| level.1).collect();
        counts.extend(other.then_some(pooled));
        counts.extend(missing.then_some(counted.missing));
        let share = |count: &u64| *count as f64 / rows;
        let variance: f64 = counts.iter().map(|count| share(count) * (1.0 - share(count))).sum();
        let levels: Vec<String> = by_frequency.iter().map(|level| level.0.to_owned()).collect();
        let remark = other.then_some(Remark::Pooled { kept: levels.len() });
        let weights = vec![inverse(variance); counts.len()];
        Self::kept(column, Code::Category { levels, other, missing }, weights, remark)
    }

    fn kept(column: &Column, code: Code, weights: Vec<f32>, remark: Option<Remark>) -> Self {
        let column = TableColumn { name: column.name.clone(), kind: column.kind, code, whole: None, mass: None };
        Self { column: Some(column), weights, remark, held: None }
    }
}

/// The fields of `column`, whose features start at `at`.
pub(super) fn fields(column: &TableColumn, at: usize) -> Vec<Field> {
    let field = |name: String, range, family| Field { name, range, family };
    let end = at + column.code.width();
    let (family, indicator) = match column.code {
        Code::Number { indicator, .. } => (Family::Gaussian, indicator),
        Code::Boolean { indicator, .. } => (Family::Bernoulli, indicator),
        Code::Category { .. } => (Family::Categorical, false),
    };
    let own = end - usize::from(indicator);
    let mut fields = vec![field(column.name.clone(), at..own, family)];
    fields.extend(indicator.then(|| field(format!("{} (missing)", column.name), own..end, Family::Bernoulli)));
    fields
}

/// The one value of a column, or that it has none.
fn single(moments: &Moments) -> Option<Held> {
    match moments.count {
        0.0 => Some(Held::Nothing),
        _ if moments.min == moments.max => Some(Held::Number(moments.min)),
        _ => None,
    }
}

fn inverse(variance: f64) -> f32 {
    match (1.0 / variance) as f32 {
        weight if weight.is_finite() => weight,
        _ => 0.0,
    }
}

fn indicator_weight(moments: &Moments, missing: u64) -> f32 {
    let share = missing as f64 / (moments.count + missing as f64);
    inverse((share * (1.0 - share)).max(INDICATOR_VARIANCE))
}

fn scale(moments: &Moments, sorted: &[f64], scaling: NumberScaling, tails: Tails) -> (Scale, Option<Remark>) {
    let (bulk, heavy) = match tails {
        Tails::Logarithmic => bulk(moments, sorted),
        Tails::Linear => (*moments, false),
    };
    let bend = tails.bend();
    let range = moments.max / 2.0 - moments.min / 2.0;
    let deviation = bulk.variance().sqrt();
    let unit = if deviation.is_finite() && deviation > 0.0 { deviation } else { range };
    let remark = heavy.then_some(Remark::HeavyTails);
    match scaling {
        NumberScaling::Standardise => (Scale::Linear { shift: bulk.mean, unit, bend }, remark),
        NumberScaling::MinMax => {
            let unit = moments.max - moments.min;
            let unit = if unit.is_finite() { unit } else { f64::MAX };
            (Scale::Linear { shift: moments.min, unit, bend }, None)
        }
        NumberScaling::QuantileNormal if sorted.is_empty() => (Scale::Linear { shift: bulk.mean, unit, bend }, remark),
        NumberScaling::QuantileNormal => (Scale::quantile(sorted, unit), None),
        NumberScaling::Counts | NumberScaling::UnitInterval => (Scale::Itself { reals: scaling.reals() }, None),
    }
}

/// The moments with 0.5 % clipped at each end where these make the deviation more than four times as large, else all.
fn bulk(moments: &Moments, sorted: &[f64]) -> (Moments, bool) {
    const CLIPPED: f64 = 0.005;
    const RATIO: f64 = 4.0;
    let clipped = ((sorted.len() as f64 * CLIPPED).round() as usize).max(1);
    if sorted.len() < 20 {
        return (*moments, false);
    }
    let (low, high) = (sorted[clipped], sorted[sorted.len() - 1 - clipped]);
    let bulk = Moments::of(sorted.iter().map(|x| x.clamp(low, high)));
    let heavy = bulk.variance() > 0.0 && moments.variance() > bulk.variance() * RATIO * RATIO;
    (if heavy { bulk } else { *moments }, heavy)
}
