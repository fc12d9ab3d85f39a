//! Where data lie: a path, standard input, or a dataset of the catalogue.

use std::path::Path;
use std::sync::Arc;

use narrows_data::{OpenOptions, Source};

use crate::Result;

/// Opens a path (`-` is standard input) or, where there is no such path, the catalogued dataset of that name.
///
/// # Errors
/// There is neither, or it cannot be read.
pub fn open(data: &str, data_dir: Option<&Path>, options: &OpenOptions) -> Result<Arc<dyn Source>> {
    Ok(narrows_data::catalog::open(data, data_dir, options)?.into())
}
