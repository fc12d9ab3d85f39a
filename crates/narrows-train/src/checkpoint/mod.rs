//! Checkpoints of a run: `RUN/checkpoints/step-N/`, and the pointers `RUN/LATEST` and `RUN/BEST`.
//!
//! A checkpoint is made in a temporary directory, synced and renamed; the pointers are replaced after that, and old
//! checkpoints are removed last. So whenever the process is killed, `LATEST` names a complete checkpoint. Nothing in a
//! checkpoint depends on time: equal runs give equal bytes.

pub mod manifest;
pub mod record;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use narrows_core::Trainable;
use narrows_tensor::file::write_atomically;
use narrows_tensor::{Parameters, TensorFile};

use crate::error::io;
use crate::state::Kept;
use crate::{Best, Error, Result, State, TrainConfig};
use record::{Record, VERSION};

const WEIGHTS: &str = "weights.safetensors";
const OPTIMIZER: &str = "optimizer.safetensors";
const AVERAGE: &str = "average.safetensors";
const RECORD: &str = "state.json";
/// What a checkpoint's directory is called until it is complete.
const UNFINISHED: &str = ".unfinished-";
/// How many of the last checkpoints stay.
const KEPT: usize = 2;

/// The checkpoints of one run.
#[derive(Clone, Debug)]
pub struct Checkpoints {
    run: PathBuf,
    identity: String,
}

/// A checkpoint, read and verified.
#[derive(Debug)]
pub struct Checkpoint {
    path: PathBuf,
    record: Record,
    weights: BTreeMap<String, Tensor>,
    optimizer: BTreeMap<String, Tensor>,
    average: Option<BTreeMap<String, Tensor>>,
    best_weights: Option<BTreeMap<String, Tensor>>,
}

impl Checkpoints {
    /// The checkpoints below the directory `run`. `identity` stands for the configuration, such as its hash: a
    /// checkpoint of another configuration is refused.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn open(run: impl Into<PathBuf>, identity: impl Into<String>) -> Result<Self> {
        let checkpoints = Self { run: run.into(), identity: identity.into() };
        let directory = checkpoints.directory();
        fs::create_dir_all(&directory).map_err(io(&directory, "cannot create"))?;
        Ok(checkpoints)
    }

    /// The last checkpoint; `None` if the run has none yet.
    ///
    /// # Errors
    /// It is damaged, or was written under another configuration.
    pub fn latest(&self) -> Result<Option<Checkpoint>> {
        self.pointed("LATEST")?.map(|step| self.read(step)).transpose()
    }

    /// The checkpoint of the best evaluation; `None` if there was no evaluation yet.
    ///
    /// # Errors
    /// It is damaged, or was written under another configuration.
    pub fn best(&self) -> Result<Option<Checkpoint>> {
        self.pointed("BEST")?.map(|step| self.read(step)).transpose()
    }

    /// The checkpoint after `step` steps.
    ///
    /// # Errors
    /// It is missing or damaged, or was written under another configuration.
    pub fn read(&self, step: u64) -> Result<Checkpoint> {
        let mut checkpoint = self.read_alone(step)?;
        checkpoint.best_weights = match checkpoint.record.best {
            None => None,
            Some(best) if best.step == step => Some(checkpoint.evaluated_weights()),
            Some(best) => Some(self.read_alone(best.step)?.evaluated_weights()),
        };
        Ok(checkpoint)
    }

    /// Writes the checkpoint of the present step, points to it and removes old ones.
    ///
    /// # Errors
    /// It cannot be written; the pointers and older checkpoints are as before then.
    pub fn save(&self, parameters: &Parameters, state: &State) -> Result<PathBuf> {
        let unfinished = self.directory().join(format!("{UNFINISHED}{}", name_of(state.step)));
        remove_if_present(&unfinished)?;
        let written = self.write(&unfinished, parameters, state);
        if written.is_err() {
            // The first error says more than a failed cleaning would.
            let _ = fs::remove_dir_all(&unfinished);
        }
        let path = written?;
        self.point("LATEST", state.step)?;
        if let Some(best) = state.best() {
            self.point("BEST", best.step)?;
        }
        self.prune(state.step)?;
        Ok(path)
    }

    fn write(&self, unfinished: &Path, parameters: &Parameters, state: &State) -> Result<PathBuf> {
        fs::create_dir(unfinished).map_err(io(unfinished, "cannot create"))?;
        let tensors = |name: &str, tensors| {
            TensorFile { tensors, document: "{}".to_owned() }.write(&unfinished.join(name), false)
        };
        tensors(WEIGHTS, parameters.tensors())?;
        let moments = state.phases.iter().flat_map(|phase| {
            let group = phase.group.name;
            phase.optimizer.state().into_iter().map(move |(name, value)| (format!("{group}/{name}"), value))
        });
        tensors(OPTIMIZER, moments.collect())?;
        if let Some(average) = &state.average {
            tensors(AVERAGE, average.tensors())?;
        }
        let record = Record {
            version: VERSION,
            identity: self.identity.clone(),
            step: state.step,
            best: state.best().map(Into::into),
            evaluations_since_best: state.evaluations_since_best,
        };
        write_atomically(&unfinished.join(RECORD), &record.to_bytes(unfinished)?)?;
        manifest::write(unfinished)?;
        self.rename(unfinished, state.step)
    }

    /// Gives a complete checkpoint its name.
    fn rename(&self, unfinished: &Path, step: u64) -> Result<PathBuf> {
        let (directory, path) = (self.directory(), self.directory().join(name_of(step)));
        if path.exists() {
            if manifest::same(unfinished, &path) && manifest::verify(&path).is_ok() {
                remove_if_present(unfinished)?;
                return Ok(path);
            }
            remove_if_present(&path)?;
        }
        fs::rename(unfinished, &path).map_err(io(&path, "cannot rename to"))?;
        fs::File::open(&directory).and_then(|file| file.sync_all()).map_err(io(&directory, "cannot sync"))?;
        Ok(path)
    }

    fn read_alone(&self, step: u64) -> Result<Checkpoint> {
        let path = self.directory().join(name_of(step));
        let files = manifest::verify(&path)?;
        let tensors = |name: &str| -> Result<_> { Ok(TensorFile::read(&path.join(name), &Device::Cpu)?.tensors) };
        let record = Record::read(&path.join(RECORD))?;
        if record.identity != self.identity {
            return Err(Error::OtherRun { path, stored: record.identity, expected: self.identity.clone() });
        }
        Ok(Checkpoint {
            record,
            weights: tensors(WEIGHTS)?,
            optimizer: tensors(OPTIMIZER)?,
            average: files.iter().any(|name| name == AVERAGE).then(|| tensors(AVERAGE)).transpose()?,
            best_weights: None,
            path,
        })
    }

    fn directory(&self) -> PathBuf {
        self.run.join("checkpoints")
    }

    fn point(&self, pointer: &str, step: u64) -> Result<()> {
        Ok(write_atomically(&self.run.join(pointer), format!("{}\n", name_of(step)).as_bytes())?)
    }

    fn pointed(&self, pointer: &str) -> Result<Option<u64>> {
        let path = self.run.join(pointer);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(Error::Io { path, action: "cannot read", source }),
        };
        let step = step_of(text.trim_end());
        let reason = || format!("expected the name of a checkpoint such as step-100, found {text:?}");
        step.map(Some).ok_or_else(|| Error::Damaged { path, reason: reason() })
    }

    /// Removes what is not among the last checkpoints up to `step`, nor the best of one of these.
    fn prune(&self, step: u64) -> Result<()> {
        let directory = self.directory();
        let names = fs::read_dir(&directory).map_err(io(&directory, "cannot list"))?;
        let names = names.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
        let (mut steps, others): (Vec<_>, Vec<_>) =
            names.map(|name| (step_of(&name), name)).partition(|(step, _)| step.is_some());
        steps.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        let mut kept: Vec<u64> = steps.iter().filter_map(|(at, _)| *at).filter(|at| *at <= step).take(KEPT).collect();
        for last in kept.clone() {
            let record = Record::read(&directory.join(name_of(last)).join(RECORD));
            kept.extend(record.ok().and_then(|record| record.best).map(|best| best.step));
        }
        for (at, name) in steps {
            if at.is_some_and(|at| !kept.contains(&at)) {
                remove_if_present(&directory.join(name))?;
            }
        }
        for (_, name) in others.iter().filter(|(_, name)| name.starts_with(UNFINISHED)) {
            remove_if_present(&directory.join(name))?;
        }
        Ok(())
    }
}

impl Checkpoint {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.record.step
    }

    /// The best evaluation until then.
    pub fn best(&self) -> Option<Best> {
        self.record.best.map(Into::into)
    }

    /// Parameters and buffers as the next step would find them.
    pub fn weights(&self) -> &BTreeMap<String, Tensor> {
        &self.weights
    }

    /// Parameters and buffers as they are evaluated: with the moving average where there is one.
    pub fn evaluated_weights(&self) -> BTreeMap<String, Tensor> {
        let mut weights = self.weights.clone();
        weights.extend(self.average.clone().unwrap_or_default());
        weights
    }

    /// Gives `model` its parameters and buffers, and returns the state to go on from.
    ///
    /// # Errors
    /// The checkpoint does not fit the model or the configuration.
    pub fn restore(self, model: &dyn Trainable, config: &TrainConfig) -> Result<State> {
        let origin = |name: &str| self.path.join(name).display().to_string();
        model.parameters().restore(&self.weights, &origin(WEIGHTS))?;
        let mut state = State::new(model, config)?;
        let mut groups = BTreeMap::<&str, BTreeMap<String, Tensor>>::new();
        for (name, value) in &self.optimizer {
            let (group, name) = name.split_once('/').unwrap_or(("", name));
            groups.entry(group).or_default().insert(name.to_owned(), value.clone());
        }
        for phase in &mut state.phases {
            let stored = groups.remove(phase.group.name).unwrap_or_default();
            phase.optimizer.restore(&stored, &origin(OPTIMIZER))?;
        }
        match (&state.average, &self.average) {
            (Some(average), Some(stored)) => average.restore(stored, &origin(AVERAGE))?,
            (None, None) => (),
            _ => {
                let (stored, expected) = ("with another ema".to_owned(), format!("ema = {:?}", config.ema));
                return Err(Error::OtherRun { path: self.path, stored, expected });
            }
        }
        state.step = self.record.step;
        state.best = self.record.best.zip(self.best_weights).map(|(at, weights)| Kept { at: at.into(), weights });
        state.evaluations_since_best = self.record.evaluations_since_best;
        Ok(state)
    }
}

fn name_of(step: u64) -> String {
    format!("step-{step}")
}

fn step_of(name: &str) -> Option<u64> {
    let step = name.strip_prefix("step-")?.parse().ok()?;
    (name_of(step) == name).then_some(step)
}

fn remove_if_present(directory: &Path) -> Result<()> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::Io { path: directory.into(), action: "cannot remove", source: error })
        }
        _ => Ok(()),
    }
}
