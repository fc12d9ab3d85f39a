//! The largest sums of a layer, with most of them excluded by products of bf16.
//!
//! With `x̃` and `w̃` rounded to bf16, `|x w - x̃ w̃| <= |x - x̃| |w| + |x̃| |w - w̃|` (Cauchy-Schwarz): products at twice the
//! speed of f32 say which few columns can be among the k largest, and only their sums are computed in f32. Bounds from a sample of
//! the columns say which sums are worth keeping, so that the rest never go to memory.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::reaching::{Found, Reaching};
use super::rounded::Rounded;
use super::sample::Sample;
use super::{Layer, TILE};
use crate::kernel::by_column::ByColumn;
use crate::kernel::gemm::{self, Matrix, Size};
use crate::kernel::lists::Lists;
use crate::kernel::parallel::{Shared, threads};
use crate::kernel::picked::{self, BATCH};
use crate::kernel::select::Selection;
use crate::kernel::sparse::dot;

/// Depth and columns for each number to find from which on screening pays.
const DEEP: usize = 64;
pub(super) const WIDE: usize = 32;
/// One in so many rows whose likely bounds do not hold may be done without any.
const FEW: usize = 64;

/// Whether a product of pairs can be had, and leaves few sums.
pub(super) fn pays(size: Size, k: usize) -> bool {
    gemm::pairs_available() && size.depth >= DEEP && size.columns >= WIDE * k
}

impl Layer<'_> {
    /// As [`Layer::largest`], where that [`pays`].
    pub(super) fn screened(self, k: usize) -> (Vec<f32>, Vec<u32>) {
        let Self { size, x, weight, bias } = self;
        let (x_rounded, w_rounded) = (Rounded::new(x, size.depth), Rounded::new(weight, size.depth));
        let margins = Margins::new(size, (&x_rounded, &w_rounded), bias);
        if !margins.tell() {
            let all = Lists::new(size.rows, k, |row, list| self.possible(row, None, &margins, k, list));
            return self.largest_of(&all, k);
        }
        let pairs = Size { depth: size.depth.div_ceil(2), ..size };
        let (left, right) = [&x_rounded, &w_rounded].map(|side| Matrix::rows(&side.pairs, pairs.depth)).into();
        let sample = Sample::new(pairs, &left, (&w_rounded.pairs, bias), k);
        let attempt = |(rank, most): (usize, usize)| {
            let bounds = sample.bounds(rank, |row| margins.slack(row));
            let reaching = Reaching::new(size, bias, &bounds);
            gemm::product_of_pairs(pairs, &left, &right, &reaching);
            let (streams, failed) = (reaching.found(), AtomicUsize::new(0));
            let each = size.rows.div_ceil(4 * threads()).min(4 * TILE);
            let possible = Lists::by_parts(size.rows, each, 2 * k, |rows, part| {
                Found::with(&streams, &rows, |found| {
                    for row in rows.clone() {
                        let kept = found.row(row, k, margins.slack(row), bounds[row]);
                        // Once there are too many, all rows are done again.
                        let lost = kept.is_none() && failed.fetch_add(1, Relaxed) >= most;
                        part.row(|list| {
                            if !lost {
                                self.possible(row, kept, &margins, k, list);
                            }
                        });
                    }
                });
            });
            (failed.into_inner() <= most).then_some(possible)
        };
        // The k-th number of a sample is a bound that always holds; one that nearly always does keeps fewer sums.
        let possible = attempt((sample.likely(k), size.rows / FEW)).or_else(|| attempt((k, size.rows)));
        self.largest_of(&possible.unwrap_or_else(|| unreachable!("no more rows fail than there are")), k)
    }

    /// One sum.
    fn exact(&self, row: usize, column: usize) -> f32 {
        let depth = self.size.depth;
        dot(&self.x[row * depth..][..depth], &self.weight[column * depth..][..depth]) + self.bias[column]
    }

    /// As [`Layer::largest`] among the columns that are possible in each row.
    fn largest_of(&self, possible: &Lists, k: usize) -> (Vec<f32>, Vec<u32>) {
        let mut starts = vec![0; 1];
        starts.extend(possible.rows().scan(0, |end, list| {
            *end += list.len();
            Some(*end)
        }));
        let mut rows = vec![0; possible.len()];
        for (row, ends) in starts.windows(2).enumerate() {
            rows[ends[0]..ends[1]].fill(row as u32);
        }
        let columns: Vec<u32> = possible.entries().map(|(_, column)| column).collect();
        let mut sums = vec![0.0; columns.len()];
        let shared = Shared::new(&mut sums);
        ByColumn::new(self.size.columns, columns.iter().copied().enumerate()).for_each(|column, entries| {
            let weight = &self.weight[column * self.size.depth..][..self.size.depth];
            for entries in entries.chunks(BATCH) {
                let (mut picked, mut found) = ([0; BATCH], [0.0; BATCH]);
                for (picked, entry) in picked.iter_mut().zip(entries) {
                    *picked = rows[*entry as usize];
                }
                let x = picked::Matrix { data: self.x, width: self.size.depth };
                picked::dots(weight, x, &picked[..entries.len()], &mut found[..entries.len()]);
                for (entry, sum) in entries.iter().zip(found) {
                    // SAFETY: each entry is visited once.
                    unsafe { shared.part(*entry as usize, 1)[0] = sum + self.bias[column] };
                }
            }
        });
        self.select(k, |selection, row, values, chosen| {
            let entries = starts[row]..starts[row + 1];
            selection.set(sums[entries.clone()].iter().copied().zip(columns[entries].iter().copied()));
            selection.keep(values, chosen);
        })
    }

    /// Adds to a list what can be among the `k` largest of a row, of those sums that were kept or of all.
    fn possible(
        &self,
        row: usize,
        kept: Option<&[(f32, u32)]>,
        margins: &Margins,
        k: usize,
        list: &mut Vec<(f32, u32)>,
    ) {
        Selection::with(|selection| {
            let exact = |column: u32| (self.exact(row, column as usize), column);
            let possible = if let Some(kept) = kept {
                selection.possible(kept.iter().copied(), margins.of(row), k)
            } else {
                selection.set((0..self.size.columns as u32).map(exact));
                selection.reduced(k)
            };
            if possible.len() <= WIDE * k {
                return list.extend_from_slice(possible);
            }
            // Screening tells little here, for example where numbers are infinite.
            let start = list.len();
            list.extend_from_slice(possible);
            selection.set(list.drain(start..).map(|(_, column)| exact(column)));
            list.extend_from_slice(selection.reduced(k));
        });
    }
}

/// How far sums of rounded numbers may be from those of f32.
struct Margins {
    /// Norm and error of each row.
    rows: Vec<[f32; 2]>,
    /// Norm, error and size of the bias of each column.
    columns: Vec<[f32; 3]>,
    /// The largest of each of these.
    most: [f32; 3],
    /// Sums in f32 round in each term, here and in the exact ones: by this part of their size.
    rounding: f32,
    /// Products and pieces too small for a normal number count as zero.
    lost: f32,
}

impl Margins {
    fn new(Size { rows, columns, depth }: Size, (x, weight): (&Rounded, &Rounded), bias: &[f32]) -> Self {
        let rows = (0..rows).map(|row| [x.norms[row], x.errors[row]]).collect();
        let columns: Vec<_> =
            (0..columns).map(|column| [weight.norms[column], weight.errors[column], bias[column].abs()]).collect();
        let most =
            [0, 1, 2].map(|part| columns.iter().fold(0.0, |most: f32, of: &[f32; 3]| most.max(magnitude(of[part]))));
        let (rounding, lost) = ((depth + 8) as f32 * f32::EPSILON, depth as f32 * f32::MIN_POSITIVE);
        Self { rows, columns, most, rounding, lost }
    }

    /// Whether no column's margin is infinite for ordinary samples.
    fn tell(&self) -> bool {
        self.most.iter().all(|part| part.is_finite())
    }

    fn margin(&self, row: usize, [w, w_error, b]: [f32; 3]) -> f32 {
        let [norm, error] = self.rows[row];
        if norm * w + b > f32::MAX / 4.0 {
            // Rounded sums may overflow where those of f32 do not.
            return f32::INFINITY;
        }
        1.01 * (error * w + (norm + error) * w_error + self.rounding * (norm * w + b) + self.lost * (1.0 + norm + w))
    }

    /// That of a sum in a row and each column.
    fn of(&self, row: usize) -> impl Fn(u32) -> f32 {
        move |column| self.margin(row, self.columns[column as usize])
    }

    /// How far two sums of a row may at most be from where they are, seen from each other.
    fn slack(&self, row: usize) -> f32 {
        2.0 * self.margin(row, self.most)
    }
}

/// The absolute value; infinite if it is not a number.
fn magnitude(number: f32) -> f32 {
    if number.is_finite() { number.abs() } else { f32::INFINITY }
}
