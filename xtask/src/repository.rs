//! Where things are: the repository's root, its files, Cargo's view of its crates.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::Result;
use crate::process::{cargo, output};

/// The repository's root: the folder above this crate.
pub fn root() -> &'static Path {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder.parent().unwrap_or(crate_folder)
}

/// Folders that no clone has.
const IGNORED: [&str; 3] = ["target", "runs", ".git"];

/// Every file that is tracked or would be, relative to the root and with `/` between folders, in order.
///
/// # Errors
///
/// When a folder cannot be read.
pub fn files() -> Result<Vec<String>> {
    let mut files = match listed_by_git() {
        Some(files) => files,
        None => walked(root())?,
    };
    files.sort();
    files.dedup();
    Ok(files)
}

/// `None` without git, e.g. in an unpacked archive.
fn listed_by_git() -> Option<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .stderr(Stdio::null())
        .output()
        .ok()
        .filter(|listing| listing.status.success())?;
    let names = String::from_utf8(listing.stdout).ok()?;
    let present = |name: &&str| root().join(name).is_file();
    Some(names.split('\0').filter(|name| !name.is_empty()).filter(present).map(str::to_owned).collect())
}

fn walked(folder: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))? {
        let path = entry?.path();
        let relative = path.strip_prefix(root())?.to_string_lossy().replace('\\', "/");
        if path.is_dir() {
            if !IGNORED.contains(&relative.as_str()) {
                found.extend(walked(&path)?);
            }
        } else {
            found.push(relative);
        }
    }
    Ok(found)
}

/// Whether a path ends with this extension.
pub fn is_kind(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// What `cargo metadata` says about the workspace's own crates.
#[derive(Debug, Deserialize)]
pub struct Metadata {
    /// The crates.
    pub packages: Vec<Package>,
    /// Where Cargo builds.
    pub target_directory: PathBuf,
}

/// One crate of the workspace.
#[derive(Debug, Deserialize)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// What it depends on, for any purpose.
    pub dependencies: Vec<Dependency>,
}

/// One dependency of a [`Package`].
#[derive(Debug, Deserialize)]
pub struct Dependency {
    /// Its name.
    pub name: String,
    /// `None` for ordinary dependencies, else `dev` or `build`.
    pub kind: Option<String>,
}

/// Asks Cargo about the workspace.
///
/// # Errors
///
/// When Cargo fails.
pub fn metadata() -> Result<Metadata> {
    let text = output(&mut cargo(&["metadata", "--no-deps", "--format-version", "1"]))?;
    Ok(serde_json::from_str(&text)?)
}

/// The folder that Cargo builds in.
///
/// # Errors
///
/// When Cargo fails.
pub fn target() -> Result<PathBuf> {
    Ok(metadata()?.target_directory)
}

/// Where a dataset lies: in `$NARROWS_DATA` or `../shared/data`.
///
/// # Errors
///
/// When it is absent.
pub fn data(name: &str) -> Result<PathBuf> {
    let named = std::env::var_os("NARROWS_DATA").map(PathBuf::from);
    let mut found = named.into_iter().chain([root().join("../shared/data")]).map(|folder| folder.join(name));
    let found = found.find(|path| path.exists());
    found.ok_or_else(|| format!("{name} is absent: set NARROWS_DATA, or `cargo xtask data`").into())
}

/// Reads a file of the repository.
///
/// # Errors
///
/// When it cannot be read as text.
pub fn read(path: &str) -> Result<String> {
    Ok(fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))?)
}

/// Replaces a file of the repository as a whole: readers see the old text or the new one.
///
/// # Errors
///
/// When the folder or the file cannot be written.
pub fn write(path: &str, text: &str) -> Result {
    let target = root().join(path);
    let fail = |error: std::io::Error| format!("{path}: {error}");
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(fail)?;
    }
    let mut temporary = target.clone().into_os_string();
    temporary.push(".new");
    fs::write(&temporary, text).map_err(fail)?;
    Ok(fs::rename(&temporary, &target).map_err(fail)?)
}
