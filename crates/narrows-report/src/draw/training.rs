//! Loss and learning rate over the steps.

use super::axis::Axis;
use super::chart::{Chart, Frame, Key, polyline};
use super::number::{count, significant};
use crate::{Training, TrainingPoint};

const HEIGHT: f64 = 290.0;
const RATE_HEIGHT: f64 = 150.0;
/// Above this many logged steps, neighbours are averaged.
const MOST_POINTS: usize = 400;
/// Losses that span more than this are drawn on a logarithmic axis.
const LOGARITHMIC_RATIO: f64 = 8.0;

type Series = Vec<(f64, f64)>;

/// The charts of one run: the losses, and the learning rate where it was logged.
pub(crate) fn charts(training: &Training, id: &str) -> Vec<Chart> {
    let train = thinned(series(training, |p| p.train));
    let validation = series(training, |p| p.validation);
    let rate = thinned(series(training, |p| p.rate));
    let Some(steps) = range(train.0.iter().chain(&validation).chain(&rate.0).map(|p| p.0)) else {
        return Vec::new();
    };
    let mut charts = Vec::new();
    if let Some(mut chart) = losses(training, id, steps, &train.0, &validation) {
        if train.1 > 1 {
            chart.notes.push(format!("Each point of the training loss is the mean of {} logged steps.", train.1));
        }
        charts.push(chart);
    }
    if let Some((low, high)) = range(rate.0.iter().map(|p| p.1)) {
        charts.push(rates(id, steps, (low, high), &rate.0));
    }
    charts
}

/// The validation losses of several runs in one chart.
pub(crate) fn overlay(runs: &[(&str, &Training)], id: &str) -> Option<Chart> {
    let lines: Vec<(&str, Series)> = runs
        .iter()
        .map(|(name, training)| (*name, series(training, |p| p.validation)))
        .filter(|(_, line)| !line.is_empty())
        .collect();
    let steps = range(lines.iter().flat_map(|(_, line)| line.iter().map(|p| p.0)))?;
    let (low, high) = range(lines.iter().flat_map(|(_, line)| line.iter().map(|p| p.1)))?;
    let (x, y) = axes(steps, low, high, HEIGHT);
    let mut chart = Chart::new(id.to_owned(), "Validation loss of every run", HEIGHT, &x, &y);
    "step".clone_into(&mut chart.x_label);
    let label = runs.first().map_or("loss", |(_, training)| training.loss.as_str());
    chart.y_label = loss_label(label, &y);
    for (i, (name, line)) in lines.iter().enumerate() {
        let class = format!("line c{} dash{}", i % 10, i % 4);
        chart.draw(polyline(line.iter().copied(), &x, &y), class.clone());
        chart.legend.push(Key::line(*name, class));
        if let Some(lowest) = lowest(line) {
            chart.description.push(format!("{name}: lowest {} at step {}.", significant(lowest.1), lowest.0));
        }
    }
    Some(chart)
}

fn losses(training: &Training, id: &str, steps: (f64, f64), train: &Series, validation: &Series) -> Option<Chart> {
    let (low, high) = range(train.iter().chain(validation).map(|p| p.1))?;
    let (x, y) = axes(steps, low, high, HEIGHT);
    let mut chart = Chart::new(format!("{id}-loss"), "Loss over the training steps", HEIGHT, &x, &y);
    "step".clone_into(&mut chart.x_label);
    chart.y_label = loss_label(&training.loss, &y);
    for (name, line, class) in [("training", train, "line quiet"), ("validation", validation, "line model")] {
        if line.is_empty() {
            continue;
        }
        chart.draw(polyline(line.iter().copied(), &x, &y), class);
        chart.legend.push(Key::line(name, class));
        if let (Some(first), Some(last)) = (line.first(), line.last()) {
            chart.description.push(format!(
                "{name}: {} at step {}, {} at step {}.",
                significant(first.1),
                first.0,
                significant(last.1),
                last.0
            ));
        }
    }
    if validation.len() <= 40 {
        let dots = validation.iter().map(|&(s, v)| polyline([(s, v)], &x, &y)).collect();
        chart.draw(dots, "dots model");
    }
    if let Some(best) = training.best_step {
        let at = x.at(best as f64);
        let frame = chart.frame;
        chart.draw(format!("M{at:.1} {}V{}", frame.top, frame.bottom), "line mark dash1");
        chart.legend.push(Key::line(format!("kept: step {}", count(best as usize)), "line mark dash1"));
    }
    Some(chart)
}

fn rates(id: &str, steps: (f64, f64), (low, high): (f64, f64), rate: &Series) -> Chart {
    let frame = Frame::labelled(RATE_HEIGHT);
    let x = Axis::linear(steps.0, steps.1, frame.left, frame.right);
    let y = Axis::linear(low.min(0.0), 1.1 * high.max(0.0), frame.bottom, frame.top);
    let mut chart = Chart::new(format!("{id}-rate"), "Learning rate over the training steps", RATE_HEIGHT, &x, &y);
    "step".clone_into(&mut chart.x_label);
    "learning rate".clone_into(&mut chart.y_label);
    chart.description.push(format!("between {} and {}", significant(low), significant(high)));
    chart.draw(polyline(rate.iter().copied(), &x, &y), "line quiet");
    chart
}

fn axes(steps: (f64, f64), low: f64, high: f64, height: f64) -> (Axis, Axis) {
    let frame = Frame::labelled(height);
    let x = Axis::linear(steps.0, steps.1, frame.left, frame.right);
    (x, Axis::fitting(low, high, LOGARITHMIC_RATIO, frame.bottom, frame.top).with_margin(0.04))
}

fn loss_label(loss: &str, y: &Axis) -> String {
    let loss = if loss.is_empty() { "loss" } else { loss };
    if y.is_logarithmic() { format!("{loss} (log scale)") } else { loss.to_owned() }
}

fn series(training: &Training, of: impl Fn(&TrainingPoint) -> Option<f64>) -> Series {
    let points = training.points.iter().filter_map(|p| of(p).map(|v| (p.step as f64, v)));
    points.filter(|(_, v)| v.is_finite()).collect()
}

/// At most [`MOST_POINTS`] points, each the mean of as many neighbours as is returned beside them.
fn thinned(line: Series) -> (Series, usize) {
    let together = line.len().div_ceil(MOST_POINTS).max(1);
    if together == 1 {
        return (line, 1);
    }
    let mean = |group: &[(f64, f64)]| {
        let n = group.len() as f64;
        (group.iter().map(|p| p.0).sum::<f64>() / n, group.iter().map(|p| p.1).sum::<f64>() / n)
    };
    (line.chunks(together).map(mean).collect(), together)
}

fn lowest(line: &Series) -> Option<(f64, f64)> {
    line.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))
}

fn range(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.filter(|v| v.is_finite()).fold(None, |range, v| match range {
        None => Some((v, v)),
        Some((low, high)) => Some((f64::min(low, v), f64::max(high, v))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(step: u64, train: f64, validation: Option<f64>) -> TrainingPoint {
        TrainingPoint { step, train: Some(train), validation, rate: None }
    }

    #[test]
    fn nothing_logged_draws_nothing() {
        assert!(charts(&Training::default(), "t").is_empty());
        let lost = Training { points: vec![point(1, f64::NAN, None)], ..Training::default() };
        assert!(charts(&lost, "t").is_empty());
    }

    #[test]
    fn long_runs_are_averaged_and_say_so() {
        let points = (1..=4_000).map(|s| point(s, 100.0 / s as f64, None)).collect();
        let charts = charts(&Training { points, ..Training::default() }, "t");
        assert_eq!(charts.len(), 1);
        assert!(charts[0].notes[0].contains("mean of 10"));
        assert_eq!(charts[0].paths[0].d.matches('L').count(), MOST_POINTS - 1);
        assert!(charts[0].y_label.ends_with("(log scale)"));
    }
}
