//! Candle's own threads: for the operations that are still its own, one is faster.
//!
//! Candle 0.11 starts a pool beside ours. Its workers look for work without rest, and each of its operations waits for
//! all of them: two pools on the same cores take them from each other, most of all on a busy machine.

/// The variable that candle reads when it starts its pool.
const VARIABLE: &str = "CANDLE_NUM_THREADS";

/// Keeps candle's pool to the calling thread, unless the variable is set already. To be called first in `main`: it does
/// nothing once there are other threads, or where that cannot be told.
pub fn keep_to_one() {
    let alone = std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1);
    if alone && std::env::var_os(VARIABLE).is_none() {
        // SAFETY: no other thread reads or writes the environment, there being none.
        unsafe { std::env::set_var(VARIABLE, "1") };
    }
}
