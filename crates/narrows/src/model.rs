//! A trained model with everything that is needed to use it, as one file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use narrows_core::Trainable;
use narrows_data::{OpenOptions, Preparation, Role, Source};
use narrows_eval::{GaussianMixture, Pca};
use narrows_tensor::{DType, Device, Key, Scope, Tensor, TensorFile};

use crate::detect::{self, Detector};
use crate::document::{Document, FORMAT};
use crate::generate::FlowSampler;
use crate::{Error, Result, RunDirectory, places};

/// Prefix of the model's own tensors in the file.
const WEIGHTS: &str = "model.";
/// Prefix of the baseline's tensors in the file.
const BASELINE: &str = "pca.";
/// Prefix of the sampler's tensors in the file.
const SAMPLER: &str = "sampler.";
/// Prefix of the flow's tensors in the file.
const FLOW: &str = "flow.";

/// A trained model, its baseline and its document.
pub struct Model {
    /// What it is and where it came from.
    pub document: Document,
    /// The network.
    pub network: Box<dyn Trainable>,
    /// The principal components of the same training rows at the same code size.
    pub baseline: Pca,
    /// What new codes are drawn from where the model has no prior; `None` where codes are too wide or too few.
    pub sampler: Option<GaussianMixture>,
    /// What new codes are drawn from instead, where training was asked for it.
    pub flow: Option<FlowSampler>,
    /// How raw values become features.
    pub preparation: Arc<Preparation>,
    /// How rows are scored; none in files of versions that knew no detectors.
    pub detector: Option<Detector>,
}

impl Model {
    /// Reads a model file, or that of a run directory.
    ///
    /// # Errors
    /// There is none, it is damaged, foreign, or of a newer version.
    pub fn load(path: &Path) -> Result<Self> {
        let path = Self::find(path)?;
        let file = TensorFile::read(&path, &Device::Cpu)?;
        let document = read_document(&path, &file.document)?;
        let network = fresh(&document)?;
        let origin = path.display().to_string();
        network.parameters().restore(&part(&file.tensors, WEIGHTS), &origin)?;
        let baseline = Pca::from_tensors(&part(&file.tensors, BASELINE))?;
        let sampler = part(&file.tensors, SAMPLER);
        let sampler = (!sampler.is_empty()).then(|| GaussianMixture::from_tensors(&sampler)).transpose()?;
        let flow = document.config.flow.as_ref();
        let flow = flow.map(|config| FlowSampler::from_tensors(config, part(&file.tensors, FLOW))).transpose()?;
        let preparation = Arc::new(document.preparation.clone());
        let stored = part(&file.tensors, detect::PREFIX);
        let restore = |record| Detector::restore(record, &preparation, &stored);
        let detector = document.detector.as_ref().map(restore).transpose()?;
        Ok(Self { document, network, baseline, sampler, flow, preparation, detector })
    }

    /// The model file at `path`, which may be a run directory.
    ///
    /// # Errors
    /// There is none.
    pub fn find(path: &Path) -> Result<PathBuf> {
        let file = if path.is_dir() { RunDirectory::at(path).model() } else { path.to_owned() };
        match file.is_file() {
            true => Ok(file),
            false if RunDirectory::at(path).config().is_file() => Err(Error::UnfinishedRun { path: path.into() }),
            false => Err(Error::NoModel { path: path.into() }),
        }
    }

    /// Writes the model file atomically.
    ///
    /// # Errors
    /// It exists and `overwrite` is false, or it cannot be written.
    pub fn save(&self, path: &Path, overwrite: bool) -> Result<()> {
        let named = |prefix: &'static str| move |(name, tensor): (String, Tensor)| (format!("{prefix}{name}"), tensor);
        let weights = self.network.parameters().tensors().into_iter().map(named(WEIGHTS));
        let baseline = self.baseline.tensors()?.into_iter().map(named(BASELINE));
        let stored = self.detector.iter().flat_map(Detector::tensors).map(named(detect::PREFIX));
        let sampler = self.sampler.as_ref().map(GaussianMixture::tensors).transpose()?.unwrap_or_default();
        let sampler = sampler.into_iter().map(named(SAMPLER));
        let flow = self.flow.as_ref().map(FlowSampler::tensors).transpose()?.unwrap_or_default();
        let sampler = sampler.chain(flow.into_iter().map(named(FLOW)));
        let document = serde_json::to_string(&self.document)
            .map_err(|error| Error::Document { path: path.into(), reason: error.to_string() })?;
        let tensors = weights.chain(baseline).chain(stored).chain(sampler).collect();
        Ok(TensorFile { tensors, document }.write(path, overwrite)?)
    }

    /// Opens data that this model is to be used on: its columns are found by name.
    ///
    /// # Errors
    /// The data cannot be read, or lack what the model needs.
    pub fn open(&self, data: &str, data_dir: Option<&Path>, keep: &[String]) -> Result<Arc<dyn Source>> {
        places::open(data, data_dir, &OpenOptions { keep: keep.to_vec(), ..self.open_options() })
    }

    /// Opens data that are to be scored: cells and lines of a text that cannot be read are missing values that the source
    /// tells of, because one of them must not keep a file of others from its scores.
    ///
    /// # Errors
    /// As [`Model::open`], but for such cells and lines.
    pub fn open_to_score(&self, data: &str, data_dir: Option<&Path>, keep: &[String]) -> Result<Arc<dyn Source>> {
        places::open(data, data_dir, &OpenOptions { keep: keep.to_vec(), lenient: true, ..self.open_options() })
    }

    /// As [`Model::open_to_score`], with the columns that only go along as texts, as they stand in the file.
    ///
    /// # Errors
    /// As [`Model::open_to_score`].
    pub fn open_to_detect(&self, data: &str, data_dir: Option<&Path>, keep: &[String]) -> Result<Arc<dyn Source>> {
        let keep = keep.to_vec();
        places::open(data, data_dir, &OpenOptions { keep, lenient: true, verbatim: true, ..self.open_options() })
    }

    /// The columns of the training data that are no features of samples: new data may lack them.
    pub(crate) fn unread(&self) -> Vec<String> {
        let read = self.preparation.output_schema();
        let condition = self.preparation.condition().map(narrows_data::Condition::name);
        let columns = self.document.schema().columns.iter().filter(|column| column.role == Role::Feature);
        let names = columns.map(|column| column.name.clone());
        names.filter(|name| read.position(name).is_none() && condition != Some(name.as_str())).collect()
    }

    /// How data are opened that this model is to be used on.
    pub(crate) fn open_options(&self) -> OpenOptions {
        OpenOptions {
            columns: None,
            exclude: Vec::new(),
            label: None,
            expected: Some(self.document.schema().clone()),
            optional: self.unread(),
            ..self.document.config.data.open_options()
        }
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("document", &self.document).finish_non_exhaustive()
    }
}

/// The document of a model file.
///
/// # Errors
/// It is of a newer version, or no document of a model.
pub fn read_document(path: &Path, text: &str) -> Result<Document> {
    let refuse = |reason: String| Error::Document { path: path.into(), reason };
    let version = serde_json::from_str::<serde_json::Value>(text).ok().and_then(|json| json["format"].as_u64());
    match version {
        Some(version) if version > u64::from(FORMAT) => Err(refuse(format!(
            "written by a newer version of Narrows (format {version}, this one reads up to {FORMAT}); update Narrows"
        ))),
        _ => serde_json::from_str(text).map_err(|error| refuse(format!("not the document of a model: {error}"))),
    }
}

/// The network that a document describes, with initial weights.
pub(crate) fn fresh(document: &Document) -> Result<Box<dyn Trainable>> {
    let key = Key::new(document.config.train.seed).named("init");
    let scope = Scope::root(key, DType::F32, &Device::Cpu);
    Ok(narrows_models::build(&document.config.model, &document.data, &scope)?)
}

/// The tensors whose names begin with `prefix`, without it.
fn part(tensors: &BTreeMap<String, Tensor>, prefix: &str) -> BTreeMap<String, Tensor> {
    let own = tensors.iter().filter_map(|(name, tensor)| Some((name.strip_prefix(prefix)?.to_owned(), tensor.clone())));
    own.collect()
}
