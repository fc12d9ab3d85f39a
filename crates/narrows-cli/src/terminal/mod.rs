//! What the terminal shows: tables, progress and remarks.

/// Prints a line on stdout. Unlike `println!` it returns an error, not a panic, where the reader went away (`| head`).
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($text)*)
    }};
}

pub(crate) mod log;
pub(crate) mod progress;
pub(crate) mod table;
