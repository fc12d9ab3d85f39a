//! One pass over the rows of a subset, blocks in parallel, results merged in file order.

use rayon::prelude::*;

use crate::{Block, Result, Subset};

/// Calls `gather` with each block that has rows of `subset`, the places of these rows in it and its first row's number,
/// in parallel; then `merge` with the results in file order, so that sums do not depend on the number of threads. Holds
/// as many blocks as there are threads.
pub(crate) fn sweep<K, T: Send>(
    subset: &Subset<K>,
    gather: impl Fn(Block, &[usize], usize) -> Result<T> + Sync,
    mut merge: impl FnMut(T),
) -> Result<()> {
    let source = subset.source();
    let blocks: Vec<usize> = (0..source.blocks().len()).collect();
    for wave in blocks.chunks(rayon::current_num_threads().max(1)) {
        let results: Vec<Option<T>> = wave
            .par_iter()
            .map(|&index| {
                let range = source.blocks()[index].clone();
                let places = subset.places(range.clone());
                if places.is_empty() {
                    return Ok(None);
                }
                gather(source.read(index)?, &places, range.start).map(Some)
            })
            .collect::<Result<_>>()?;
        results.into_iter().flatten().for_each(&mut merge);
    }
    Ok(())
}
