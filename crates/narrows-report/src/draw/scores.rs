//! Scores along the rows of a file: from the smallest to the largest of each stretch of rows, the threshold, and the alarms.

use super::axis::Axis;
use super::chart::{Chart, Frame, WIDTH, push_command};
use super::number::{count, significant};
use crate::{Scores, Stretch};

const HEIGHT: f64 = 220.0;
/// Scores that span more than this are drawn on a logarithmic axis.
const LOGARITHMIC_RATIO: f64 = 30.0;

/// The chart.
pub(crate) fn chart(scores: &Scores) -> Chart {
    let frame = Frame::labelled(HEIGHT);
    let seen = |stretch: &&Stretch| stretch.lowest.is_finite() && stretch.highest.is_finite();
    let ends = scores.stretches.iter().filter(seen).flat_map(|stretch| [stretch.lowest, stretch.highest]);
    let ends: Vec<f64> = ends.chain(scores.threshold.filter(|threshold| threshold.is_finite())).collect();
    let low = ends.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let high = ends.iter().copied().reduce(f64::max).unwrap_or(1.0);
    let x = Axis::linear(1.0, scores.rows.max(2) as f64, frame.left, frame.right);
    let y = Axis::fitting(low, high, LOGARITHMIC_RATIO, frame.bottom, frame.top).with_margin(0.04);
    let alarms: usize = scores.stretches.iter().map(|stretch| stretch.alarms).sum();

    let mut chart = Chart::new("scores".into(), scores.title.clone(), HEIGHT, &x, &y);
    chart.x_label = "row".into();
    chart.y_label = if y.is_logarithmic() { "score (log scale)".into() } else { "score".into() };
    chart.description.push(format!("{} rows, {}.", count(scores.rows), told(alarms)));
    let place = |index: usize| {
        let first = index * scores.length;
        let last = (first + scores.length).min(scores.rows).max(first + 1);
        x.at(f64::midpoint((first + 1) as f64, last as f64))
    };
    chart.draw(extent(scores, place, &y), "line model thin");
    if let Some(threshold) = scores.threshold.filter(|threshold| threshold.is_finite()) {
        let at = y.at(threshold);
        chart.draw(format!("M{} {at:.1}H{}", frame.left, frame.right), "line mark dash1");
        chart.description.push(format!("Alarms lie beyond a score of {}.", significant(threshold)));
    }
    let mut dots = String::new();
    for (index, stretch) in scores.stretches.iter().enumerate().filter(|(_, stretch)| stretch.alarms > 0) {
        // An alarm without a score stands at the upper edge.
        let score = if stretch.highest.is_finite() { y.at(stretch.highest) } else { frame.top };
        push_command(&mut dots, 'M', place(index), score);
        dots.push_str("h0");
    }
    chart.draw(dots, "dots c1");
    chart.texts.push(super::chart::Text { x: WIDTH - 14.0, y: 13.0, content: told(alarms), class: "tick y".into() });
    chart
}

fn told(alarms: usize) -> String {
    format!("{} alarm{}", count(alarms), if alarms == 1 { "" } else { "s" })
}

/// A line through the scores: up and down within each stretch, broken where rows have none.
fn extent(scores: &Scores, place: impl Fn(usize) -> f64, y: &Axis) -> String {
    let (mut d, mut drawn) = (String::new(), false);
    for (index, stretch) in scores.stretches.iter().enumerate() {
        if !(stretch.lowest.is_finite() && stretch.highest.is_finite()) {
            drawn = false;
            continue;
        }
        let at = place(index);
        push_command(&mut d, if drawn { 'L' } else { 'M' }, at, y.at(stretch.lowest));
        push_command(&mut d, 'L', at, y.at(stretch.highest));
        drawn = true;
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_without_scores_leave_gaps_and_alarms_are_dots() {
        let none = Stretch { lowest: f64::INFINITY, highest: f64::NEG_INFINITY, alarms: 0 };
        let some = |lowest, highest, alarms| Stretch { lowest, highest, alarms };
        let stretches = vec![some(1.0, 2.0, 0), none, some(1.0, 5.0, 2), Stretch { alarms: 1, ..none }];
        let scores = Scores { title: "t".into(), length: 10, stretches, rows: 35, threshold: Some(3.0) };
        let chart = chart(&scores);
        let of = |class: &str| &chart.paths.iter().find(|path| path.class.contains(class)).unwrap().d;
        assert_eq!(of("model").matches('M').count(), 2);
        assert_eq!(of("dots").matches("h0").count(), 2);
        assert!(chart.texts[0].content == "3 alarms" && chart.description[0].starts_with("35 rows"));
    }

    #[test]
    fn a_file_without_rows_has_an_empty_chart() {
        assert!(chart(&Scores::default()).paths.is_empty());
    }
}
