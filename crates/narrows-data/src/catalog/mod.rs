//! Public datasets by name: where they come from, under which licence, and how they get onto this machine.

mod fetch;
mod images;
mod locate;
mod series;
mod tables;

pub use fetch::{Progress, fetch};
pub use locate::{data_directory, is_present, open};

use crate::{Error, Result};

/// A catalogued dataset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dataset {
    /// What it is called on the command line.
    pub name: &'static str,
    /// What it holds, in one line.
    pub about: &'static str,
    /// The licence of the data.
    pub licence: &'static str,
    /// What to cite.
    pub citation: &'static str,
    /// Where its authors describe it.
    pub homepage: &'static str,
    /// What is opened under its name.
    pub opens: Opens,
    /// What is downloaded; nothing for embedded data.
    pub files: &'static [Remote],
}

/// What is opened under a dataset's name; paths are within the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// Data within the program.
    Embedded,
    /// The first of these files that is there.
    File(&'static [&'static str]),
    /// A directory as a whole.
    Directory(&'static str),
    /// One of several series, named as `dataset/path`; this is an example.
    Series(&'static str),
}

/// A file to download.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remote {
    /// Its address.
    pub url: &'static str,
    /// Where it belongs in the data directory.
    pub path: &'static str,
    /// Its size in bytes.
    pub size: u64,
    /// Its SHA-256 in hexadecimal digits.
    pub sha256: &'static str,
    /// A line of column names to put before its contents, for tables that are published without one.
    pub header: Option<&'static str>,
}

impl Dataset {
    /// Bytes to download.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.size).sum()
    }
}

/// All datasets: images, tables, time series.
pub fn datasets() -> impl Iterator<Item = &'static Dataset> {
    [images::IMAGES, tables::TABLES, series::SERIES].into_iter().flatten()
}

/// The dataset called `name`.
///
/// # Errors
/// [`Error::UnknownDataset`], with the names there are.
pub fn find(name: &str) -> Result<&'static Dataset> {
    datasets().find(|dataset| dataset.name == name).ok_or_else(|| {
        let known = datasets().map(|dataset| dataset.name).collect();
        Error::UnknownDataset { name: name.into(), known }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::{Component, Path};

    use super::*;

    #[test]
    fn entries_are_complete_and_names_unique() {
        let names: BTreeSet<_> = datasets().map(|dataset| dataset.name).collect();
        assert_eq!(names.len(), datasets().count());
        for dataset in datasets() {
            for text in [dataset.about, dataset.licence, dataset.citation, dataset.homepage] {
                assert!(!text.is_empty(), "{}", dataset.name);
            }
            assert_eq!(dataset.files.is_empty(), dataset.opens == Opens::Embedded, "{}", dataset.name);
            for file in dataset.files {
                assert!(file.sha256.len() == 64 && file.sha256.bytes().all(|b| b.is_ascii_hexdigit()), "{}", file.url);
                assert!(Path::new(file.path).components().all(|part| matches!(part, Component::Normal(_))));
                assert!(file.size > 0 && file.url.starts_with("http"), "{}", file.url);
            }
        }
    }

    #[test]
    fn unknown_names_list_what_there_is() {
        let message = find("mnits").unwrap_err().to_string();
        assert!(message.contains("fashion-mnist") && message.contains("did you mean `mnist`"), "{message}");
    }
}
