//! How well a detector's scores agree with labels.

use narrows_data::{Any, ColumnData, Role, Subset};
use narrows_eval::detection::{Alarms, BestF1, Ranking, vus_pr};
use serde::Serialize;

use super::Rule;
use super::detected::unreadable;
use super::rows::score_rows;
use crate::{Error, Model, Result};

/// Metrics of scores against labels.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DetectionQuality {
    /// Rows with a label and a score.
    pub rows: u64,
    /// Anomalies among them.
    pub anomalies: u64,
    /// Rows without a label, which are left out.
    pub unlabelled: u64,
    /// Rows without a score, because no window holds them or they hold no value, which are left out.
    pub unscored: u64,
    /// The probability that an anomaly scores above a normal row.
    pub auroc: f64,
    /// The mean precision over the anomalies.
    pub average_precision: f64,
    /// The share of anomalies among as many highest scores as there are anomalies.
    pub precision_at_n: f64,
    /// The volume under the surface of precision and recall with buffers of up to 100 rows around labelled ranges; of rows
    /// that are in the order of time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vus_pr: Option<f64>,
    /// The best threshold in hindsight.
    pub best_f1: BestF1,
    /// What the detector's own threshold gives; none without a calibration.
    pub alarms: Option<AlarmQuality>,
    /// Sentences on what could not be read.
    #[serde(skip)]
    pub remarks: Vec<String>,
}

/// The widest buffer of VUS-PR, in rows: what the benchmark TSB-AD takes where nothing is known of a series.
const BUFFER: usize = 100;

/// What a threshold that knows no labels gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct AlarmQuality {
    /// Rows above this score are alarms.
    pub threshold: f64,
    /// Share of normal rows that are alarms.
    pub false_alarm_rate: Option<f64>,
    /// Share of anomalies that are none.
    pub missed_alarm_rate: Option<f64>,
    /// Share of alarms that are anomalies.
    pub precision: Option<f64>,
    /// Harmonic mean of precision and recall.
    pub f1: Option<f64>,
}

/// Scores `rows` and compares with the column `label`, whose values `anomalous` mark anomalies; without any, numbers other
/// than 0 and the words `true`, `yes`, `anomaly`, `anomalous`, `abnormal` and `outlier` do.
///
/// # Errors
/// There is no such column, its words are others than these or their opposites, all labels are the same, or the rows cannot
/// be read or scored. A batch rule has no threshold and is refused.
pub fn detection_quality(
    model: &Model,
    rows: &Subset<Any>,
    label: &str,
    anomalous: &[String],
    rule: Option<Rule>,
) -> Result<DetectionQuality> {
    let detector = model.detector.as_ref().ok_or(Error::NoDetector)?;
    let calibration = detector.record.calibration.as_ref();
    let alarm = match (rule, calibration) {
        (None, None) => None,
        (rule, calibration) => Some(rule.unwrap_or(Rule::Conformal(None)).ready(calibration)?),
    };
    let labels = labels(rows, label, anomalous)?;
    let scored = score_rows(detector, model.network.as_ref(), &model.preparation, rows, |_| ())?;
    let known = scored.numbers.iter().zip(&scored.scores).filter_map(|(row, score)| Some((*score, labels[*row]?)));
    let (scores, flags): (Vec<f64>, Vec<bool>) = known.unzip();
    let ranking = Ranking::new(&scores, &flags)?;
    let own = alarm.and_then(super::Alarm::threshold);
    let mut alarms = Alarms::default();
    if let Some(alarm) = alarm {
        scores.iter().zip(&flags).for_each(|(score, flag)| alarms.add(alarm.raised(*score, f64::NAN, None), *flag));
    }
    let ordered = rows.source().schema().role(Role::Time).is_some();
    let vus_pr = ordered.then(|| vus_pr(&scores, &flags, BUFFER)).transpose()?;
    let all = rows.rows() as u64;
    let mut remarks = unreadable(&rows.source().faults());
    if 2 * ranking.anomalies() > ranking.rows() {
        remarks.push(format!(
            "`{label}` calls {} of {} rows anomalous; is it the label, and do its values mean that? --anomalous names \
             those that do",
            ranking.anomalies(),
            ranking.rows()
        ));
    }
    let labelled = labels.iter().filter(|label| label.is_some()).count() as u64;
    Ok(DetectionQuality {
        rows: ranking.rows(),
        anomalies: ranking.anomalies(),
        unlabelled: all - labelled,
        unscored: all - scored.scores.len() as u64,
        auroc: ranking.auroc(),
        average_precision: ranking.average_precision(),
        precision_at_n: ranking.precision_at(ranking.anomalies()),
        vus_pr,
        best_f1: ranking.best_f1(),
        alarms: own.map(|threshold| AlarmQuality {
            threshold,
            false_alarm_rate: alarms.false_alarm_rate(),
            missed_alarm_rate: alarms.missed_alarm_rate(),
            precision: alarms.precision(),
            f1: alarms.f1(),
        }),
        remarks,
    })
}

/// For each row of the source whether it is an anomaly; `None` for rows without a label or outside the subset.
fn labels(rows: &Subset<Any>, label: &str, anomalous: &[String]) -> Result<Vec<Option<bool>>> {
    let source = rows.source();
    let schema = source.schema();
    let position = schema.require(source.origin(), label)?;
    let mut labels = vec![None; source.rows()];
    for (index, range) in source.blocks().iter().enumerate() {
        let places = rows.places(range.clone());
        if places.is_empty() {
            continue;
        }
        let block = source.read(index)?;
        for place in places {
            labels[range.start + place] = match block.columns.get(position) {
                Some(ColumnData::Numbers(values)) => of_number(values[place], anomalous),
                Some(ColumnData::Texts(texts)) => texts.get(place).map(|text| of_text(text, anomalous)).transpose()?,
                None => None,
            };
        }
    }
    Ok(labels)
}

fn of_number(value: f64, anomalous: &[String]) -> Option<bool> {
    if value.is_nan() {
        None
    } else if anomalous.is_empty() {
        Some(value != 0.0)
    } else {
        Some(anomalous.iter().any(|text| text.parse() == Ok(value)))
    }
}

fn of_text(text: &str, anomalous: &[String]) -> Result<bool> {
    if !anomalous.is_empty() {
        return Ok(anomalous.iter().any(|known| known == text));
    }
    match text.trim().to_lowercase().as_str() {
        "1" | "true" | "yes" | "anomaly" | "anomalous" | "abnormal" | "outlier" => Ok(true),
        "0" | "false" | "no" | "normal" | "inlier" => Ok(false),
        _ => Err(Error::Label { value: text.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_numbers_usual_words_or_named_values() {
        assert_eq!(
            [of_number(0.0, &[]), of_number(2.0, &[]), of_number(f64::NAN, &[])],
            [Some(false), Some(true), None]
        );
        let named = ["3".to_owned(), "bad".to_owned()];
        assert_eq!([of_number(3.0, &named), of_number(1.0, &named)], [Some(true), Some(false)]);
        assert!(of_text("bad", &named).unwrap() && !of_text("good", &named).unwrap());
        assert!(of_text("Yes", &[]).unwrap() && !of_text("normal", &[]).unwrap());
        assert!(of_text("bad", &[]).unwrap_err().to_string().contains("--anomalous"));
    }
}
