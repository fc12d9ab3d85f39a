//! The setting of mimalloc that training wants.

use std::ffi::c_int;

/// Milliseconds that freed memory is kept: longer than any step, so that the tensors of one step lie where those of the
/// last one lay. By default all free memory goes back to the system once a second, to be cleared and mapped again.
const KEPT: i64 = 60_000;
/// `mi_option_purge_delay`, which the bindings do not name.
const PURGE_DELAY: c_int = 15;

/// Makes mimalloc keep freed memory from one step to the next. For programs whose global allocator it is.
pub fn keep_freed_memory() {
    // SAFETY: sets a number inside mimalloc; the option exists in all its versions since 2.1.
    unsafe { libmimalloc_sys::mi_option_set(PURGE_DELAY, KEPT as _) };
}
