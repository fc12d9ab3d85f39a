//! Parallel loops whose results do not depend on the number of threads: the caller fixes the chunks, threads take them.

use rayon::prelude::*;

/// Elements of one chunk of an element-wise pass: small enough to balance, large enough to pay for a task.
pub(crate) const CHUNK: usize = 16 * 1024;

/// Runs `task(0)`, .., `task(count - 1)`, in any order and on all threads.
pub(crate) fn for_each(count: usize, task: impl Fn(usize) + Sync) {
    match count {
        0 => {}
        1 => task(0),
        _ => (0..count).into_par_iter().with_max_len(1).for_each(&task),
    }
}

/// A mutable slice that tasks share; each task takes a part that no other takes.
#[derive(Clone, Copy)]
pub(crate) struct Shared<'a, T> {
    data: *mut T,
    len: usize,
    lifetime: std::marker::PhantomData<&'a mut [T]>,
}

// SAFETY: only `part` gives access, and its contract forbids overlapping parts.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    /// Shares a slice.
    pub(crate) fn new(slice: &'a mut [T]) -> Self {
        Self { data: slice.as_mut_ptr(), len: slice.len(), lifetime: std::marker::PhantomData }
    }

    /// The elements `start..start + len`.
    ///
    /// # Safety
    /// No two parts that are alive at the same time overlap.
    #[allow(clippy::mut_from_ref)]
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start <= self.len && len <= self.len - start, "a part lies outside its slice");
        // SAFETY: in bounds by the assertion; unique by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }
}

/// Runs `task(first index, part)` on consecutive parts of `CHUNK` elements of a slice.
pub(crate) fn for_each_chunk<T: Send>(slice: &mut [T], task: impl Fn(usize, &mut [T]) + Sync) {
    let len = slice.len();
    let shared = Shared::new(slice);
    for_each(len.div_ceil(CHUNK), |chunk| {
        let start = chunk * CHUNK;
        // SAFETY: chunks do not overlap.
        task(start, unsafe { shared.part(start, CHUNK.min(len - start)) });
    });
}

/// The sum over chunks of `task(first index, length)`, added in the order of chunks.
pub(crate) fn sum_chunks(len: usize, task: impl Fn(usize, usize) -> f64 + Sync) -> f64 {
    let mut sums = vec![0.0; len.div_ceil(CHUNK)];
    let shared = Shared::new(&mut sums);
    for_each(len.div_ceil(CHUNK), |chunk| {
        let start = chunk * CHUNK;
        // SAFETY: each chunk has its own sum.
        let sum = unsafe { shared.part(chunk, 1) };
        sum[0] = task(start, CHUNK.min(len - start));
    });
    sums.iter().sum()
}
