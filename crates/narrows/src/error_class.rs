//! What kind of failure an error is, from which a process's exit code follows.

use std::io::{self, ErrorKind};

use crate::Error;

/// What kind of failure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The run failed on its way.
    Run,
    /// The request cannot be carried out as it stands.
    Usage,
    /// The data or a file is bad.
    Input,
}

impl Error {
    /// What kind of failure it is.
    pub fn class(&self) -> Class {
        match self {
            Self::Data(error) => of_data(error),
            Self::File(error) => of_tensors(error),
            Self::Train(error) => of_training(error),
            Self::Io { action, source, .. } => of_io(action, source),
            Self::Likelihood(_)
            | Self::Eval(narrows_eval::Error::OneClass { .. })
            | Self::NoModel { .. }
            | Self::UnfinishedRun { .. }
            | Self::Document { .. }
            | Self::DamagedRun { .. }
            | Self::NotOurs { .. }
            | Self::CodeSize { .. }
            | Self::CodeCondition { .. }
            | Self::PictureSides { .. }
            | Self::NoClean { .. }
            | Self::CleanSize { .. }
            | Self::SameName { .. }
            | Self::CodeValue { .. } => Class::Input,
            Self::Model(_)
            | Self::Config { .. }
            | Self::Assignment { .. }
            | Self::NoData
            | Self::OutputExists { .. }
            | Self::OutputFileExists { .. }
            | Self::KeepWindows { .. }
            | Self::ForeignDirectory { .. }
            | Self::NoRun { .. }
            | Self::ResumeChanged { .. }
            | Self::EmptySplit { .. }
            | Self::Detect { .. }
            | Self::Stream { .. }
            | Self::Label { .. }
            | Self::NoDetector
            | Self::NoCalibration
            | Self::NoLikelihood { .. }
            | Self::Where { .. }
            | Self::NoPrior { .. }
            | Self::NoMixture { .. }
            | Self::NoFlow { .. }
            | Self::NoCodes { .. }
            | Self::NothingToCompare
            | Self::ComparedTwice { .. } => Class::Usage,
            Self::Core(_) | Self::Eval(_) | Self::Report(_) | Self::Unfit { .. } => Class::Run,
        }
    }
}

fn of_data(error: &narrows_data::Error) -> Class {
    use narrows_data::{Error, TableError};
    match error {
        Error::Setting { .. }
        | Error::Condition { .. }
        | Error::Fractions(_)
        | Error::Exists { .. }
        | Error::Output { .. }
        | Error::NoLabel { .. }
        | Error::UnknownDataset { .. }
        | Error::NotFetched { .. }
        | Error::NoDataDirectory
        | Error::Choice { .. }
        | Error::Table(TableError::UnknownColumn { .. } | TableError::Contradiction { .. }) => Class::Usage,
        Error::DiskFull { .. } | Error::Download { .. } => Class::Run,
        Error::Io { action, source, .. } => of_io(action, source),
        _ => Class::Input,
    }
}

fn of_tensors(error: &narrows_tensor::Error) -> Class {
    match error {
        narrows_tensor::Error::Exists { .. } => Class::Usage,
        narrows_tensor::Error::Io { action, source, .. } => of_io(action, source),
        narrows_tensor::Error::Candle(_) | narrows_tensor::Error::Shape { .. } => Class::Run,
        _ => Class::Input,
    }
}

fn of_training(error: &narrows_train::Error) -> Class {
    use narrows_train::Error;
    match error {
        Error::Damaged { .. } | Error::OptimizerState { .. } => Class::Input,
        Error::OtherRun { .. } => Class::Usage,
        Error::Tensor(error) => of_tensors(error),
        Error::Io { action, source, .. } => of_io(action, source),
        Error::Batch { source, .. } | Error::Validation { source, .. } => {
            let own = source.downcast_ref::<crate::Error>().map(crate::Error::class);
            own.or_else(|| source.downcast_ref().map(of_data)).unwrap_or(Class::Run)
        }
        _ => Class::Run,
    }
}

/// What cannot be read is bad input; what cannot be written is a failure on the way.
fn of_io(action: &str, source: &io::Error) -> Class {
    let reading = ["open", "read", "unpack", "list", "decode"].iter().any(|what| action.contains(what));
    let writing = ["temporary", "write", "thread"].iter().any(|what| action.contains(what));
    if reading && !writing && source.kind() != ErrorKind::StorageFull { Class::Input } else { Class::Run }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn io(action: &'static str) -> Error {
        Error::Io { path: "f".into(), action, source: io::Error::from(ErrorKind::PermissionDenied) }
    }

    #[test]
    fn reading_and_writing_fail_differently() {
        assert_eq!(io("cannot read").class(), Class::Input);
        assert_eq!(io("cannot unpack").class(), Class::Input);
        assert_eq!(io("cannot write").class(), Class::Run);
        assert_eq!(io("cannot start a thread that reads it").class(), Class::Run);
    }

    #[test]
    fn bad_data_found_in_the_middle_of_training_is_still_bad_data() {
        let data = narrows_data::Error::Empty { path: "f".into(), expected: "rows" };
        let error = narrows_train::Error::Batch { step: 7, source: Box::new(Error::Data(data)) };
        assert_eq!(Error::Train(error).class(), Class::Input);
    }
}
