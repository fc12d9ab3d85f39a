//! Where datasets are kept, and opening them by name.

use std::path::{Path, PathBuf};

use super::{Dataset, Opens, find};
use crate::open::checked;
use crate::smoothed::Smoothed;
use crate::{Error, OpenOptions, Result, Source, digits, open as open_path};

/// The directory of datasets: the given one, `$NARROWS_DATA`, or `narrows` in the platform's directory for caches.
///
/// # Errors
/// [`Error::NoDataDirectory`] when none of these is known.
pub fn data_directory(given: Option<&Path>) -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(directory) = given.map(Path::to_owned).or_else(|| variable("NARROWS_DATA")) {
        return Ok(directory);
    }
    let caches = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        variable("HOME").map(|home| home.join("Library/Caches"))
    } else {
        variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")))
    };
    caches.map(|caches| caches.join("narrows")).ok_or(Error::NoDataDirectory)
}

/// Whether a dataset can be opened without downloading anything.
pub fn is_present(dataset: &Dataset, directory: &Path) -> bool {
    match dataset.opens {
        Opens::Embedded => true,
        Opens::File(paths) => paths.iter().any(|path| directory.join(path).is_file()),
        Opens::Directory(_) => dataset.files.iter().all(|file| directory.join(file.path).is_file()),
        Opens::Series(example) => directory.join(example).is_file(),
    }
}

/// Opens a path, `-`, generated data, or a dataset by name; a path that exists goes before a name. One series of a
/// collection is named as `nab/realKnownCause/nyc_taxi.csv`, a group of them as `skab/valve1`.
///
/// # Errors
/// Neither a path nor a name, a dataset that is not on this machine, or what [`open`](crate::open()) says of the file.
pub fn open(data: &str, directory: Option<&Path>, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let source = found(data, directory, options)?;
    match options.smooth {
        None => Ok(source),
        Some(rows) => Ok(Box::new(Smoothed::new(source, rows)?)),
    }
}

fn found(data: &str, directory: Option<&Path>, options: &OpenOptions) -> Result<Box<dyn Source>> {
    let path = Path::new(data);
    if data == "-" || path.exists() {
        return open_path(path, options);
    }
    if crate::is_synthetic(data) {
        return checked(Box::new(crate::synthetic(data)?), options);
    }
    let (name, rest) = data.split_once('/').unwrap_or((data, ""));
    let dataset = match find(name) {
        Ok(dataset) if rest.is_empty() || matches!(dataset.opens, Opens::Series(_)) => dataset,
        Err(unknown) if rest.is_empty() && path.extension().is_none() => return Err(unknown),
        _ => return open_path(path, options),
    };
    if dataset.opens == Opens::Embedded {
        return checked(Box::new(digits::open()?), options);
    }
    let directory = data_directory(directory)?;
    let missing = || Error::NotFetched { name: dataset.name.into(), directory: directory.clone() };
    match dataset.opens {
        Opens::Embedded => Ok(Box::new(digits::open()?)),
        Opens::File(paths) => {
            let found = paths.iter().map(|path| directory.join(path)).find(|path| path.is_file());
            open_path(&found.ok_or_else(missing)?, options)
        }
        Opens::Directory(path) if is_present(dataset, &directory) => open_path(&directory.join(path), options),
        Opens::Directory(_) => Err(missing()),
        Opens::Series(example) => {
            let group = format!("{}/", data.trim_end_matches('/'));
            let chosen = |path: &str| path == data || (!rest.is_empty() && path.starts_with(&group));
            if dataset.files.iter().any(|file| chosen(file.path)) {
                let path = directory.join(data);
                if path.exists() { open_path(&path, options) } else { Err(missing()) }
            } else {
                Err(Error::Choice {
                    path: path.to_owned(),
                    problem: format!("the dataset holds several series; name one, such as {example}"),
                    names: dataset.files.iter().map(|file| file.path.to_owned()).collect(),
                    advice: "name one of these instead",
                })
            }
        }
    }
}
