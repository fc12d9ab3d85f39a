//! One thread for libraries whose sums depend on the number of threads: faer's decompositions and t-SNE.

use crate::{Error, Result};

/// Runs `compute` where rayon has one thread, so that its result is the same on every machine.
pub(crate) fn on_one_thread<T: Send>(compute: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().map_err(|source| Error::Threads { source })?;
    pool.install(compute)
}
