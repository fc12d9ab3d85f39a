//! One error for each cause, and the class that decides a process's exit code.

use std::path::PathBuf;

pub use crate::error_class::Class;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between a file and a report.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The data cannot be read or prepared.
    #[error(transparent)]
    Data(#[from] narrows_data::Error),
    /// The model refuses its options or the data.
    #[error(transparent)]
    Model(#[from] narrows_models::Error),
    /// The prepared data do not describe themselves consistently.
    #[error(transparent)]
    Likelihood(#[from] narrows_models::likelihood::InvalidRow),
    /// A model's step or use failed.
    #[error(transparent)]
    Core(#[from] narrows_core::Error),
    /// Training failed.
    #[error(transparent)]
    Train(#[from] narrows_train::Error),
    /// A metric or baseline failed.
    #[error(transparent)]
    Eval(#[from] narrows_eval::Error),
    /// A page could not be drawn.
    #[error(transparent)]
    Report(#[from] narrows_report::Error),
    /// A model file is unreadable, foreign or damaged.
    #[error(transparent)]
    File(#[from] narrows_tensor::Error),
    /// The operating system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted.
        action: &'static str,
        /// Its reason.
        source: std::io::Error,
    },
    /// A configuration is not valid.
    #[error("{}: {message}", origin.display())]
    Config {
        /// The file, or where else it came from.
        origin: PathBuf,
        /// What is wrong, with line and column where there are any.
        message: String,
    },
    /// A `--set` cannot be applied.
    #[error("--set {text}: {reason}")]
    Assignment {
        /// As given.
        text: String,
        /// Why not.
        reason: String,
    },
    /// No data were named.
    #[error("no data named; give a file or a dataset, for example `narrows train digits`")]
    NoData,
    /// The output directory is in use.
    #[error("{}: exists already; choose another --out, continue with --resume, or replace it with --force", path.display())]
    OutputExists {
        /// The directory.
        path: PathBuf,
    },
    /// A directory that `--force` would empty holds no run.
    #[error("{}: not a run directory (no run.toml), so --force does not touch it; choose another --out", path.display())]
    ForeignDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// There is no run where one was expected.
    #[error("{}: no run here (no run.toml); expected a directory that `narrows train --out` made", path.display())]
    NoRun {
        /// The directory.
        path: PathBuf,
    },
    /// There is no model where one was expected.
    #[error("{}: no model here; expected model.safetensors or a directory of a finished run", path.display())]
    NoModel {
        /// The path.
        path: PathBuf,
    },
    /// A run has not come to its end.
    #[error(
        "{0}: no model yet, the run has not ended; continue it with `narrows train --resume --out {0}`", path.display()
    )]
    UnfinishedRun {
        /// The directory.
        path: PathBuf,
    },
    /// A run is to be resumed with another configuration.
    #[error("{}: cannot resume: {}; leave these options out, or start a new run with another --out", run.display(), changes.join("; "))]
    ResumeChanged {
        /// The run directory.
        run: PathBuf,
        /// What differs, one sentence each.
        changes: Vec<String>,
    },
    /// A model file's document cannot be understood.
    #[error("{}: {reason}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Codes of another size than the model's.
    #[error("{origin}: codes have {found} values; this model's have {expected} (columns z0 to z{})", expected - 1)]
    CodeSize {
        /// The file.
        origin: String,
        /// Values in a row.
        found: usize,
        /// The model's.
        expected: usize,
    },
    /// A code has a value that is missing or not finite.
    #[error("{origin}: row {row}: {column} is missing or not finite; every code needs all its values")]
    CodeValue {
        /// The file.
        origin: String,
        /// Row, from 1.
        row: usize,
        /// Column.
        column: String,
    },
    /// Codes of a conditional model without their condition.
    #[error(
        "{origin}: this model decodes codes under a condition; give it as the column `{name}` beside z0, z1, ... (`narrows encode MODEL DATA -o codes.csv` writes both)"
    )]
    CodeCondition {
        /// The file.
        origin: String,
        /// The condition's column.
        name: String,
    },
    /// A condition was given to a model that takes none, or one of another name.
    #[error("--where {text}: {reason}")]
    Where {
        /// As given.
        text: String,
        /// Why not, and what to do.
        reason: String,
    },
    /// Columns of single rows cannot be carried along with windows of many.
    #[error("--keep {name}: samples are windows of several rows; the column `row` says where each begins")]
    KeepWindows {
        /// The column.
        name: String,
    },
    /// An output file exists.
    #[error("{}: exists already; choose another name, or replace it with --force", path.display())]
    OutputFileExists {
        /// The file.
        path: PathBuf,
    },
    /// A split without rows was asked for.
    #[error("{origin}: the {split} split has no rows; choose another --split or other fractions")]
    EmptySplit {
        /// The data.
        origin: String,
        /// The split.
        split: &'static str,
    },
    /// Parts of a run are damaged.
    #[error("{}: damaged: {}", run.display(), problems.join("; "))]
    DamagedRun {
        /// The run directory.
        run: PathBuf,
        /// What is wrong with each part.
        problems: Vec<String>,
    },
    /// A file is none of those that Narrows writes.
    #[error("{}: not a model, checkpoint or run that Narrows wrote ({reason}); `narrows data describe` looks into data", path.display())]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What gave it away.
        reason: String,
    },
    /// This machine lacks something.
    #[error("{}", problems.join("; "))]
    Unfit {
        /// What.
        problems: Vec<String>,
    },
    /// A detector's options or stored parts cannot work.
    #[error("detector: {reason}")]
    Detect {
        /// What is wrong and what was expected.
        reason: String,
    },
    /// Following a stream cannot go on where it stopped.
    #[error("{}: cannot go on from this state: {reason}; start anew with --force, or name another output", path.display())]
    Stream {
        /// The file of the state.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// The model was written without a detector.
    #[error("the model has no detector; train it again with this version, best with --task anomaly")]
    NoDetector,
    /// A false-alarm rate was asked of a model that no rows were held out for.
    #[error(
        "the model has no calibration, so no false-alarm rate can be kept; train with held-out rows \
         (data.split.fractions), or give the score from which on rows are alarms (--from-score)"
    )]
    NoCalibration,
    /// A label is none of the usual words.
    #[error(
        "the label `{value}` does not say whether a row is an anomaly; name the values that mark anomalies with --anomalous"
    )]
    Label {
        /// As in the data.
        value: String,
    },
    /// A comparison of a model with itself.
    #[error("`{model}` is named twice; name each model once, and give the number of runs with --seeds")]
    ComparedTwice {
        /// The variant.
        model: String,
    },
    /// The model's training drew codes towards no distribution.
    #[error(
        "`{model}` has no prior; use --sampler mixture, or --sampler flow after a training with --flow, or train a model with a \
         prior such as `vae`"
    )]
    NoPrior {
        /// The variant.
        model: &'static str,
    },
    /// No sampler was fitted to the model's codes.
    #[error(
        "this `{model}` has no sampler: {}",
        if code > widest {
            format!("its code has {code} values, and one is fitted to at most {widest}; train it with a smaller --latent")
        } else {
            "its training had too few rows, or was done by an older version; train it again".to_owned()
        }
    )]
    NoMixture {
        /// The variant.
        model: &'static str,
        /// Values in its code.
        code: usize,
        /// The widest codes that one is fitted to.
        widest: usize,
    },
    /// No flow was fitted to the model's codes.
    #[error(
        "this `{model}` has no flow of codes: use --sampler mixture, or train it with --flow (seconds more at the end of training)"
    )]
    NoFlow {
        /// The variant.
        model: &'static str,
    },
    /// There is nothing that a flow could be fitted to.
    #[error(
        "no flow can be fitted to {rows} codes of {width} values: it takes 2 codes of at most {widest} values; leave --flow out, or choose a smaller --latent"
    )]
    NoCodes {
        /// The codes there are.
        rows: usize,
        /// Values in one.
        width: usize,
        /// The widest codes that one is fitted to.
        widest: usize,
    },
    /// The model cannot say how probable samples are.
    #[error(
        "`{model}` has no distribution over samples, so there is no likelihood; train a variational model such as `vae`, or leave --samples out"
    )]
    NoLikelihood {
        /// The variant.
        model: &'static str,
    },
    /// A picture of other sides than the model's.
    #[error(
        "{}: {found} pixels; this `{model}` was trained on {} of {expected}. Train `dae` with network = \"conv\" \
         (--task denoising), which takes pictures of any size, or scale the picture first",
        path.display(), if *patches { "patches" } else { "pictures" }
    )]
    PictureSides {
        /// The picture.
        path: PathBuf,
        /// Its width and height.
        found: String,
        /// The variant.
        model: &'static str,
        /// The model's width and height.
        expected: String,
        /// Whether the model looks at patches.
        patches: bool,
    },
    /// A noisy picture has no clean one.
    #[error("{}: no clean picture of this name in {}", path.display(), clean.display())]
    NoClean {
        /// The noisy picture.
        path: PathBuf,
        /// Where clean pictures were looked for.
        clean: PathBuf,
    },
    /// Clean data are no copy of the noisy ones.
    #[error("{}: {found}; the noisy data have {expected}, and both must show the same", path.display())]
    CleanSize {
        /// The clean data.
        path: PathBuf,
        /// Their size.
        found: String,
        /// The noisy data's.
        expected: String,
    },
    /// Two pictures would become one file.
    #[error("{}: two pictures of this name but for the extension; rename one of them", path.display())]
    SameName {
        /// The file.
        path: PathBuf,
    },
    /// Nothing to compare.
    #[error("no models to compare; give --models a,b or leave it out")]
    NothingToCompare,
}
