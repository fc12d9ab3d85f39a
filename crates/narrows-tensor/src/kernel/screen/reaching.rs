//! The sums of a product that are not below bounds of their rows, picked out of its tiles while these are at hand.

use std::arch::x86_64::{
    _CMP_NLT_UQ, _mm512_add_epi32, _mm512_add_ps, _mm512_cmp_ps_mask, _mm512_loadu_ps, _mm512_maskz_compress_epi32,
    _mm512_maskz_compress_ps, _mm512_set1_epi32, _mm512_set1_ps, _mm512_setr_epi32, _mm512_storeu_ps,
    _mm512_storeu_si512,
};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::TILE;
use crate::kernel::gemm::{COLUMNS, Size, Target};
use crate::kernel::select::{Selection, key};
use crate::kernel::simd::avx512;

/// Numbers in a vector: half a row of a tile.
const LANES: usize = 16;
/// Sums of each row and panel of columns that there is room for to begin with.
const EXPECTED: usize = 4;

/// A target that keeps the sums that are not below the bounds of their rows.
pub(super) struct Reaching<'a> {
    bias: &'a [f32],
    bounds: &'a [f32],
    /// One for each panel of columns.
    streams: Vec<Mutex<Stream>>,
}

/// Sums of a panel of columns, tile by tile.
pub(super) struct Stream {
    sums: Vec<f32>,
    /// Row of the tile times `COLUMNS`, and column of the panel.
    places: Vec<u32>,
    tiles: Vec<Tile>,
}

/// Where the sums of a tile are, which begins with a row.
struct Tile {
    row: u32,
    start: u32,
    end: u32,
}

impl<'a> Reaching<'a> {
    pub(super) fn new(Size { rows, columns, .. }: Size, bias: &'a [f32], bounds: &'a [f32]) -> Self {
        let stream = || {
            let room = rows * EXPECTED + TILE * COLUMNS + LANES;
            let tiles = Vec::with_capacity(rows.div_ceil(TILE));
            Mutex::new(Stream { sums: Vec::with_capacity(room), places: Vec::with_capacity(room), tiles })
        };
        Self { bias, bounds, streams: (0..columns.div_ceil(COLUMNS)).map(|_| stream()).collect() }
    }

    fn stream(&self, panel: usize) -> MutexGuard<'_, Stream> {
        self.streams[panel].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Target for Reaching<'_> {
    fn put(&self, row: usize, column: usize, columns: usize, sums: &[[f32; COLUMNS]], first: bool, last: bool) {
        debug_assert!(first && last);
        let mut bias = [0.0; COLUMNS];
        bias[..columns].copy_from_slice(&self.bias[column..column + columns]);
        self.stream(column / COLUMNS).add((row, columns), &self.bounds[row..row + sums.len()], (sums, &bias));
    }
}

impl Reaching<'_> {
    /// All sums that were kept, those of each panel of columns by themselves.
    pub(super) fn found(self) -> Vec<Stream> {
        let streams =
            self.streams.into_iter().map(|stream| stream.into_inner().unwrap_or_else(PoisonError::into_inner));
        let mut streams: Vec<Stream> = streams.collect();
        for stream in &mut streams {
            stream.tiles.sort_unstable_by_key(|tile| tile.row);
        }
        streams
    }
}

impl Stream {
    /// Adds those of a tile's sums, from `row` on, that are not below the bounds of their rows.
    fn add(
        &mut self,
        (row, columns): (usize, usize),
        bounds: &[f32],
        (sums, bias): (&[[f32; COLUMNS]], &[f32; COLUMNS]),
    ) {
        let (start, most) = (self.sums.len(), sums.len() * COLUMNS + LANES);
        self.sums.reserve(most);
        self.places.reserve(most);
        assert!(avx512() && bounds.len() == sums.len() && sums.len() <= TILE && columns <= COLUMNS);
        // SAFETY: the processor has AVX-512; there is room for all sums and a vector more, and so many were written.
        unsafe {
            let into = (self.sums.as_mut_ptr().add(start), self.places.as_mut_ptr().add(start));
            let end = start + reaching((sums, columns), bias, bounds, into);
            self.sums.set_len(end);
            self.places.set_len(end);
        }
        self.tiles.push(Tile { row: row as u32, start: start as u32, end: self.sums.len() as u32 });
    }

    /// Gives `run` the row, sum and column in the panel of what was kept of some rows.
    fn for_each(&self, rows: &Range<usize>, mut run: impl FnMut(usize, f32, usize)) {
        let first = self.tiles.partition_point(|tile| tile.row as usize + TILE <= rows.start);
        for tile in self.tiles[first..].iter().take_while(|tile| (tile.row as usize) < rows.end) {
            let kept = tile.start as usize..tile.end as usize;
            for (&place, &sum) in self.places[kept.clone()].iter().zip(&self.sums[kept]) {
                let row = tile.row as usize + place as usize / COLUMNS;
                if rows.contains(&row) {
                    run(row, sum, place as usize % COLUMNS);
                }
            }
        }
    }
}

/// Writes the biased sums that are not below the bounds of their rows and their places one behind the other; how many there are.
///
/// # Safety
/// The processor has AVX-512; there are as many bounds as rows, and there is room for all sums and a vector more.
#[target_feature(enable = "avx512f")]
unsafe fn reaching(
    (sums, columns): (&[[f32; COLUMNS]], usize),
    bias: &[f32; COLUMNS],
    bounds: &[f32],
    into: (*mut f32, *mut u32),
) -> usize {
    let there = [0, LANES].map(|half| ((1_u32 << columns.saturating_sub(half).min(LANES)) - 1) as u16);
    let lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    let mut count = 0;
    // SAFETY: by this function's contract; a row and the bias are two vectors.
    unsafe {
        let bias = [0, LANES].map(|half| _mm512_loadu_ps(bias.as_ptr().add(half)));
        for (row, (sums, bound)) in sums.iter().zip(bounds).enumerate() {
            for half in 0..2 {
                let sums = _mm512_add_ps(_mm512_loadu_ps(sums.as_ptr().add(half * LANES)), bias[half]);
                let reached = there[half] & _mm512_cmp_ps_mask::<_CMP_NLT_UQ>(sums, _mm512_set1_ps(*bound));
                let places = _mm512_add_epi32(lanes, _mm512_set1_epi32((row * COLUMNS + half * LANES) as i32));
                _mm512_storeu_ps(into.0.add(count), _mm512_maskz_compress_ps(reached, sums));
                _mm512_storeu_si512(into.1.add(count).cast(), _mm512_maskz_compress_epi32(reached, places));
                count += reached.count_ones() as usize;
            }
        }
    }
    count
}

thread_local! {
    static KEPT: RefCell<Found> = RefCell::default();
}

/// The sums that were kept of a few rows, row by row.
#[derive(Default)]
pub(super) struct Found {
    first: usize,
    ends: Vec<usize>,
    entries: Vec<(f32, u32)>,
}

impl Found {
    /// Runs `run` with what was kept of `rows`, in buffers that this thread keeps.
    pub(super) fn with<R>(streams: &[Stream], rows: &Range<usize>, run: impl FnOnce(&mut Self) -> R) -> R {
        let mut found = KEPT.take();
        found.collect(streams, rows);
        let result = run(&mut found);
        KEPT.set(found);
        result
    }

    fn collect(&mut self, streams: &[Stream], rows: &Range<usize>) {
        let Self { first, ends, entries } = self;
        *first = rows.start;
        ends.clear();
        ends.resize(rows.len() + 1, 0);
        for stream in streams {
            stream.for_each(rows, |row, _, _| ends[row - rows.start + 1] += 1);
        }
        for row in 0..rows.len() {
            ends[row + 1] += ends[row];
        }
        // Where a row begins becomes where it ends, entry by entry.
        entries.resize(ends[rows.len()], (0.0, 0));
        for (panel, stream) in streams.iter().enumerate() {
            stream.for_each(rows, |row, sum, column| {
                let end = &mut ends[row - rows.start];
                entries[*end] = (sum, (panel * COLUMNS + column) as u32);
                *end += 1;
            });
        }
    }

    /// What was kept of a row, without what is more than `slack` below `k` others; nothing if the bound that follows from them is
    /// below the `promised` one, so that sums which count may not have been kept.
    pub(super) fn row(&mut self, row: usize, k: usize, slack: f32, promised: f32) -> Option<&[(f32, u32)]> {
        let index = row - self.first;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        let list = &mut self.entries[start..self.ends[index]];
        let sums = list.iter().map(|entry| entry.0);
        let bound = Selection::with(|selection| selection.bound_within(sums, k, slack));
        let mut count = 0;
        for at in 0..list.len() {
            list[count] = list[at];
            count += usize::from(key(list[at].0) >= bound);
        }
        (bound >= promised).then_some(&list[..count])
    }
}
