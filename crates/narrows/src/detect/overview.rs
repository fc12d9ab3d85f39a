//! The scores along a file in bounded memory, for a picture of them: stretches of rows that double in length as the file grows.

use std::io::Write as _;
use std::path::Path;

use narrows_data::atomic::AtomicFile;
use narrows_report::{Scores, Stretch, draw_scores};

use crate::{Error, Result};

/// Stretches that a picture shows at most.
const STRETCHES: usize = 1_024;
const NONE: Stretch = Stretch { lowest: f64::INFINITY, highest: f64::NEG_INFINITY, alarms: 0 };

/// The picture of a file in the making.
#[derive(Debug)]
pub(super) struct Picture {
    file: AtomicFile,
    title: String,
    overview: Overview,
}

impl Picture {
    /// Takes the place of the picture, before anything is scored.
    pub(super) fn create(path: &Path, title: &str, force: bool) -> Result<Self> {
        if path.extension().is_none_or(|extension| !extension.eq_ignore_ascii_case("svg")) {
            let reason = format!("chart: {} does not end in .svg, which is what is drawn; name it so", path.display());
            return Err(Error::Detect { reason });
        }
        Ok(Self { file: AtomicFile::create(path, force)?, title: title.into(), overview: Overview::default() })
    }

    /// The next rows.
    pub(super) fn add(&mut self, scores: &[f64], alarms: &[bool]) {
        self.overview.add(scores, alarms);
    }

    /// Draws and keeps it.
    pub(super) fn finish(mut self, threshold: Option<f64>) -> Result<()> {
        let drawn = draw_scores(&self.overview.scores(&self.title, threshold))?;
        let path = self.file.path().to_owned();
        let failed = |source| narrows_data::Error::Io { path, action: "cannot write", source };
        self.file.write_all(drawn.as_bytes()).map_err(failed)?;
        Ok(self.file.commit()?)
    }
}

/// What is known of the rows so far.
#[derive(Clone, Debug)]
struct Overview {
    stretches: Vec<Stretch>,
    length: usize,
    rows: usize,
}

impl Default for Overview {
    fn default() -> Self {
        Self { stretches: Vec::new(), length: 1, rows: 0 }
    }
}

impl Overview {
    /// The next rows.
    fn add(&mut self, scores: &[f64], alarms: &[bool]) {
        for (&score, &alarm) in scores.iter().zip(alarms) {
            if self.rows == self.stretches.len() * self.length {
                if self.stretches.len() == STRETCHES {
                    self.stretches = self.stretches.chunks(2).map(joined).collect();
                    self.length *= 2;
                }
                self.stretches.push(NONE);
            }
            if let Some(last) = self.stretches.last_mut() {
                let highest = if score.is_nan() { NONE.highest } else { score };
                let lowest = if score.is_nan() { NONE.lowest } else { score };
                *last = joined(&[*last, Stretch { lowest, highest, alarms: usize::from(alarm) }]);
            }
            self.rows += 1;
        }
    }

    /// For the picture.
    fn scores(&self, title: &str, threshold: Option<f64>) -> Scores {
        let Self { stretches, length, rows } = self;
        Scores { title: title.into(), length: *length, stretches: stretches.clone(), rows: *rows, threshold }
    }
}

fn joined(stretches: &[Stretch]) -> Stretch {
    stretches.iter().fold(NONE, |all, one| Stretch {
        lowest: all.lowest.min(one.lowest),
        highest: all.highest.max(one.highest),
        alarms: all.alarms + one.alarms,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_in_one_stretch_however_many_there_are() {
        let mut overview = Overview::default();
        let scores: Vec<f64> = (0..5_000).map(|row| if row == 7 { f64::NAN } else { f64::from(row) }).collect();
        let alarms: Vec<bool> = (0..5_000).map(|row| row % 1_000 == 0).collect();
        for part in [0..3, 3..1_500, 1_500..5_000] {
            overview.add(&scores[part.clone()], &alarms[part]);
        }
        let found = overview.scores("t", None);
        assert_eq!((found.rows, found.length, found.stretches.len()), (5_000, 8, 625));
        assert_eq!((found.stretches[0].lowest, found.stretches[0].highest), (0.0, 6.0));
        assert_eq!(found.stretches.iter().map(|stretch| stretch.alarms).sum::<usize>(), 5);
        assert!(found.stretches.windows(2).all(|pair| pair[0].highest < pair[1].lowest));
    }
}
