//! The distance to the nearest normal row (Fix & Hodges 1951; as a score Ramaswamy, Rastogi & Shim 2000 with k = 1).
//!
//! `d(x)² = min over r of sum_j w_j (x_j - r_j)²` over stored training rows `r`. Where values of `x` are missing, the sum
//! runs over those observed and is scaled up by their share of the total weight (Dixon 1979).

use std::ops::Range;

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

    /// How many rows are stored.
    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// Never: there is at least one row.
    pub fn is_empty(&self) -> bool {
        false
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
        Ok(self.find_several(x, observed, 1)?.into_iter().flatten().collect())
    }

    /// The `k` nearest stored rows of each row, the nearest first; all where fewer are stored.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `observed`: `[N, ..sample]`, 0 where a value is missing
    ///
    /// # Errors
    /// The rows have another width than the stored ones.
    pub fn find_several(&self, x: &Tensor, observed: Option<&Tensor>, k: usize) -> Result<Vec<Vec<Neighbour>>> {
        let (count, width) = (x.dims().first().copied().unwrap_or(0), self.width());
        for (argument, tensor) in [("x", Some(x)), ("observed", observed)] {
            if let Some(tensor) = tensor.filter(|tensor| tensor.elem_count() != count * width) {
                let (operation, found) = ("nearest neighbour", tensor.dims().to_vec());
                return Err(Error::Shape { operation, argument, found, expected: vec![count, width] });
            }
        }
        let x = scale(&values(x)?, &self.root);
        let observed = observed.map(values).transpose()?;
        let k = k.min(self.len());
        self.portions(count, |rows| {
            let range = rows.start * width..rows.end * width;
            let part = observed.as_ref().map(|observed| &observed[range.clone()]);
            self.among(&x[range], part, None, k)
        })
    }

    /// The `k` nearest other rows of each of the first `limit` stored ones, the nearest first; all where there are fewer.
    ///
    /// # Errors
    /// Candle cannot multiply.
    pub fn others(&self, limit: usize, k: usize) -> Result<Vec<Vec<Neighbour>>> {
        let width = self.width();
        let k = k.min(self.len() - 1);
        self.portions(limit.min(self.len()), |rows| {
            self.among(&self.scaled[rows.start * width..rows.end * width], None, Some(rows.start), k)
        })
    }

    /// The distance of each of the first `limit` stored rows from the nearest other one; none where there is no other.
    ///
    /// # Errors
    /// Candle cannot multiply.
    pub fn apart(&self, limit: usize) -> Result<Vec<f64>> {
        Ok(self.others(limit, 1)?.into_iter().flatten().map(|one| one.distance).collect())
    }

    /// Calls `find` for as many of `count` rows at a time as have their products held at once.
    fn portions<T>(&self, count: usize, find: impl Fn(Range<usize>) -> Result<Vec<T>>) -> Result<Vec<T>> {
        let portion = (PRODUCTS / self.len()).clamp(1, 4096);
        let mut found = Vec::with_capacity(count);
        for start in (0..count).step_by(portion) {
            found.extend(find(start..(start + portion).min(count))?);
        }
        Ok(found)
    }

    /// Candidates by `|r|² - 2 x·r` from one matrix product, and the distance of each from its own differences. With `own`,
    /// the rows are the stored ones from that place on, and none is its own neighbour.
    fn among(&self, x: &[f32], observed: Option<&[f32]>, own: Option<usize>, k: usize) -> Result<Vec<Vec<Neighbour>>> {
        let (width, stored) = (self.width(), self.len());
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
            self.refined(&x[own], part, &Candidates { products: &products[range], norms }, k)
        });
        Ok(nearest.collect())
    }

    /// The nearest of the candidates that rounding cannot tell from the best ones: differences of large squares lose what
    /// is small beside them, so these are compared by their own distances.
    fn refined(&self, x: &[f32], observed: Option<&[f32]>, candidates: &Candidates<'_>, k: usize) -> Vec<Neighbour> {
        let known = |row| Neighbour { row, distance: self.distance(x, observed, row) };
        let rows = candidates.smallest(k);
        let Some(&last) = rows.last() else { return Vec::new() };
        let mut best: Vec<Neighbour> = rows.into_iter().map(known).collect();
        let size: f32 = x.iter().map(|value| value * value).sum();
        let doubt = 4.0 * f32::EPSILON * (size + candidates.norms[last] + 1.0) * (x.len() as f32).sqrt();
        let farthest = best.iter().map(|one| one.distance).fold(0.0, f64::max);
        if farthest > 0.0 && farthest * farthest <= 16.0 * f64::from(doubt) {
            let limit = candidates.value(last) + doubt;
            best = (0..self.len()).filter(|&row| candidates.value(row) <= limit).map(known).collect();
        }
        best.sort_by(|a, b| a.distance.total_cmp(&b.distance));
        best.truncate(k);
        best
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

/// What a row's distances from the stored rows are judged by, but for rounding and its own norm.
struct Candidates<'a> {
    products: &'a [f32],
    norms: &'a [f32],
}

/// Candidates that are compared at once.
const LANES: usize = 16;

impl Candidates<'_> {
    fn value(&self, row: usize) -> f32 {
        self.norms[row] - 2.0 * self.products[row]
    }

    /// The places of the `k` smallest values, of equal ones the first.
    fn smallest(&self, k: usize) -> Vec<usize> {
        match k {
            0 => Vec::new(),
            1 => vec![self.least()],
            _ => self.several(k),
        }
    }

    fn blocks(&self) -> impl Iterator<Item = (usize, (&[f32], &[f32]))> {
        self.products.chunks(LANES).zip(self.norms.chunks(LANES)).enumerate()
    }

    fn least(&self) -> usize {
        let (mut best, mut places) = ([f32::INFINITY; LANES], [0usize; LANES]);
        for (block, (products, norms)) in self.blocks() {
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

    fn several(&self, k: usize) -> Vec<usize> {
        let mut best: Vec<(f32, usize)> = Vec::with_capacity(k + 1);
        let mut limit = f32::INFINITY;
        for (block, (products, norms)) in self.blocks() {
            let least = products.iter().zip(norms).map(|(p, n)| n - 2.0 * p).fold(f32::INFINITY, f32::min);
            if least >= limit {
                continue;
            }
            for row in block * LANES..block * LANES + products.len() {
                let value = self.value(row);
                if value < limit {
                    best.insert(best.partition_point(|one| one.0 <= value), (value, row));
                    best.truncate(k);
                    limit = if best.len() == k { best[k - 1].0 } else { f32::INFINITY };
                }
            }
        }
        best.into_iter().map(|(_, row)| row).collect()
    }
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
    fn several_are_the_nearest_in_order() {
        let rows = random::normal(&Key::new(3), (70, 3), DType::F32, &Device::Cpu).unwrap();
        let nearest = Nearest::new(&rows, &[1.0, 1.0, 1.0]).unwrap();
        let all = nearest.find_several(&rows, None, 99).unwrap();
        assert!(all.iter().enumerate().all(|(row, all)| all.len() == 70 && all[0].row == row));
        assert!(all.iter().all(|all| all.windows(2).all(|pair| pair[0].distance <= pair[1].distance)));
        for k in [1, 2, 7] {
            let found = nearest.find_several(&rows, None, k).unwrap();
            assert!(found.iter().zip(&all).all(|(found, all)| found[..] == all[..k]), "{k}");
            let others = nearest.others(9, k).unwrap();
            assert!(others.iter().zip(&all).all(|(others, all)| others[..] == all[1..=k]), "{k}");
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
