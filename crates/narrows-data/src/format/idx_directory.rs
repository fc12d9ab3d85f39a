//! The four files of MNIST and its relatives as one source: the training images, then the authors' test images.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::idx::{self, IdxSource};
use crate::{Block, Error, Result, Schema, Source};

/// A directory of `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, each perhaps with `.gz`.
#[derive(Debug)]
pub struct IdxDirectory {
    origin: String,
    schema: Schema,
    parts: Vec<IdxSource>,
    /// Rows of the whole for each block of each part.
    blocks: Vec<Range<usize>>,
    rows: usize,
    test: Option<Range<usize>>,
}

const PARTS: [&str; 2] = ["train", "t10k"];

/// Whether `path` is a directory of the training images that [`open_directory`] reads.
pub fn is_directory(path: &Path) -> bool {
    find(path, "train", "images").is_some()
}

/// Opens the training rows followed by the test rows, with labels in the column `label` where both parts have them.
///
/// # Errors
/// The training images are missing, a file is damaged, or the parts have different image sizes.
pub fn open_directory(path: &Path) -> Result<IdxDirectory> {
    let (mut parts, mut blocks, mut ends) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    let labelled =
        PARTS.iter().all(|part| find(path, part, "images").is_none() || find(path, part, "labels").is_some());
    for part in PARTS {
        let Some(images) = find(path, part, "images") else { continue };
        let labels = match find(path, part, "labels").filter(|_| labelled) {
            Some(labels) => Some(idx::read_labels(&labels)?),
            None => None,
        };
        let source = IdxSource::new(&images, idx::read(&images)?, labels)?;
        blocks.extend(source.blocks().iter().map(|block| block.start + rows..block.end + rows));
        rows += source.rows();
        ends.push(rows);
        parts.push(source);
    }
    let Some(first) = parts.first() else {
        return Err(Error::Unsupported {
            path: path.to_owned(),
            found: "no train-images-idx3-ubyte in this directory".into(),
            advice: "name a directory with the four files of an MNIST-like dataset".into(),
        });
    };
    let schema = first.schema().clone();
    for part in &parts {
        if part.schema() != first.schema() {
            return Err(Error::Unsupported {
                path: path.to_owned(),
                found: format!("training rows are {:?}, test rows {:?}", first.schema(), part.schema()),
                advice: "both parts need samples of one shape and labels of one kind".into(),
            });
        }
    }
    let test = match ends[..] {
        [train, all] => Some(train..all),
        _ => None,
    };
    Ok(IdxDirectory { origin: path.display().to_string(), schema, parts, blocks, rows, test })
}

/// The file of one part, in any of the spellings in use.
fn find(directory: &Path, part: &str, what: &str) -> Option<PathBuf> {
    let ranks: &[&str] = if what == "labels" { &["idx1"] } else { &["idx3", "idx4"] };
    for rank in ranks {
        for separator in ["-", "."] {
            for end in [".gz", ""] {
                let path = directory.join(format!("{part}-{what}{separator}{rank}-ubyte{end}"));
                if path.is_file() {
                    return Some(path);
                }
            }
        }
    }
    None
}

impl Source for IdxDirectory {
    fn schema(&self) -> &Schema {
        &self.schema
    }

    fn rows(&self) -> usize {
        self.rows
    }

    fn blocks(&self) -> &[Range<usize>] {
        &self.blocks
    }

    fn read(&self, index: usize) -> Result<Block> {
        let mut rest = index;
        for part in &self.parts {
            match rest.checked_sub(part.blocks().len()) {
                None => return part.read(rest),
                Some(after) => rest = after,
            }
        }
        Ok(Block::default())
    }

    fn origin(&self) -> &str {
        &self.origin
    }

    fn fixed_test(&self) -> Option<Range<usize>> {
        self.test.clone()
    }
}
