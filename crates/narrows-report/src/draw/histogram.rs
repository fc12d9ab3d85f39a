//! How errors are spread: the model's as bars, the baseline's as an outline over the same bins.

use super::axis::Axis;
use super::chart::{Chart, Frame, Key, push_command};
use super::number::{count, decimal, significant};
use crate::ErrorDistribution;

const HEIGHT: f64 = 290.0;
/// The largest errors beyond this share of samples are counted below the chart, so that one outlier does not squeeze it.
const SHOWN_SHARE: f64 = 0.995;
/// Errors whose central part spans more than this are binned on a logarithmic axis.
const LOGARITHMIC_RATIO: f64 = 60.0;

/// The chart, or `None` without any finite error of the model.
pub(crate) fn chart(errors: &ErrorDistribution, model: &str, baseline: &str, id: &str) -> Option<Chart> {
    let ours = sorted(&errors.model);
    let theirs = sorted(&errors.baseline);
    let largest = quantile(&ours, SHOWN_SHARE)?.max(quantile(&theirs, SHOWN_SHARE).unwrap_or(f64::NEG_INFINITY));
    let smallest = theirs.first().copied().into_iter().chain(ours.first().copied()).fold(f64::INFINITY, f64::min);
    let frame = Frame::labelled(HEIGHT);
    let wide = smallest > 0.0 && largest / quantile(&ours, 0.05)?.max(smallest) > LOGARITHMIC_RATIO;
    let x = if wide {
        Axis::logarithmic(smallest, largest, frame.left, frame.right)
    } else {
        let from_zero = smallest >= 0.0 && smallest < 0.5 * largest;
        Axis::linear(if from_zero { 0.0 } else { smallest }, largest, frame.left, frame.right)
    };
    let bins = ((ours.len() as f64).sqrt() * 1.5).clamp(8.0, 48.0) as usize;
    let edges: Vec<f64> = (0..=bins).map(|i| x.value_at(i as f64 / bins as f64)).collect();
    let (our_share, their_share) = (shares(&ours, &edges), shares(&theirs, &edges));
    let tallest = our_share.iter().chain(&their_share).copied().fold(0.0, f64::max);
    let y = Axis::linear(0.0, tallest.max(1e-9) * 1.05, frame.bottom, frame.top);

    let mut chart = Chart::new(id.to_owned(), "Errors of held-out samples", HEIGHT, &x, &y);
    chart.x_label = if x.is_logarithmic() { format!("{} (log scale)", errors.metric) } else { errors.metric.clone() };
    "share of samples (%)".clone_into(&mut chart.y_label);
    chart.draw(bars(&our_share, &edges, &x, &y), "area model");
    if !theirs.is_empty() {
        chart.draw(outline(&their_share, &edges, &x, &y), "line baseline");
    }
    for (name, values, keyed, class) in [
        (model, &ours, Key::area as fn(String, String) -> Key, "model"),
        (baseline, &theirs, Key::line as fn(String, String) -> Key, "baseline"),
    ] {
        let Some(median) = quantile(values, 0.5) else { continue };
        let at = x.at(median);
        chart.draw(format!("M{at:.1} {}V{}", frame.top, frame.bottom), format!("line dash1 {class}"));
        let summary = format!("{name} (median {})", significant(median));
        let style = if class == "model" { "area model" } else { "line baseline" };
        chart.description.push(format!("{summary}, {} samples.", count(values.len())));
        chart.legend.push(keyed(summary, style.to_owned()));
    }
    chart.legend.push(Key::line("medians", "line mark dash1"));
    for (name, values) in [(model, &ours), (baseline, &theirs)] {
        let beyond = values.iter().filter(|e| **e > largest).count();
        if let (1.., Some(last)) = (beyond, values.last()) {
            let share = decimal(100.0 * beyond as f64 / values.len() as f64, 1);
            chart.notes.push(format!(
                "{} of {} samples of {name} ({share} %) lie beyond the right edge; the largest error is {}.",
                count(beyond),
                count(values.len()),
                significant(*last)
            ));
        }
    }
    Some(chart)
}

fn sorted(values: &[f64]) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    values
}

fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    sorted.get((share * last as f64).round() as usize).copied()
}

/// Per cent of all samples in each bin; the last bin holds its upper edge.
fn shares(sorted: &[f64], edges: &[f64]) -> Vec<f64> {
    let below = |edge: f64| sorted.partition_point(|v| *v < edge);
    let total = sorted.len().max(1) as f64;
    let last = edges.len().saturating_sub(2);
    edges
        .windows(2)
        .enumerate()
        .map(|(i, pair)| {
            let end =
                if i == last { sorted.partition_point(|v| *v <= pair[1] * (1.0 + 1e-12)) } else { below(pair[1]) };
            let start = if i == 0 { 0 } else { below(pair[0]) };
            100.0 * end.saturating_sub(start) as f64 / total
        })
        .collect()
}

fn bars(shares: &[f64], edges: &[f64], x: &Axis, y: &Axis) -> String {
    let mut d = String::new();
    for (share, pair) in shares.iter().zip(edges.windows(2)).filter(|(share, _)| **share > 0.0) {
        let (left, right) = (x.at(pair[0]) + 0.5, x.at(pair[1]) - 0.5);
        push_command(&mut d, 'M', left, y.at(0.0));
        push_command(&mut d, 'L', left, y.at(*share));
        push_command(&mut d, 'L', right, y.at(*share));
        push_command(&mut d, 'L', right, y.at(0.0));
        d.push('Z');
    }
    d
}

fn outline(shares: &[f64], edges: &[f64], x: &Axis, y: &Axis) -> String {
    let mut d = String::new();
    for (i, (share, pair)) in shares.iter().zip(edges.windows(2)).enumerate() {
        if i == 0 {
            push_command(&mut d, 'M', x.at(pair[0]), y.at(0.0));
        }
        push_command(&mut d, 'L', x.at(pair[0]), y.at(*share));
        push_command(&mut d, 'L', x.at(pair[1]), y.at(*share));
        if i + 1 == shares.len() {
            push_command(&mut d, 'L', x.at(pair[1]), y.at(0.0));
        }
    }
    d
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sample_falls_into_one_bin() {
        let values: Vec<f64> = (0..=100).map(f64::from).collect();
        let edges: Vec<f64> = (0..=10).map(|i| f64::from(i) * 10.0).collect();
        let shares = shares(&values, &edges);
        assert!((shares.iter().sum::<f64>() - 100.0).abs() < 1e-9);
        assert!(shares[9] > shares[0], "the last bin holds its upper edge");
    }

    #[test]
    fn an_outlier_is_counted_and_does_not_stretch_the_axis() {
        let mut model: Vec<f64> = (0..1_000).map(|i| 1.0 + f64::from(i) / 1_000.0).collect();
        model.push(1e6);
        let errors = ErrorDistribution { metric: "e".to_owned(), model, baseline: Vec::new() };
        let chart = chart(&errors, "ae", "PCA", "h").unwrap();
        assert!(chart.x_ticks.iter().all(|t| t.label.len() <= 4), "{:?}", chart.x_ticks);
        assert!(chart.notes[0].contains("1,000,000"));
    }

    #[test]
    fn nothing_finite_draws_nothing() {
        let errors = ErrorDistribution { model: vec![f64::NAN], ..ErrorDistribution::default() };
        assert!(chart(&errors, "ae", "PCA", "h").is_none());
    }
}
