//! From a draft to everything that a run needs: opened data, splits, fitted preparation, a complete configuration.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use narrows_core::Dims;
use narrows_data::{Condition, Layout, Preparation, Sample, Source, Splits, in_order};
use narrows_models::variational::LikelihoodChoice;
use narrows_models::{DataSpec, Family, Head, Likelihood, ModelConfig, Reals};
use toml::Value;

use crate::choose::{self, Task};
use crate::config::{DataConfig, RunConfig};
use crate::detect::DetectConfig;
use crate::draft::command_line;
use crate::{Draft, Error, Result, places};

/// A run that can start.
#[derive(Debug)]
pub struct Plan {
    /// The complete configuration.
    pub config: RunConfig,
    /// The rows to fit on, to choose by and to report on.
    pub splits: Splits,
    /// How raw values become features.
    pub preparation: Arc<Preparation>,
    /// What the model knows of the data.
    pub data: DataSpec,
    /// What was decided for the user, and why.
    pub notes: Vec<String>,
}

impl Plan {
    /// Opens the data, splits it, fits the preparation, and fills in what the draft leaves open.
    ///
    /// # Errors
    /// The data cannot be read or split, or an option is not valid or does not fit the data.
    pub fn new(draft: &Draft, task: Task, data_dir: Option<&Path>) -> Result<Self> {
        let data: DataConfig = section(draft, "data")?;
        let name = data.source.clone().ok_or(Error::NoData)?;
        let source = places::open(&name, data_dir, &data.open_options())?;
        if task == Task::Denoising && data.patch.is_none() && patch(&source).is_some() {
            // Small patches are mostly border, where there is least to tell noise by.
            let mut draft = draft.clone();
            draft.put("data.patch", choose::DENOISING_PATCH)?;
            let source = places::open(&name, data_dir, &data_config(&draft)?.open_options())?;
            return Self::on(&draft, task, &source);
        }
        Self::on(draft, task, &source)
    }

    /// The same for data that are open already.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn on(draft: &Draft, task: Task, source: &Arc<dyn Source>) -> Result<Self> {
        let mut draft = draft.clone();
        let mut notes: Vec<String> = source.notes().to_vec();
        for (key, value) in choose::preparation(task, &source.schema().sample) {
            draft.put_default(key, value)?;
        }
        let data: DataConfig = section(&draft, "data")?;
        // The numbers of some likelihoods must stay as they are.
        let mut data = match likelihood_of(&draft).reals() {
            Reals::Any => data,
            reals => {
                let scaling = if reals == Reals::Counts { "counts" } else { "unit-interval" };
                draft.put_default("data.prepare.numbers", scaling)?;
                draft.put_default("data.prepare.arrays", scaling)?;
                section(&draft, "data")?
            }
        };
        data.patch = data.patch.or_else(|| patch(source));
        let mut splits = Splits::new(source, &data.split)?;
        let mut preparation = Preparation::fit(&splits.train, &data.prepare)?;
        let trim = section::<DetectConfig>(&draft, "detect")?.trim;
        if trim.get() > 0.0 {
            let all = splits.train.rows();
            splits.train = crate::detect::without_strangest(&splits.train, &Arc::new(preparation), trim)?;
            preparation = Preparation::fit(&splits.train, &data.prepare)?;
            let kept = splits.train.rows();
            notes.push(format!("{} of {all} training rows left out as possible anomalies (detect.trim)", all - kept));
        }
        if draft.model().is_some_and(|name| ModelConfig::named(name).is_ok_and(|model| model.conditional())) {
            preparation = preparation.with_condition(&splits.train, &data.prepare)?;
        }
        let preparation = Arc::new(preparation);
        notes.extend(preparation.notes().iter().map(ToString::to_string));
        let mut samples = splits.train.rows();
        if let Some(window) = preparation.window() {
            let windows = in_order(&splits.train, &preparation, 1)?;
            notes.extend(crate::restarts::sentences(source.as_ref(), windows.restarts()));
            samples = windows.samples();
            window_fits(window.length(), &splits, source)?;
        }
        let spec = spec(&preparation, splits.train.rows())?;
        if draft.model().is_none() {
            let choice = choose::model(task, &source.schema().sample, preparation.layout());
            notes.push(format!("model {}: {}", choice.model, choice.because));
            draft.choose(choice.model)?;
            let epochs = draft.get("train.epochs").is_some();
            for (key, value) in choose::options(task, choice.model, &source.schema().sample, samples) {
                if key != "train.steps" || !epochs {
                    draft.put_default(key, value)?;
                }
            }
        }
        if task == Task::Anomaly && draft.get("detect").is_none() {
            draft.put("detect", toml::Table::new())?;
        }
        if let Some(share) = choose::deformation(&source.schema().sample)
            && draft.model_has("deform")
            && draft.put_default("model.deform", share)?
        {
            notes.push(format!(
                "training pictures are bent at random until the last steps, so that they are not learnt by heart \
                 (model.deform = {share}; 0 switches it off)"
            ));
        }
        for (key, value) in choose::training(preparation.layout(), samples) {
            draft.put_default(key, value)?;
        }
        let mut model: ModelConfig = section(&draft, "model")?;
        if draft.get_of_model("code").is_none() {
            model.set_code(model.default_code(&spec))?;
        }
        model.check(&spec)?;
        let detect = draft.get("detect").is_some().then(|| section(&draft, "detect")).transpose()?;
        let flow = draft.get("flow").is_some().then(|| section(&draft, "flow")).transpose()?;
        let config = RunConfig { data, model, train: section(&draft, "train")?, detect, flow };
        Ok(Self { config, splits, preparation, data: spec, notes })
    }

    /// What stands for the configuration in checkpoints: the SHA-256 of its text.
    ///
    /// # Errors
    /// The configuration cannot be written.
    pub fn identity(&self) -> Result<String> {
        Ok(crate::digest::of(self.config.to_toml()?.as_bytes()))
    }
}

/// Refuses held-out rows that cannot fill one window: the figures would be missing after all the training.
fn window_fits(length: usize, splits: &Splits, source: &Arc<dyn Source>) -> Result<()> {
    let rows = splits.test.rows();
    if rows == 0 || rows >= length {
        return Ok(());
    }
    Err(narrows_data::Error::TooFewRows {
        origin: source.origin().to_owned(),
        rows,
        needed: length,
        purpose: "a window of the test split",
        advice: "choose a shorter --window, or other fractions, such as --set data.split.fractions=[0.7,0.3,0.0]",
    }
    .into())
}

/// The side of the patches that pictures were cut into, if they were.
fn patch(source: &Arc<dyn Source>) -> Option<usize> {
    match source.schema().sample {
        Sample::Image { height, .. } => source.groups().map(|_| height),
        _ => None,
    }
}

/// The data section of a draft.
///
/// # Errors
/// It is not valid.
pub fn data_config(draft: &Draft) -> Result<DataConfig> {
    section(draft, "data")
}

/// The names of the catalogue's variants, by whether they can be trained on some data.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Suitable {
    /// They can.
    pub models: Vec<String>,
    /// They do not fit the data.
    pub others: Vec<String>,
}

/// Which variants of the catalogue can be trained on `source` with the draft's options.
///
/// # Errors
/// None can, or the data cannot be split or prepared.
pub fn suitable(draft: &Draft, source: &Arc<dyn Source>) -> Result<Suitable> {
    let fits = |name: &str| {
        let mut draft = draft.clone();
        draft.choose(name).and_then(|()| Plan::on(&draft, Task::Reduction, source)).map(|_| ())
    };
    let (mut suitable, mut refusal) = (Suitable::default(), None);
    for entry in narrows_models::catalog() {
        let name = entry.about().name;
        match fits(name) {
            Ok(()) => suitable.models.push(name.to_owned()),
            Err(error @ Error::Model(_)) => {
                suitable.others.push(name.to_owned());
                refusal = Some(error);
            }
            Err(error) => return Err(error),
        }
    }
    match refusal {
        Some(error) if suitable.models.is_empty() => Err(error),
        _ => Ok(suitable),
    }
}

impl RunConfig {
    /// As the text of a configuration file.
    ///
    /// # Errors
    /// A value has no form in TOML.
    pub fn to_toml(&self) -> Result<String> {
        toml::to_string(self).map_err(|error| Error::Config { origin: command_line(), message: error.to_string() })
    }

    /// From the text of a complete configuration; `origin` is named in errors.
    ///
    /// # Errors
    /// A key is unknown or missing, or a value is not valid.
    pub fn from_toml(text: &str, origin: PathBuf) -> Result<Self> {
        toml::from_str(text).map_err(|error| Error::Config { origin, message: error.to_string() })
    }
}

/// One section of the draft as a checked value; its default where the draft has none.
fn section<T: serde::de::DeserializeOwned>(draft: &Draft, name: &str) -> Result<T> {
    let value = draft.get(name).cloned().unwrap_or_else(|| Value::Table(toml::Table::new()));
    serde_path_to_error::deserialize(value).map_err(|error| {
        let message = error.inner().message();
        let place = match error.path().iter().len() {
            0 => name.to_owned(),
            _ => format!("{name}.{}", error.path()),
        };
        let message = format!("{place}: {}{}", in_words(message), suggestion(message));
        Error::Config { origin: command_line(), message }
    })
}

/// Serde's message without names of Rust's types.
pub(crate) fn in_words(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number from 0 on"),
        ("expected u64", "expected a whole number from 0 on"),
        ("expected u32", "expected a whole number from 0 on"),
        ("expected a nonzero usize", "expected a whole number from 1 on"),
        ("expected a nonzero u64", "expected a whole number from 1 on"),
        ("a tuple of size 2", "two values, such as [28, 28]"),
        ("expected f64", "expected a number"),
        ("expected f32", "expected a number"),
        ("expected a boolean", "expected true or false"),
        ("wanted exactly 1 element, more than 1 element", "several models are configured; keep one"),
        (
            "invalid type: unit variant, expected struct variant",
            "this choice has options of its own: write { NAME = { OPTION = VALUE } }, as `narrows describe` shows",
        ),
        ("invalid type: ", "found "),
        ("invalid value: ", "found "),
    ];
    words.iter().fold(message.to_owned(), |message, (of_rust, word)| message.replace(of_rust, word))
}

/// How the draft's model is to describe real features.
fn likelihood_of(draft: &Draft) -> LikelihoodChoice {
    draft.get_of_model("likelihood").and_then(|value| value.clone().try_into().ok()).unwrap_or_default()
}

/// The nearest of the names that serde lists for an unknown one, as half a sentence.
pub(crate) fn suggestion(message: &str) -> String {
    narrows_models::config::suggestion(message).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// What a model must know of prepared data.
pub(crate) fn spec(preparation: &Preparation, rows: usize) -> Result<DataSpec> {
    let layout = preparation.layout();
    let picture = matches!(preparation.schema().sample, Sample::Image { .. });
    let likelihood = if picture { Likelihood::gaussian() } else { likelihood(layout)? };
    Ok(DataSpec {
        sample: Dims::new(layout.dims.clone()),
        likelihood,
        unit_interval: layout.unit_interval,
        reals: match layout.reals {
            narrows_data::Reals::Any => Reals::Any,
            narrows_data::Reals::Counts => Reals::Counts,
            narrows_data::Reals::UnitInterval => Reals::UnitInterval,
        },
        rows: Some(rows),
        condition: preparation.condition().map(Condition::width),
    })
}

fn likelihood(layout: &Layout) -> Result<Likelihood> {
    let family = |family| match family {
        narrows_data::Family::Gaussian => Family::Gaussian,
        narrows_data::Family::Bernoulli => Family::Bernoulli,
        narrows_data::Family::Categorical => Family::Categorical,
    };
    let heads = layout.runs().into_iter().map(|(range, of)| Head { range, family: family(of) }).collect();
    Ok(Likelihood::mixed(heads, layout.weights.clone())?)
}
