//! Parallel loops whose results do not depend on the number of threads: the caller fixes the chunks, threads take them.

use std::cell::Cell;

use super::pool::pool;

/// Elements of one chunk of an element-wise pass: small enough to balance, large enough to pay for a task.
pub(crate) const CHUNK: usize = 16 * 1024;

thread_local! {
    /// Whether this thread runs a task, so that loops inside it run in place.
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Marks the thread as running a task until dropped.
struct Inside;

impl Inside {
    fn enter() -> Self {
        INSIDE.set(true);
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        INSIDE.set(false);
    }
}

/// Runs `task(0)`, .., `task(count - 1)`, in any order and on all threads.
pub(crate) fn for_each(count: usize, task: impl Fn(usize) + Sync) {
    if count <= 1 || INSIDE.get() {
        (0..count).for_each(task);
    } else {
        pool().run(count, |index| {
            let _inside = Inside::enter();
            task(index);
        });
    }
}

/// Threads that a loop can use from here.
pub(crate) fn threads() -> usize {
    if INSIDE.get() { 1 } else { pool().threads() }
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
    #[inline]
    pub(crate) unsafe fn part(&self, start: usize, len: usize) -> &'a mut [T] {
        assert!(start <= self.len && len <= self.len - start, "a part lies outside its slice");
        // SAFETY: in bounds by the assertion; unique by this function's contract.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(start), len) }
    }
}

/// Runs `task(first index, part)` on consecutive parts of `CHUNK` elements of a slice.
pub(crate) fn for_each_chunk<T: Send>(slice: &mut [T], task: impl Fn(usize, &mut [T]) + Sync) {
    for_each_part(slice, CHUNK, task);
}

/// Runs `task(first index, part)` on consecutive parts of `size` elements of a slice; the last may be shorter.
pub(crate) fn for_each_part<T: Send>(slice: &mut [T], size: usize, task: impl Fn(usize, &mut [T]) + Sync) {
    let len = slice.len();
    let shared = Shared::new(slice);
    for_each(len.div_ceil(size), |chunk| {
        let start = chunk * size;
        // SAFETY: parts do not overlap.
        task(start, unsafe { shared.part(start, size.min(len - start)) });
    });
}
