//! A chart as plain shapes and texts, ready for the template to write as SVG.
//!
//! Every text passes through the template, which escapes it; only numbers stand in a path.

use std::fmt::Write;

use serde::Serialize;

use super::axis::{Axis, Tick, round};

/// Width of every chart. A chart fills its column of 360 to 560 pixels, so its texts keep about their size.
pub(crate) const WIDTH: f64 = 480.0;

const SMALL_WIDTH: f64 = 300.0;
const SMALL_HEIGHT: f64 = 120.0;
const LEFT: f64 = 54.0;
const RIGHT: f64 = 14.0;
const TOP: f64 = 26.0;
const BOTTOM: f64 = 42.0;

/// One chart.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Chart {
    /// Unique in the page: ties title and description to the chart for screen readers.
    pub(crate) id: String,
    /// What the chart shows.
    pub(crate) title: String,
    /// The same in figures, for readers who cannot see it.
    pub(crate) description: Vec<String>,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) frame: Frame,
    pub(crate) x_label: String,
    pub(crate) y_label: String,
    pub(crate) x_ticks: Vec<Tick>,
    pub(crate) y_ticks: Vec<Tick>,
    pub(crate) paths: Vec<Path>,
    pub(crate) texts: Vec<Text>,
    pub(crate) legend: Vec<Key>,
    /// Remarks below the chart.
    pub(crate) notes: Vec<String>,
}

/// The rectangle that the data occupy.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) right: f64,
    pub(crate) top: f64,
    pub(crate) bottom: f64,
}

/// Lines or areas that share one style.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Path {
    pub(crate) d: String,
    pub(crate) class: String,
}

/// A text inside the frame.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Text {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) content: String,
    pub(crate) class: String,
}

/// An entry of the legend: a sample of the style, drawn in 22x14, and what it stands for.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Key {
    pub(crate) label: String,
    pub(crate) d: String,
    pub(crate) class: String,
}

impl Key {
    /// A key for a line.
    pub(crate) fn line(label: impl Into<String>, class: impl Into<String>) -> Self {
        Self { label: label.into(), d: "M1 7H21".to_owned(), class: class.into() }
    }

    /// A key for an area.
    pub(crate) fn area(label: impl Into<String>, class: impl Into<String>) -> Self {
        Self { label: label.into(), d: "M4 2H18V12H4Z".to_owned(), class: class.into() }
    }
}

impl Frame {
    /// The frame of a chart with axis labels.
    pub(crate) fn labelled(height: f64) -> Self {
        Self { left: LEFT, right: WIDTH - RIGHT, top: TOP, bottom: height - BOTTOM }
    }
}

impl Chart {
    /// An empty chart with axes.
    pub(crate) fn new(id: String, title: impl Into<String>, height: f64, x: &Axis, y: &Axis) -> Self {
        Self {
            id,
            title: title.into(),
            description: Vec::new(),
            width: WIDTH,
            height,
            frame: Frame::labelled(height),
            x_label: String::new(),
            y_label: String::new(),
            x_ticks: x.ticks(5),
            y_ticks: y.ticks(((height - TOP - BOTTOM) / 45.0).max(2.0) as usize),
            paths: Vec::new(),
            texts: Vec::new(),
            legend: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// An empty chart for a column of 240 to 320 pixels, without axis labels, and its axes.
    pub(crate) fn small(id: String, title: &str, x: (f64, f64), y: (f64, f64)) -> (Self, Axis, Axis) {
        let frame = Frame { left: 40.0, right: SMALL_WIDTH - 6.0, top: 22.0, bottom: SMALL_HEIGHT - 20.0 };
        let x = Axis::linear(x.0, x.1, frame.left, frame.right);
        let y = Axis::linear(y.0, y.1, frame.bottom, frame.top).with_margin(0.04);
        let chart = Self {
            width: SMALL_WIDTH,
            frame,
            y_label: title.to_owned(),
            x_ticks: x.ticks(4),
            y_ticks: y.ticks(3),
            ..Self::new(id, title, SMALL_HEIGHT, &x, &y)
        };
        (chart, x, y)
    }

    /// Adds `d` in the style of `class`, unless it is empty.
    pub(crate) fn draw(&mut self, d: String, class: impl Into<String>) {
        if !d.is_empty() {
            self.paths.push(Path { d, class: class.into() });
        }
    }
}

/// A polyline through the finite points; others leave a gap, and a point alone becomes a dot.
pub(crate) fn polyline(points: impl IntoIterator<Item = (f64, f64)>, x: &Axis, y: &Axis) -> String {
    let mut d = String::new();
    let mut run = 0_usize;
    for (px, py) in points {
        let (px, py) = (x.at(px), y.at(py));
        if !(px.is_finite() && py.is_finite()) {
            close_run(&mut d, run);
            run = 0;
            continue;
        }
        push_command(&mut d, if run == 0 { 'M' } else { 'L' }, px, py);
        run += 1;
    }
    close_run(&mut d, run);
    d
}

/// A point alone draws nothing as a line; with round caps, a line of no length is a dot.
fn close_run(d: &mut String, run: usize) {
    if run == 1 {
        d.push_str("h0");
    }
}

/// Appends one command with its point.
pub(crate) fn push_command(d: &mut String, command: char, x: f64, y: f64) {
    let _ = write!(d, "{command}{} {}", round(x), round(y));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gaps_split_a_line_and_single_points_become_dots() {
        let (x, y) = (Axis::linear(0.0, 4.0, 0.0, 4.0), Axis::linear(0.0, 1.0, 10.0, 0.0));
        let d = polyline([(0.0, 0.0), (1.0, 1.0), (2.0, f64::NAN), (3.0, 0.5)], &x, &y);
        assert_eq!(d, "M0 10L1 0M3 5h0");
    }
}
