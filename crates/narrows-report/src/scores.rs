//! Scores along the rows of a file, and the picture of them: one SVG with a threshold and the alarms.

use minijinja::context;
use minijinja::value::Serde;

use crate::draw::scores::chart;
use crate::page::environment;
use crate::{Error, Result};

/// Scores along the rows of a file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scores {
    /// What was scored.
    pub title: String,
    /// Rows of each stretch; the last may be shorter.
    pub length: usize,
    /// What is known of each stretch of rows, in their order.
    pub stretches: Vec<Stretch>,
    /// All rows.
    pub rows: usize,
    /// The score above which, or from which on, a row is an alarm.
    pub threshold: Option<f64>,
}

/// The scores of rows that follow each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stretch {
    /// The smallest score; infinite where no row has one.
    pub lowest: f64,
    /// The largest score; negatively infinite where no row has one.
    pub highest: f64,
    /// Rows that are alarms.
    pub alarms: usize,
}

/// Draws scores as one SVG file without anything from elsewhere. The same scores give the same bytes.
///
/// # Errors
/// The template fails: a defect in this crate.
pub fn draw_scores(scores: &Scores) -> Result<String> {
    let environment = environment()?;
    let template = environment.get_template("scores.xml").map_err(Error::Template)?;
    template.render(context! { chart => Serde(chart(scores)) }).map_err(Error::Template)
}
