//! How far the last steps of a series are from every stretch of its past: the nearest of its own windows that does not overlap
//! (Burnaev & Ishimtsev 2016, Conformalized density- and distance-based anomaly detection in time-series data).

/// The remembered past of a series.
#[derive(Clone, Debug)]
pub struct Windows {
    window: usize,
    past: usize,
    values: Vec<f64>,
}

impl Windows {
    /// Of stretches of `window` steps, of which the last `past` are remembered.
    pub fn new(window: usize, past: usize) -> Self {
        Self { window, past, values: Vec::new() }
    }

    /// Takes the next value; the Euclidean distance of the stretch that it ends from the nearest before, `None` where none
    /// is.
    pub fn next(&mut self, value: f64) -> Option<f64> {
        let kept = self.past + 2 * self.window;
        self.values.push(value);
        if self.values.len() >= 2 * kept {
            self.values.drain(..self.values.len() - kept);
        }
        let values = &self.values[self.values.len().saturating_sub(kept)..];
        let start = values.len().checked_sub(self.window)?;
        let (before, last) = values.split_at(start);
        let stretches = before.windows(self.window);
        let first = stretches.len().saturating_sub(self.past);
        let nearest = stretches.skip(first).fold(f64::INFINITY, |nearest, stretch| {
            let squares = stretch.iter().zip(last).map(|(a, b)| (a - b) * (a - b)).sum::<f64>();
            nearest.min(squares)
        });
        nearest.is_finite().then(|| nearest.sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_stretches_do_not_count() {
        let mut windows = Windows::new(2, 10);
        let found: Vec<Option<f64>> = [0.0, 3.0, 0.0, 0.0, 0.0, 3.0].into_iter().map(|v| windows.next(v)).collect();
        // The stretch 0, 0 of steps 3 and 4 is 3 from (0, 3) and (3, 0), the last one is the first again.
        assert_eq!(found, [None, None, None, Some(3.0), Some(3.0), Some(0.0)]);
    }

    #[test]
    fn what_is_older_is_forgotten() {
        let (mut short, mut long) = (Windows::new(1, 2), Windows::new(1, 50));
        let values = [9.0, 1.0, 1.0, 1.0, 1.0, 9.0];
        let of = |windows: &mut Windows| values.into_iter().filter_map(|value| windows.next(value)).last();
        assert_eq!((of(&mut short), of(&mut long)), (Some(8.0), Some(0.0)));
    }
}
