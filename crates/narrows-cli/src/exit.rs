//! Exit codes, and how an error is told.

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

use narrows::error::Class;

/// How a verb ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All done.
    Done,
    /// Stopped by a signal; can be resumed.
    Interrupted,
}

impl From<Outcome> for ExitCode {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Done => Self::SUCCESS,
            Outcome::Interrupted => Self::from(75),
        }
    }
}

/// Tells `error` and what caused it on stderr, each cause once, and gives the exit code of its class.
pub(crate) fn report(error: &(dyn Error + 'static)) -> ExitCode {
    if is_closed_pipe(error) {
        return ExitCode::SUCCESS;
    }
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !message.contains(&text) {
            message.push_str(": ");
            message.push_str(&text);
        }
        source = cause.source();
    }
    // Where nobody can be told, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "error: {message}");
    let class = error.downcast_ref::<narrows::Error>().map_or(Class::Usage, narrows::Error::class);
    ExitCode::from(match class {
        Class::Run => 1,
        Class::Usage => 2,
        Class::Input => 3,
    })
}

/// Whether the reader of stdout went away, which is its right (`narrows ... | head`).
fn is_closed_pipe(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = error.source();
    }
    false
}
