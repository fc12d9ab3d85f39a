//! The configuration of a run: data, model, training. A value of these types is valid.

use narrows_data::format::folder::{Patches, PictureOptions};
use narrows_data::patches::Patch;
use narrows_data::{OpenOptions, PrepareConfig, SplitConfig};
use narrows_models::ModelConfig;
use narrows_models::config::FlowConfig;
use narrows_train::TrainConfig;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::detect::DetectConfig;

/// Everything that a run's result depends on, besides the data's bytes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RunConfig {
    /// What is read, and how.
    pub data: DataConfig,
    /// The variant and its options: one table named after it, such as `[model.ae]`.
    pub model: ModelConfig,
    /// How it is trained.
    pub train: TrainConfig,
    /// How rows are scored by `narrows detect`. Where this section stands, the validation rows choose nothing in training
    /// and calibrate the scores; else the test rows do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detect: Option<DetectConfig>,
    /// A flow that is fitted to the codes of training rows behind the training, for `narrows generate --sampler flow`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flow: Option<FlowConfig>,
}

/// A configuration in which sections may be left out.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
#[schemars(title = "Narrows run configuration")]
pub struct Partial {
    /// What is read, and how.
    pub data: Option<DataConfig>,
    /// The variant and its options: one table named after it, such as `[model.ae]`.
    pub model: Option<ModelConfig>,
    /// How it is trained.
    pub train: Option<TrainConfig>,
    /// How rows are scored by `narrows detect`.
    pub detect: Option<DetectConfig>,
    /// A flow of codes, for `narrows generate --sampler flow`.
    pub flow: Option<FlowConfig>,
}

/// What is read, and how it becomes features.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DataConfig {
    /// A path or the name of a dataset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The columns to train on; all where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub columns: Option<Vec<String>>,
    /// Columns that are left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// The column of labels: kept aside, and seen in training only by `conditional-vae`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// The column that orders the rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time: Option<String>,
    /// Numbers become the mean of this many rows up to each: for rows in the order of time, so that what lasts stands out
    /// of noise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smooth: Option<usize>,
    /// The array to read of a file that holds several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tensor: Option<String>,
    /// Side of the square patches that pictures are cut into; 0 leaves them whole. Photographs are cut where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patch: Option<usize>,
    /// Width and height that pictures are scaled to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resize: Option<(u32, u32)>,
    /// Training, validation and test rows.
    pub split: SplitConfig,
    /// How raw values become features.
    pub prepare: PrepareConfig,
}

impl DataConfig {
    /// How the file is to be opened.
    pub fn open_options(&self) -> OpenOptions {
        OpenOptions {
            columns: self.columns.clone(),
            exclude: self.exclude.clone(),
            label: self.label.clone(),
            time: self.time.clone(),
            smooth: self.smooth,
            tensor: self.tensor.clone(),
            pictures: PictureOptions {
                recursive: false,
                resize: self.resize,
                patches: match self.patch {
                    None => Patches::Auto,
                    Some(0) => Patches::Whole,
                    Some(size) => Patches::Cut(Patch { size, stride: size }),
                },
            },
            ..OpenOptions::default()
        }
    }
}
