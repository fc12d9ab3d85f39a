//! Pictures of any size, one by one: as a whole where the model takes any size, else in overlapping patches.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use narrows_core::{Autoencoder, Dims, Trainable};
use narrows_data::format::folder::{Collection, Entry};
use narrows_data::format::picture::{self, Picture};
use narrows_data::sink::write_picture;
use narrows_eval::ReconstructionError;
use narrows_tensor::{Device, Tensor};

use super::tiles::{Canvas, corners, cut};
use super::{Comparison, Denoise, Denoised, noise};
use crate::transform::flat;
use crate::{Error, Model, Result, model};

/// Larger pictures are cut into tiles of this side, even where the model takes any size: memory stays bounded.
const TILE: usize = 256;
/// Places from one tile to the next.
const TILE_STEP: usize = 192;
/// Patches that go through the model at a time.
const PATCHES: usize = 256;

/// Denoises one picture into a file, or a folder of them into a folder.
pub(super) fn denoise(
    model: &Model,
    request: &Denoise<'_>,
    progress: &mut dyn FnMut(usize, usize),
) -> Result<Denoised> {
    let input = Path::new(request.input);
    let mut collection = Collection::scan(input, true)?;
    collection.entries.truncate(request.limit.unwrap_or(usize::MAX));
    let folder = input.is_dir();
    let outputs = targets(&collection.entries, request.out, folder, request.force)?;
    let noisy = request.noisy.map(|path| targets(&collection.entries, path, folder, request.force)).transpose()?;
    let clean = request.clean.map(|clean| pairs(&collection.entries, Path::new(clean))).transpose()?;
    let mut eye = Eye::new(model);
    for entry in &collection.entries {
        eye.fits(entry)?;
    }
    let mut comparison = None;
    for (index, entry) in collection.entries.iter().enumerate() {
        let read = picture::decode(&entry.path, entry.size.channels, None)?;
        let mut given = read.clone();
        if let Some(level) = request.add_noise {
            noise::add(&mut given.values, level, &[1.0], request.seed, index);
        }
        let denoised = eye.denoised(&given)?;
        let reference = match &clean {
            Some(paths) => Some(same_size(&paths[index], &read)?),
            None => request.add_noise.map(|_| read.clone()),
        };
        if let Some(reference) = reference {
            comparison.get_or_insert_with(Distances::default).add(&reference, &given, &denoised)?;
        }
        if let Some(paths) = &noisy {
            write_picture(&paths[index], &given, request.force)?;
        }
        write_picture(&outputs[index], &denoised, request.force)?;
        progress(1, collection.entries.len());
    }
    let comparison = comparison.map(Distances::finish);
    Ok(Denoised { samples: collection.entries.len(), comparison })
}

/// The files to write: `out` itself for one picture, for a folder files of the same names in it, as PNG.
fn targets(entries: &[Entry], out: &Path, folder: bool, force: bool) -> Result<Vec<PathBuf>> {
    if !folder {
        return Ok(vec![out.to_owned()]);
    }
    if out.exists() && !force {
        return Err(Error::OutputFileExists { path: out.to_owned() });
    }
    let paths: Vec<PathBuf> = entries.iter().map(|entry| out.join(&entry.name).with_extension("png")).collect();
    let mut seen = BTreeSet::new();
    if let Some(twice) = paths.iter().find(|path| !seen.insert(path.as_path())) {
        return Err(Error::SameName { path: twice.clone() });
    }
    for folder in paths.iter().filter_map(|path| path.parent()).collect::<BTreeSet<_>>() {
        std::fs::create_dir_all(folder).map_err(|source| Error::Io {
            path: folder.to_owned(),
            action: "cannot create",
            source,
        })?;
    }
    Ok(paths)
}

/// The clean picture of each entry: of the same name but for the extension, or the only one.
fn pairs(entries: &[Entry], clean: &Path) -> Result<Vec<PathBuf>> {
    let found = Collection::scan(clean, true)?.entries;
    if let ([_], [one], false) = (entries, found.as_slice(), clean.is_dir()) {
        return Ok(vec![one.path.clone()]);
    }
    let stem = |entry: &Entry| Path::new(&entry.name).with_extension("");
    let by_name: BTreeMap<PathBuf, &Entry> = found.iter().map(|entry| (stem(entry), entry)).collect();
    let pair = |entry: &Entry| {
        let missing = || Error::NoClean { path: entry.path.clone(), clean: clean.to_owned() };
        by_name.get(&stem(entry)).map(|clean| clean.path.clone()).ok_or_else(missing)
    };
    entries.iter().map(pair).collect()
}

/// The clean picture, which must have the noisy one's size.
fn same_size(path: &Path, noisy: &Picture) -> Result<Picture> {
    let clean = picture::decode(path, noisy.channels, None)?;
    if (clean.height, clean.width) == (noisy.height, noisy.width) {
        return Ok(clean);
    }
    Err(Error::CleanSize {
        path: path.to_owned(),
        found: format!("{} x {} pixels", clean.width, clean.height),
        expected: format!("{} x {}", noisy.width, noisy.height),
    })
}

/// A model that looks at pictures of its own size, at patches of them, or at pictures of any size.
struct Eye<'a> {
    model: &'a Model,
    /// The same weights for other sizes, by height and width.
    sized: BTreeMap<[usize; 2], Box<dyn Trainable>>,
    own: [usize; 3],
}

impl<'a> Eye<'a> {
    fn new(model: &'a Model) -> Self {
        let own = match *model.preparation.layout().dims.as_slice() {
            [height, width, channels] => [height, width, channels],
            _ => [1, 1, 1],
        };
        Self { model, sized: BTreeMap::new(), own }
    }

    /// Whether it can look at this picture.
    fn fits(&self, entry: &Entry) -> Result<()> {
        let sides = [entry.size.height as usize, entry.size.width as usize];
        let config = &self.model.document.config;
        let patches = config.data.patch.is_some_and(|patch| patch > 0);
        let covers = sides[0] >= self.own[0] && sides[1] >= self.own[1];
        if config.model.any_size() || sides == self.own[..2] || (patches && covers) {
            return Ok(());
        }
        Err(Error::PictureSides {
            path: entry.path.clone(),
            found: format!("{} x {}", sides[1], sides[0]),
            model: config.model.name(),
            expected: format!("{} x {}", self.own[1], self.own[0]),
            patches,
        })
    }

    fn denoised(&mut self, picture: &Picture) -> Result<Picture> {
        let sides = [picture.height, picture.width];
        let channels = self.own[2];
        let planes = planes(picture, channels);
        let any = self.model.document.config.model.any_size();
        let (tile, step) = match any {
            true => (sides.map(|side| side.min(TILE)), [TILE_STEP; 2]),
            false => ([self.own[0], self.own[1]], [(self.own[0] / 4).max(1), (self.own[1] / 4).max(1)]),
        };
        let places = corners(sides, tile, step);
        let network = self.network(tile)?;
        let at_once = (PATCHES * 784 / (tile[0] * tile[1])).clamp(1, PATCHES);
        let mut result = Vec::new();
        for plane in &planes {
            let mut canvas = Canvas::new(sides, channels);
            for some in places.chunks(at_once) {
                let cut = |&[top, left]: &[usize; 2]| {
                    cut(plane, sides[1], channels, top..top + tile[0], left..left + tile[1])
                };
                let values: Vec<f32> = some.iter().flat_map(cut).collect();
                let shape = [some.len(), tile[0], tile[1], channels];
                let x = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu);
                let y = flat(&network.reconstruct(&x.map_err(narrows_tensor::Error::from)?)?)?;
                for (corner, values) in some.iter().zip(y.chunks_exact(tile[0] * tile[1] * channels)) {
                    canvas.add(*corner, tile, values);
                }
            }
            result.push(canvas.finish());
        }
        Ok(Picture { values: joined(result, picture.channels, channels), ..*picture })
    }

    /// The network for pictures of these sides.
    fn network(&mut self, sides: [usize; 2]) -> Result<&dyn Autoencoder> {
        if sides == self.own[..2] {
            return Ok(self.model.network.as_ref());
        }
        if !self.sized.contains_key(&sides) {
            let mut document = self.model.document.clone();
            document.data.sample = Dims::new([sides[0], sides[1], self.own[2]]);
            let network = model::fresh(&document)?;
            let weights = self.model.network.parameters().tensors().into_iter().collect();
            network.parameters().restore(&weights, "the model")?;
            self.sized.insert(sides, network);
        }
        let sized = self.sized.get(&sides).map(|network| network.as_ref() as &dyn Autoencoder);
        Ok(sized.unwrap_or(self.model.network.as_ref()))
    }
}

/// What a model of so many channels looks at: the colours of a picture one by one for a grey model, grey as every colour for
/// a model of colours.
fn planes(picture: &Picture, channels: usize) -> Vec<Vec<f32>> {
    match (picture.channels, channels) {
        (own, wanted) if own == wanted => vec![picture.values.clone()],
        (own, 1) => (0..own).map(|at| picture.values.iter().skip(at).step_by(own).copied().collect()).collect(),
        (_, wanted) => vec![picture.values.iter().flat_map(|&value| vec![value; wanted]).collect()],
    }
}

/// The reverse, for a picture of `own` channels and a model of `wanted`: colours interleaved, or their mean.
fn joined(mut planes: Vec<Vec<f32>>, own: usize, wanted: usize) -> Vec<f32> {
    if planes.len() > 1 {
        let places = planes[0].len();
        return (0..places).flat_map(|place| planes.iter().map(move |plane| plane[place])).collect();
    }
    let plane = planes.pop().unwrap_or_default();
    match (own, wanted) {
        (own, wanted) if own == wanted => plane,
        _ => plane.chunks_exact(wanted).map(|values| values.iter().sum::<f32>() / wanted as f32).collect(),
    }
}

/// Sums over pictures of all sizes, each counting as one.
#[derive(Default)]
struct Distances {
    pictures: Vec<[narrows_eval::Quality; 2]>,
}

impl Distances {
    fn add(&mut self, clean: &Picture, noisy: &Picture, denoised: &Picture) -> Result<()> {
        let tensor = |picture: &Picture| {
            let tensor = Tensor::from_slice(&picture.values, (1, picture.values.len()), &Device::Cpu);
            tensor.map_err(narrows_tensor::Error::from)
        };
        let distance = |other: &Picture| -> Result<narrows_eval::Quality> {
            let mut error = ReconstructionError::new(vec![1.0; clean.values.len()], true);
            error.add(&tensor(clean)?, &tensor(other)?, None)?;
            Ok(error.quality()?)
        };
        self.pictures.push([distance(noisy)?, distance(denoised)?]);
        Ok(())
    }

    fn finish(self) -> Comparison {
        let mean = |which: usize| {
            let count = self.pictures.len() as f64;
            let mean = |value: fn(&narrows_eval::Quality) -> f64| {
                self.pictures.iter().map(|pair| value(&pair[which])).sum::<f64>() / count
            };
            narrows_eval::Quality {
                samples: self.pictures.len() as u64,
                squared_error: mean(|quality| quality.squared_error),
                squared_error_per_element: mean(|quality| quality.squared_error_per_element),
                explained_variance: None,
                psnr: Some(mean(|quality| quality.psnr.unwrap_or(f64::NAN))),
            }
        };
        Comparison { noisy: mean(0), denoised: mean(1) }
    }
}
