//! How far a value is from what the steps before it let expect: the innovation of a linear prediction that is fitted anew at
//! every step, by recursive least squares that forget slowly (Plackett 1950; Haykin, Adaptive Filter Theory).
//!
//! With `x` the last values and 1: `e = y - w·x`, `g = P x / (λ + x·P x)`, `w += g e`, `P = (P - g (P x)ᵀ) / λ`.

/// What a step keeps of those before.
const MEMORY: f64 = 0.999;
/// How uncertain the weights are at first.
const FIRST: f64 = 10.0;

/// A prediction that learns as it goes.
#[derive(Clone, Debug)]
pub struct Innovation {
    /// The last values, oldest first, and 1.
    x: Vec<f64>,
    seen: usize,
    weights: Vec<f64>,
    /// Square, row by row.
    p: Vec<f64>,
}

impl Innovation {
    /// From `lags` steps before.
    pub fn new(lags: usize) -> Self {
        let mut x = vec![0.0; lags + 1];
        x[lags] = 1.0;
        Self { x, seen: 0, weights: vec![0.0; lags + 1], p: identity(lags + 1) }
    }

    /// Takes the next value; how far it is from its prediction, `None` where there are too few before.
    pub fn next(&mut self, value: f64) -> Option<f64> {
        let size = self.x.len();
        let ready = self.seen >= size - 1;
        let error = ready.then(|| self.update(value));
        self.x[..size - 1].rotate_left(1);
        if let Some(last) = size.checked_sub(2) {
            self.x[last] = value;
        }
        self.seen += 1;
        error.map(f64::abs)
    }

    fn update(&mut self, value: f64) -> f64 {
        let size = self.x.len();
        let error = value - dot(&self.weights, &self.x);
        let px: Vec<f64> = self.p.chunks_exact(size).map(|row| dot(row, &self.x)).collect();
        let scale = MEMORY + dot(&px, &self.x);
        for (weight, px) in self.weights.iter_mut().zip(&px) {
            *weight += px / scale * error;
        }
        for (row, a) in self.p.chunks_exact_mut(size).zip(&px) {
            for (p, b) in row.iter_mut().zip(&px) {
                // The same for (i, j) and (j, i): P stays symmetric.
                *p = (*p - a * b / scale) / MEMORY;
            }
        }
        // A series that stands still lets P grow without bound: begin again before numbers end.
        let largest = self.p.iter().fold(0.0_f64, |largest, p| largest.max(p.abs()));
        if !(error.is_finite() && largest < 1e12 && scale > 0.0) {
            self.p = identity(size);
            if !self.weights.iter().all(|weight| weight.is_finite()) {
                self.weights.fill(0.0);
            }
        }
        if error.is_finite() { error } else { 0.0 }
    }
}

fn identity(size: usize) -> Vec<f64> {
    (0..size * size).map(|place| if place % (size + 1) == 0 { FIRST } else { 0.0 }).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn learns_a_linear_recurrence_and_is_surprised_by_its_end() {
        // A wave is a recurrence of two steps: y = 2 cos(w) y1 - y2.
        let mut innovation = Innovation::new(2);
        let errors: Vec<f64> = (0..2_000).filter_map(|step| innovation.next((f64::from(step) * 0.3).sin())).collect();
        assert!(errors[1_900..].iter().all(|error| *error < 0.02), "{:?}", &errors[1_990..]);
        assert!(innovation.next(5.0).unwrap() > 3.0);
    }

    #[test]
    fn stays_finite_where_nothing_happens() {
        let mut innovation = Innovation::new(3);
        let errors: Vec<f64> = (0..60_000).filter_map(|_| innovation.next(1.0)).collect();
        assert!(errors.iter().all(|error| error.is_finite()) && errors[59_000] < 1e-6);
    }
}
