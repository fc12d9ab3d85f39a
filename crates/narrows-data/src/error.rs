//! One error for each cause, naming the place and what was expected there.

use std::path::PathBuf;

/// The crate's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong between bytes and features.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("{}: {action}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was attempted, e.g. "cannot open".
        action: &'static str,
        /// Its reason.
        source: std::io::Error,
    },
    /// The file holds no rows.
    #[error("{}: no rows; expected {expected}", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: &'static str,
    },
    /// A table cannot be read, or not as asked.
    #[error(transparent)]
    Table(#[from] crate::table::TableError),
    /// A value is infinite.
    #[error(
        "{origin}: row {}, column {column}: infinite; replace it, or leave it empty where the value is missing", row + 1
    )]
    Infinite {
        /// The file.
        origin: String,
        /// The row, from 0, not counting a header; told from 1.
        row: usize,
        /// The column's name, or its place in the sample.
        column: String,
    },
    /// A value is not of the kind that all are said to be.
    #[error(
        "{origin}: row {}, column {column}: {value}, where the likelihood expects {expected}; leave the column out with \
         --exclude, or choose another likelihood, such as --set model.likelihood=gaussian", row + 1
    )]
    Unexpected {
        /// The file.
        origin: String,
        /// The row, from 0, not counting a header; told from 1.
        row: usize,
        /// The column's name, or its place in the sample.
        column: String,
        /// The value.
        value: f64,
        /// What all values are to be.
        expected: &'static str,
    },
    /// There are fewer rows than needed.
    #[error("{origin}: {rows} rows, but {purpose} needs at least {needed}; {advice}")]
    TooFewRows {
        /// The file.
        origin: String,
        /// Rows (or samples) there are.
        rows: usize,
        /// Rows needed.
        needed: usize,
        /// What needs them.
        purpose: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A label has too many classes to be spread over a split.
    #[error(
        "{origin}: label `{label}` has {classes} classes, more than the {rows} rows of the smallest part; choose another \
         label, larger fractions, or a shuffled split"
    )]
    TooManyClasses {
        /// The file.
        origin: String,
        /// The label column.
        label: String,
        /// Its classes.
        classes: usize,
        /// Rows of the smallest part.
        rows: usize,
    },
    /// A label that samples cannot be conditioned on.
    #[error("{origin}: `{name}` {found}; {advice}")]
    Condition {
        /// The file, or what else the value came from.
        origin: String,
        /// The column.
        name: String,
        /// What it holds, or lacks.
        found: String,
        /// What to do.
        advice: String,
    },
    /// A split by label without a label column.
    #[error("{origin}: a split by label needs a label column; name it with --label")]
    NoLabel {
        /// The file.
        origin: String,
    },
    /// Windows of rows that were shuffled apart.
    #[error("{origin}: windows need consecutive rows; split by time")]
    WindowSplit {
        /// The file.
        origin: String,
    },
    /// Fractions that are no split.
    #[error(
        "split fractions {0:?} (train, validation, test): expected numbers of at least 0 that sum to 1, train above 0"
    )]
    Fractions([f64; 3]),
    /// No column is left to train on.
    #[error("{origin}: no column is left to train on: {reasons}; add or keep columns that vary")]
    NoFeatures {
        /// The file.
        origin: String,
        /// Why each was left out.
        reasons: String,
    },
    /// Data of another shape than the model was trained on.
    #[error("{origin}: holds {found}, the model was trained on {expected}")]
    SampleMismatch {
        /// The file.
        origin: String,
        /// What a row is here.
        found: String,
        /// What a row was in training.
        expected: String,
    },
    /// Rows of another width than the preparation's features.
    #[error("{found} values are no rows of {expected} features")]
    FeatureCount {
        /// Values given.
        found: usize,
        /// Features of a row.
        expected: usize,
    },
    /// A setting out of its range.
    #[error("{name} = {value}: expected {expected}")]
    Setting {
        /// The setting.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is accepted.
        expected: &'static str,
    },
    /// The bytes are not what the format prescribes: damaged, cut short, or another format.
    #[error("{}: not a readable {format} file: {found}; expected {expected}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// The format's name.
        format: &'static str,
        /// What is wrong, and where in the file.
        found: String,
        /// What the format prescribes there.
        expected: String,
    },
    /// The file is valid but holds something that has no meaning as rows of numbers.
    #[error("{}: {found}; {advice}", path.display())]
    Unsupported {
        /// The file.
        path: PathBuf,
        /// What it holds.
        found: String,
        /// What to do.
        advice: String,
    },
    /// The file ends before what its header claims, or holds more.
    #[error("{}: the header claims {claimed} bytes of values, the file holds {held}; it is cut short or damaged", path.display())]
    Length {
        /// The file.
        path: PathBuf,
        /// Bytes that the header claims.
        claimed: u128,
        /// Bytes that are there.
        held: u64,
    },
    /// Compressed data claims or yields more than its size allows.
    #[error(
        "{}: refused: {compressed} compressed bytes claim to be {claimed} bytes, at most {limit} are accepted",
        path.display()
    )]
    Inflation {
        /// The file and, within an archive, the member.
        path: PathBuf,
        /// Compressed size in bytes.
        compressed: u64,
        /// Claimed size in bytes.
        claimed: u128,
        /// The largest accepted size in bytes.
        limit: u64,
    },
    /// The file holds several arrays and none was chosen, or the chosen one is not there.
    #[error("{}: {problem}; it holds {}; {advice}", path.display(), names.join(", "))]
    Choice {
        /// The file.
        path: PathBuf,
        /// What is missing.
        problem: String,
        /// The names to choose from, each with its shape where it is known.
        names: Vec<String>,
        /// How to choose.
        advice: &'static str,
    },
    /// Two arrays that belong together have different numbers of rows.
    #[error("{}: {first} has {first_rows} rows, {second} has {second_rows}; expected the same number", path.display())]
    RowCounts {
        /// The file.
        path: PathBuf,
        /// The samples.
        first: String,
        /// Their number.
        first_rows: usize,
        /// What belongs to them.
        second: String,
        /// Its number.
        second_rows: usize,
    },
    /// A picture is larger than the limits.
    #[error(
        "{}: {width} x {height} pixels; at most {limit} pixels on a side and {} MiB decoded are accepted", path.display(), bytes >> 20
    )]
    PictureTooLarge {
        /// The file.
        path: PathBuf,
        /// Pixels in a row.
        width: u32,
        /// Rows of pixels.
        height: u32,
        /// The longest accepted side.
        limit: u32,
        /// The largest accepted decoded size in bytes.
        bytes: u64,
    },
    /// Pictures that should form one array have different sizes.
    #[error(
        "pictures of different sizes: {} is {} x {}, {} is {} x {} (width x height); cut them into patches or resize them",
        first.display(), first_size.0, first_size.1, second.display(), second_size.0, second_size.1
    )]
    PictureSizes {
        /// One picture.
        first: PathBuf,
        /// Its width and height.
        first_size: (u32, u32),
        /// Another one.
        second: PathBuf,
        /// Its width and height.
        second_size: (u32, u32),
    },
    /// A picture is smaller than one patch.
    #[error("{}: {width} x {height} pixels hold no patch of {size} x {size}; choose smaller patches or leave it out", path.display())]
    PictureTooSmall {
        /// The file.
        path: PathBuf,
        /// Pixels in a row.
        width: u32,
        /// Rows of pixels.
        height: u32,
        /// The side of a patch.
        size: usize,
    },
    /// Values, columns and schema of rows in memory do not agree.
    #[error("{origin}: {what} holds {found} values, expected {expected}")]
    Shape {
        /// Where the rows come from.
        origin: String,
        /// The part that disagrees.
        what: String,
        /// Its number of values.
        found: usize,
        /// The number that follows from schema and rows.
        expected: usize,
    },
    /// The output exists already.
    #[error("{}: exists already; choose another name or overwrite it with --force", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full; nothing was left behind.
    #[error("{}: no space left on the device; nothing was written", path.display())]
    DiskFull {
        /// The file that was to be written.
        path: PathBuf,
    },
    /// No output format belongs to this name, or it cannot hold these rows.
    #[error("{}: cannot write {what}; {advice}", path.display())]
    Output {
        /// The file that was to be written.
        path: PathBuf,
        /// What it was to hold.
        what: String,
        /// What to do.
        advice: &'static str,
    },
    /// No dataset of this name is catalogued.
    #[error(
        "{name:?}: no such file, and no dataset is called so{}; known are {}",
        crate::nearest(name, known.iter().copied()).map(|nearest| format!(" (did you mean `{nearest}`?)")).unwrap_or_default(),
        known.join(", ")
    )]
    UnknownDataset {
        /// The name.
        name: String,
        /// The catalogued names.
        known: Vec<&'static str>,
    },
    /// A catalogued dataset is not on this machine yet.
    #[error("{name}: not in {}; get it with `narrows data fetch {name}`", directory.display())]
    NotFetched {
        /// The dataset.
        name: String,
        /// The data directory.
        directory: PathBuf,
    },
    /// No directory for datasets can be derived from the environment.
    #[error("no directory for datasets: neither --data-dir nor $NARROWS_DATA is given, and there is no home directory")]
    NoDataDirectory,
    /// A download failed.
    #[error("{url}: {problem}; {advice}")]
    Download {
        /// The address.
        url: String,
        /// What went wrong.
        problem: String,
        /// What to do.
        advice: &'static str,
    },
    /// A file's contents are not the catalogued ones.
    #[error("{}: SHA-256 is {found}, expected {expected}; the file was discarded", path.display())]
    Checksum {
        /// The file.
        path: PathBuf,
        /// Catalogued sum.
        expected: &'static str,
        /// Sum of what is there.
        found: String,
    },
}

impl Error {
    /// The same error of a block that holds the rows `numbers` of the file.
    pub(crate) fn of_rows(mut self, numbers: &[usize]) -> Self {
        if let Self::Infinite { row, .. } | Self::Unexpected { row, .. } = &mut self
            && let Some(number) = numbers.get(*row)
        {
            *row = *number;
        }
        self
    }
}
