//! Buffers for packed operands and partial sums, kept by each thread from one use to the next.

use std::cell::RefCell;
use std::ops::{Deref, DerefMut};

/// One cache line, which is also one AVX-512 vector.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

thread_local! {
    /// Buffers that this thread has returned.
    static FREE: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// A buffer aligned to cache lines, with left-over content; goes back to its thread when dropped.
pub(crate) struct Scratch {
    lines: Vec<Line>,
    len: usize,
}

impl Scratch {
    /// A buffer of `len` numbers of any value.
    pub(crate) fn new(len: usize) -> Self {
        let wanted = len.div_ceil(16);
        let mut lines = FREE.with_borrow_mut(|free| {
            // The smallest that is large enough, else the largest.
            let fits = (0..free.len()).filter(|&i| free[i].len() >= wanted).min_by_key(|&i| free[i].len());
            let best = fits.or_else(|| (0..free.len()).max_by_key(|&i| free[i].len()));
            best.map_or_else(Vec::new, |i| free.swap_remove(i))
        });
        if lines.len() < wanted {
            lines.resize(wanted, Line([0.0; 16]));
        }
        Self { lines, len }
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` numbers, and `Line` is a plain array without padding.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        // At the end of the thread the list is gone, and the buffer with it.
        let _ = FREE.try_with(|free| free.borrow_mut().push(lines));
    }
}
