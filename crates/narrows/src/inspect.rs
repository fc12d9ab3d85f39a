//! What a model file, a file of tensors or a run directory holds, without running anything.

use std::path::{Path, PathBuf};

use narrows_tensor::{Device, TensorFile};
use narrows_train::checkpoint::manifest;
use serde::Serialize;

use crate::document::Document;
use crate::{Error, Result, RunConfig, RunDirectory, read_document};

/// What was found.
#[derive(Debug, Serialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Inspection {
    /// A model file.
    Model(Box<ModelFile>),
    /// A file of tensors, such as a checkpoint's.
    Tensors(Tensors),
    /// A run directory.
    Run(Box<Run>),
}

/// A model file whose checksum was verified.
#[derive(Debug, Serialize)]
pub struct ModelFile {
    /// The file and its tensors.
    #[serde(flatten)]
    pub file: Tensors,
    /// What it says of itself.
    pub document: Document,
}

/// A file of tensors whose checksum was verified.
#[derive(Debug, Serialize)]
pub struct Tensors {
    /// The file.
    pub path: PathBuf,
    /// Its size.
    pub bytes: u64,
    /// Its tensors by name.
    pub tensors: Vec<TensorShape>,
}

/// One tensor.
#[derive(Debug, Serialize)]
pub struct TensorShape {
    /// Full name.
    pub name: String,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Type of its elements.
    pub dtype: &'static str,
}

/// A run directory.
#[derive(Debug, Serialize)]
pub struct Run {
    /// The directory.
    pub path: PathBuf,
    /// The resolved configuration.
    pub config: RunConfig,
    /// Its checkpoints in the order of steps.
    pub checkpoints: Vec<CheckpointState>,
    /// The checkpoint from which the run would go on.
    pub latest: Option<String>,
    /// The checkpoint of the best evaluation.
    pub best: Option<String>,
    /// The trained model, if the run ended.
    pub model: Option<ModelFile>,
    /// What is damaged.
    pub problems: Vec<String>,
}

/// A checkpoint's directory.
#[derive(Debug, Serialize)]
pub struct CheckpointState {
    /// Steps done.
    pub step: u64,
    /// Size of its files.
    pub bytes: u64,
    /// Why it cannot be used; absent where all checksums hold.
    pub problem: Option<String>,
}

/// Looks into a model file, a file of tensors or a run directory and verifies its checksums.
///
/// # Errors
/// It is none of these, or a file is damaged. A run with damaged parts is described, with its problems.
pub fn inspect(path: &Path) -> Result<Inspection> {
    if path.is_dir() {
        return Ok(Inspection::Run(Box::new(run(&RunDirectory::open(path)?)?)));
    }
    if !path.exists() {
        return Err(Error::NoModel { path: path.into() });
    }
    let (file, document) = tensors(path)?;
    match document.as_str() {
        "{}" => Ok(Inspection::Tensors(file)),
        text => Ok(Inspection::Model(Box::new(ModelFile { document: read_document(path, text)?, file }))),
    }
}

impl Run {
    /// Fails if a part of the run is damaged.
    ///
    /// # Errors
    /// Names every damaged part.
    pub fn verify(&self) -> Result<()> {
        match self.problems.as_slice() {
            [] => Ok(()),
            problems => Err(Error::DamagedRun { run: self.path.clone(), problems: problems.to_vec() }),
        }
    }
}

fn tensors(path: &Path) -> Result<(Tensors, String)> {
    let file = TensorFile::read(path, &Device::Cpu).map_err(|error| match error {
        narrows_tensor::Error::Foreign { path, reason } => Error::NotOurs { path, reason },
        error => error.into(),
    })?;
    let shape = |(name, tensor): (&String, &narrows_tensor::Tensor)| TensorShape {
        name: name.clone(),
        shape: tensor.dims().to_vec(),
        dtype: tensor.dtype().as_str(),
    };
    let tensors = file.tensors.iter().map(shape).collect();
    Ok((Tensors { path: path.into(), bytes: size(path), tensors }, file.document))
}

fn run(run: &RunDirectory) -> Result<Run> {
    let text = std::fs::read_to_string(run.config());
    let text = text.map_err(|source| Error::Io { path: run.config(), action: "cannot read", source })?;
    let config = RunConfig::from_toml(&text, run.config())?;
    let checkpoints = checkpoints(&run.checkpoints());
    let mut problems: Vec<String> = checkpoints.iter().filter_map(|state| state.problem.clone()).collect();
    let mut pointer = |path: PathBuf| {
        let name = std::fs::read_to_string(&path).ok()?.trim_end().to_owned();
        if !checkpoints.iter().any(|state| format!("step-{}", state.step) == name) {
            problems.push(format!("{}: names {name:?}, and there is no such checkpoint", path.display()));
        }
        Some(name)
    };
    let (latest, best) = (pointer(run.latest()), pointer(run.best()));
    let model = match run.model().is_file().then(|| inspect(&run.model())) {
        Some(Ok(Inspection::Model(model))) => Some(*model),
        Some(Err(error)) => {
            problems.push(error.to_string());
            None
        }
        _ => None,
    };
    Ok(Run { path: run.root().into(), config, checkpoints, latest, best, model, problems })
}

/// The checkpoints in `directory`, each verified.
fn checkpoints(directory: &Path) -> Vec<CheckpointState> {
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<CheckpointState> = entries
        .filter_map(|entry| {
            let step = entry.file_name().to_str()?.strip_prefix("step-")?.parse().ok()?;
            let files = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
            let problem = manifest::verify(&entry.path()).err().map(|error| error.to_string());
            Some(CheckpointState { step, bytes: files.map(|file| size(&file.path())).sum(), problem })
        })
        .collect();
    found.sort_by_key(|state| state.step);
    found
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}
