//! Remarks on stderr.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;

use crate::arguments::Shared;

/// Sends remarks to stderr: none with `--quiet`; `NARROWS_LOG=debug` shows more; no colours with `NO_COLOR` or in a file.
pub(crate) fn start(shared: &Shared) {
    let level = if shared.quiet { "error" } else { "info" };
    let filter = EnvFilter::try_from_env("NARROWS_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(super::progress::Above)
        .log_internal_errors(false)
        .with_ansi(colours)
        .with_target(false)
        .without_time()
        .init();
}
