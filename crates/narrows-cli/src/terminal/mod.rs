//! What the terminal shows: tables, progress and remarks.

/// Prints a line on stdout. Unlike `println!` it returns an error, not a panic, where the reader went away (`| head`).
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($text)*)
    }};
}

/// A number of things called `what`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod table;
