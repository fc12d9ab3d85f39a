//! The distance to the nearest normal row (Fix & Hodges 1951; as a score Ramaswamy, Rastogi & Shim 2000 with k = 1).
//!
//! `d(x)² = min over r of sum_j w_j (x_j - r_j)²` over stored training rows `r`. Where values of `x` are missing, the sum
//! runs over those observed and is scaled up by their share of the total weight (Dixon 1979).

use candle_core::{DType, Tensor};
use rayon::prelude::*;

use crate::{Error, Result};

/// Products with stored rows that are held at once.
const PRODUCTS: usize = 1 << 22;

/// Stored normal rows.
#[derive(Clone, Debug)]
pub struct Nearest {
    /// `[R, D]`, in the data's features.
    rows: Tensor,
    /// Square roots of the metric weights, `[D]`.
    root: Vec<f32>,
    /// Scaled rows, row-major.
    scaled: Vec<f32>,
    /// `[D, R]`: scaled rows, transposed, and their squares.
    transposed: Tensor,
    squares: Tensor,
    /// Squared norm of each scaled row.
    norms: Vec<f32>,
}

/// The stored row that is nearest to a row, and how near it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Neighbour {
    /// Its place among the stored rows.
    pub row: usize,
    /// The distance.
    pub distance: f64,
}

impl Nearest {
    /// Stores normal rows, with a metric weight for each feature.
    ///
    /// # Shapes
    /// - `rows`: `[R, ..sample]` with `D` values a sample, one for each weight
    ///
    /// # Errors
    /// There are no rows, their width is not that of the weights, or a value is not finite.
    pub fn new(rows: &Tensor, weights: &[f32]) -> Result<Self> {
        let operation = "nearest neighbour";
        let (count, width) = (rows.dims().first().copied().unwrap_or(0), weights.len());
        if count == 0 {
            return Err(Error::TooFewRows { operation, rows: 0, needed: 1 });
        }
        if rows.elem_count() != count * width {
            let (argument, found) = ("rows", rows.dims().to_vec());
            return Err(Error::Shape { operation, argument, found, expected: vec![count, width] });
        }
        let rows = rows.reshape((count, width))?.to_dtype(DType::F32)?;
        let root: Vec<f32> = weights.iter().map(|weight| weight.sqrt()).collect();
        let scaled = scale(&rows.flatten_all()?.to_vec1::<f32>()?, &root);
        if scaled.iter().any(|value| !value.is_finite()) {
            return Err(Error::NotFinite { operation });
        }
        let norms = scaled.chunks_exact(width).map(|row| row.iter().map(|value| value * value).sum()).collect();
        let transposed = Tensor::from_slice(&scaled, (count, width), rows.device())?.t()?.contiguous()?;
        let squares = transposed.sqr()?;
        Ok(Self { rows, root, scaled, transposed, squares, norms })
    }

    /// The stored rows.
    ///
    /// # Shapes
    /// - returns: `[R, D]`
    pub fn rows(&self) -> &Tensor {
        &self.rows
    }

    /// Features of a row.
    pub fn width(&self) -> usize {
        self.root.len()
    }

    /// The nearest stored row of each row.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`, 0 where a value is missing
    ///
    /// # Errors
    /// The rows have another width than the stored ones.
    pub fn find(&self, x: &Tensor, observed: Option<&Tensor>) -> Result<Vec<Neighbour>> {
        let (count, width) = (x.dims().first().copied().unwrap_or(0), self.width());
        for (argument, tensor) in [("x", Some(x)), ("observed", observed)] {
            if let Some(tensor) = tensor.filter(|tensor| tensor.elem_count() != count * width) {
                let (operation, found) = ("nearest neighbour", tensor.dims().to_vec());
                return Err(Error::Shape { operation, argument, found, expected: vec![count, width] });
            }
        }
        let x = scale(&values(x)?, &self.root);
        let observed = observed.map(values).transpose()?;
        let portion = (PRODUCTS / self.norms.len()).clamp(1, 4096);
        let mut found = Vec::with_capacity(count);
        for start in (0..count).step_by(portion) {
            let range = start * width..(start + portion).min(count) * width;
            let part = observed.as_ref().map(|observed| &observed[range.clone()]);
            found.extend(self.among(&x[range], part, None)?);
        }
        Ok(found)
    }

    /// The distance of each of the first `limit` stored rows from the nearest other one; none where there is no other.
    ///
    /// # Errors
    /// Candle cannot multiply.
    pub fn apart(&self, limit: usize) -> Result<Vec<f64>> {
        let (count, width) = (limit.min(self.norms.len()), self.width());
        let portion = (PRODUCTS / self.norms.len()).clamp(1, 4096);
        let mut found = Vec::with_capacity(count);
        for start in (0..if self.norms.len() > 1 { count } else { 0 }).step_by(portion) {
            let range = start * width..(start + portion).min(count) * width;
            found.extend(self.among(&self.scaled[range], None, Some(start))?.iter().map(|one| one.distance));
        }
        Ok(found)
    }

    /// Candidates by `|r|² - 2 x·r` from one matrix product, and the distance of each from its own differences. With `own`,
    /// the rows are the stored ones from that place on, and none is its own neighbour.
    fn among(&self, x: &[f32], observed: Option<&[f32]>, own: Option<usize>) -> Result<Vec<Neighbour>> {
        let (width, stored) = (self.width(), self.norms.len());
        let count = x.len() / width;
        let matrix = |values: Vec<f32>| Tensor::from_vec(values, (count, width), self.rows.device());
        let masked: Vec<f32> = match observed {
            Some(observed) => x.iter().zip(observed).map(|(x, o)| x * o).collect(),
            None => x.to_vec(),
        };
        let mut products = matrix(masked)?.matmul(&self.transposed)?.flatten_all()?.to_vec1::<f32>()?;
        if let Some(own) = own {
            (0..count).for_each(|row| products[row * stored + own + row] = f32::NEG_INFINITY);
        }
        let norms = match observed {
            Some(observed) => matrix(observed.to_vec())?.matmul(&self.squares)?.flatten_all()?.to_vec1::<f32>()?,
            None => Vec::new(),
        };
        let nearest = (0..count).into_par_iter().map(|row| {
            let range = row * stored..(row + 1) * stored;
            let norms = if observed.is_some() { &norms[range.clone()] } else { &self.norms[..] };
            let own = row * width..(row + 1) * width;
            let part = observed.map(|observed| &observed[own.clone()]);
            self.refined(&x[own], part, &products[range], norms)
        });
        Ok(nearest.collect())
    }

    /// The nearest of the candidates that rounding cannot tell from the best one: differences of large squares lose what
    /// is small beside them, so these are compared by their own distances.
    fn refined(&self, x: &[f32], observed: Option<&[f32]>, products: &[f32], norms: &[f32]) -> Neighbour {
        let row = smallest(products, norms);
        let best = Neighbour { row, distance: self.distance(x, observed, row) };
        let size: f32 = x.iter().map(|value| value * value).sum();
        let doubt = 4.0 * f32::EPSILON * (size + norms[row] + 1.0) * (x.len() as f32).sqrt();
        if best.distance == 0.0 || best.distance * best.distance > 16.0 * f64::from(doubt) {
            return best;
        }
        let limit = norms[row] - 2.0 * products[row] + doubt;
        let close = (0..norms.len()).filter(|&other| norms[other] - 2.0 * products[other] <= limit);
        let known = close.map(|row| Neighbour { row, distance: self.distance(x, observed, row) });
        known.fold(best, |best, other| if other.distance < best.distance { other } else { best })
    }

    /// The distance of a scaled row from the stored row `place`.
    fn distance(&self, x: &[f32], observed: Option<&[f32]>, place: usize) -> f64 {
        let stored = &self.scaled[place * x.len()..(place + 1) * x.len()];
        let square = |(a, b): (&f32, &f32)| f64::from(a - b) * f64::from(a - b);
        match observed {
            None => x.iter().zip(stored).map(square).sum::<f64>().sqrt(),
            Some(observed) => {
                let known = x.iter().zip(stored).zip(observed);
                let sum: f64 = known.map(|(pair, o)| f64::from(*o) * square(pair)).sum();
                let share = observed.iter().map(|o| f64::from(*o)).sum::<f64>() / x.len() as f64;
                if share > 0.0 { (sum / share).sqrt() } else { 0.0 }
            }
        }
    }
}

/// The place of the smallest `norm - 2 product`, of equal ones the first.
fn smallest(products: &[f32], norms: &[f32]) -> usize {
    const LANES: usize = 16;
    let (mut best, mut places) = ([f32::INFINITY; LANES], [0usize; LANES]);
    for (block, (products, norms)) in products.chunks(LANES).zip(norms.chunks(LANES)).enumerate() {
        for (lane, (product, norm)) in products.iter().zip(norms).enumerate() {
            let value = norm - 2.0 * product;
            if value < best[lane] {
                best[lane] = value;
                places[lane] = block * LANES + lane;
            }
        }
    }
    let order = |a: &usize, b: &usize| best[*a].total_cmp(&best[*b]).then(places[*a].cmp(&places[*b]));
    (0..LANES).min_by(order).map_or(0, |lane| places[lane])
}

fn scale(values: &[f32], root: &[f32]) -> Vec<f32> {
    values.chunks_exact(root.len().max(1)).flat_map(|row| row.iter().zip(root).map(|(value, r)| value * r)).collect()
}

/// A tensor's values in row-major order.
fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    Ok(tensor.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use narrows_tensor::{Key, random};

    fn tensor(values: &[f32], width: usize) -> Tensor {
        Tensor::from_slice(values, (values.len() / width, width), &Device::Cpu).unwrap()
    }

    #[test]
    fn finds_what_a_search_by_definition_finds() {
        let rows = random::normal(&Key::new(1), (70, 5), DType::F32, &Device::Cpu).unwrap();
        let x = random::normal(&Key::new(2), (33, 5), DType::F32, &Device::Cpu).unwrap();
        let weights = [1.0, 0.5, 2.0, 0.0, 3.0];
        let found = Nearest::new(&rows, &weights).unwrap().find(&x, None).unwrap();
        let (rows, x) = (rows.to_vec2::<f32>().unwrap(), x.to_vec2::<f32>().unwrap());
        for (x, found) in x.iter().zip(found) {
            let distance = |row: &Vec<f32>| {
                let terms = x.iter().zip(row).zip(weights);
                terms.map(|((a, b), w)| f64::from(w) * f64::from(a - b).powi(2)).sum::<f64>().sqrt()
            };
            let nearest = rows.iter().map(distance).fold(f64::INFINITY, f64::min);
            assert!((found.distance - nearest).abs() < 1e-5, "{} and {nearest}", found.distance);
            assert!((distance(&rows[found.row]) - nearest).abs() < 1e-5);
        }
    }

    #[test]
    fn a_stored_row_is_at_distance_zero_however_far_from_the_origin() {
        let rows = tensor(&[1e4, -3e4, 1e4 + 1.0, -3e4], 2);
        let found = Nearest::new(&rows, &[1.0, 1.0]).unwrap().find(&rows, None).unwrap();
        assert_eq!(found.iter().map(|one| one.distance).collect::<Vec<_>>(), [0.0, 0.0]);
    }

    #[test]
    fn stored_rows_are_apart_from_others_only() {
        let nearest = Nearest::new(&tensor(&[0.0, 3.0, 4.0, 4.0], 1), &[1.0]).unwrap();
        assert_eq!(nearest.apart(9).unwrap(), [3.0, 1.0, 0.0, 0.0]);
        assert!(Nearest::new(&tensor(&[1.0], 1), &[1.0]).unwrap().apart(9).unwrap().is_empty());
    }

    #[test]
    fn missing_values_do_not_count() {
        let nearest = Nearest::new(&tensor(&[0.0, 0.0, 3.0, 9.0], 2), &[1.0, 1.0]).unwrap();
        let observed = tensor(&[1.0, 0.0, 0.0, 0.0], 2);
        let found = nearest.find(&tensor(&[2.0, 0.0, 5.0, 5.0], 2), Some(&observed)).unwrap();
        assert_eq!(found[0], Neighbour { row: 1, distance: 2f64.sqrt() });
        assert_eq!(found[1].distance, 0.0);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        assert!(matches!(Nearest::new(&tensor(&[1.0, 2.0, 3.0], 3), &[1.0]), Err(Error::Shape { .. })));
        assert!(matches!(Nearest::new(&tensor(&[f32::NAN], 1), &[1.0]), Err(Error::NotFinite { .. })));
        let nearest = Nearest::new(&tensor(&[1.0, 2.0], 1), &[1.0]).unwrap();
        assert!(matches!(nearest.find(&tensor(&[1.0, 2.0], 2), None), Err(Error::Shape { .. })));
    }
}
