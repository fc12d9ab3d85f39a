//! The run directory: what lies where.

use std::path::{Path, PathBuf};

use crate::{Error, Result};

/// The files of one run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunDirectory {
    root: PathBuf,
}

impl RunDirectory {
    /// Makes the directory of a new run. With `force`, what an earlier run left there is removed first.
    ///
    /// # Errors
    /// There is something at that place already and `force` is not set, or it cannot be made.
    pub fn create(root: &Path, force: bool) -> Result<Self> {
        let run = Self { root: root.into() };
        if root.exists() && !is_empty_directory(root) {
            if !force {
                return Err(Error::OutputExists { path: root.into() });
            }
            run.clear()?;
        }
        std::fs::create_dir_all(root).map_err(|source| Error::Io {
            path: root.into(),
            action: "cannot create",
            source,
        })?;
        Ok(run)
    }

    /// The directory `root`, whether or not a run is there.
    pub fn at(root: &Path) -> Self {
        Self { root: root.into() }
    }

    /// An existing run.
    ///
    /// # Errors
    /// There is no run at that place.
    pub fn open(root: &Path) -> Result<Self> {
        let run = Self { root: root.into() };
        if run.config().is_file() { Ok(run) } else { Err(Error::NoRun { path: root.into() }) }
    }

    /// Removes a run that ended before its first checkpoint, so that the next attempt finds its place free.
    pub fn abandon(&self) {
        if !self.latest().exists() && !self.model().exists() {
            // There may be nothing of a run yet; the directory stays if somebody keeps other files there.
            let _ = self.clear();
            let _ = std::fs::remove_dir(&self.root);
        }
    }

    /// Removes the files of an earlier run, and only those.
    fn clear(&self) -> Result<()> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| Error::Io { path, action: "cannot remove", source }
        };
        if !self.config().is_file() {
            return Err(Error::ForeignDirectory { path: self.root.clone() });
        }
        for file in
            [self.model(), self.figures(), self.report(), self.metrics(), self.latest(), self.best(), self.config()]
        {
            if file.exists() {
                std::fs::remove_file(&file).map_err(io(&file))?;
            }
        }
        for directory in [self.checkpoints(), self.events()] {
            if directory.exists() {
                std::fs::remove_dir_all(&directory).map_err(io(&directory))?;
            }
        }
        Ok(())
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }
    /// The resolved configuration.
    pub fn config(&self) -> PathBuf {
        self.root.join("run.toml")
    }
    /// One JSON line for each logged step and evaluation.
    pub fn metrics(&self) -> PathBuf {
        self.root.join("metrics.jsonl")
    }
    /// TensorBoard event files.
    pub fn events(&self) -> PathBuf {
        self.root.join("events")
    }
    /// Checkpoints by step.
    pub fn checkpoints(&self) -> PathBuf {
        self.root.join("checkpoints")
    }
    /// Name of the newest checkpoint.
    pub fn latest(&self) -> PathBuf {
        self.root.join("LATEST")
    }
    /// Name of the best checkpoint.
    pub fn best(&self) -> PathBuf {
        self.root.join("BEST")
    }
    /// The trained model.
    pub fn model(&self) -> PathBuf {
        self.root.join("model.safetensors")
    }
    /// The figures of the report.
    pub fn figures(&self) -> PathBuf {
        self.root.join("report.json")
    }
    /// The page to look at.
    pub fn report(&self) -> PathBuf {
        self.root.join("report.html")
    }
}

fn is_empty_directory(path: &Path) -> bool {
    std::fs::read_dir(path).is_ok_and(|mut entries| entries.next().is_none())
}
