//! Noisy data to clean data: rows in the schema of the input, pictures of any size as pictures.

mod noise;
mod pictures;
mod rows;
mod tiles;

use std::path::Path;

use narrows_data::format::picture;
use narrows_data::{OpenOptions, Sample};
use narrows_eval::Quality;
use serde::Serialize;

use crate::{Model, Part, Result};

/// What is to be denoised, and where it goes.
#[derive(Clone, Copy, Debug)]
pub struct Denoise<'a> {
    /// A file, a directory, `-`, or a dataset's name.
    pub input: &'a str,
    /// Where datasets lie.
    pub data_dir: Option<&'a Path>,
    /// Which rows; pictures are taken as a whole.
    pub part: Part,
    /// The first rows or pictures only.
    pub limit: Option<usize>,
    /// The file to write; for a folder of pictures a folder.
    pub out: &'a Path,
    /// Whether existing files are replaced.
    pub force: bool,
    /// The same data without noise, to compare with: rows in the same order, pictures of the same names.
    pub clean: Option<&'a str>,
    /// The level of noise that is added to the input first, which is then the clean data to compare with: in units of the
    /// data's own deviation, of pixels of their range, 0 to 1. Noisy pixels may leave that range.
    pub add_noise: Option<f64>,
    /// Seed of that noise.
    pub seed: u64,
    /// Where the noisy data go.
    pub noisy: Option<&'a Path>,
}

/// What was done.
#[derive(Clone, Debug, Serialize)]
pub struct Denoised {
    /// Rows or pictures.
    pub samples: usize,
    /// How far input and output are from the clean data, where there are any.
    #[serde(flatten)]
    pub comparison: Option<Comparison>,
}

/// Distances from the clean data.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Comparison {
    /// Of the noisy input.
    pub noisy: Quality,
    /// Of the output.
    pub denoised: Quality,
}

impl Comparison {
    /// Whether the output is further from the clean data than the input was: of pictures by the PSNR, which is a mean over
    /// pictures.
    pub fn harmful(&self) -> bool {
        match (self.noisy.psnr, self.denoised.psnr) {
            (Some(noisy), Some(denoised)) => denoised < noisy,
            _ => self.denoised.squared_error_per_element > self.noisy.squared_error_per_element,
        }
    }
}

/// Denoises. Calls `progress` with the samples or pictures just done, and how many
/// there are in all.
///
/// # Errors
/// The input cannot be read or does not fit the model, the clean data do not fit the input, or the output cannot be written.
pub fn denoise(model: &Model, request: &Denoise<'_>, progress: &mut dyn FnMut(usize, usize)) -> Result<Denoised> {
    let path = Path::new(request.input);
    let picture_model = matches!(model.document.schema().sample, Sample::Image { .. });
    if picture_model && (picture::is_picture(path) || is_folder_of_pictures(path)) {
        pictures::denoise(model, request, progress)
    } else {
        rows::denoise(model, request, progress)
    }
}

/// Whether pictures are what one opens there.
fn is_folder_of_pictures(path: &Path) -> bool {
    path.is_dir() && narrows_data::is_picture_folder(path)
}

impl Model {
    /// How data are opened that are to come out as they are, but for the columns that the model knows.
    fn whole_rows(&self) -> OpenOptions {
        OpenOptions { keep_others: true, ..self.open_options() }
    }
}
