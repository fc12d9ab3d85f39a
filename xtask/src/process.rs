//! Other programs: cargo, the `narrows` binary, Python.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::repository;

/// Cargo, called from the repository's root.
pub fn cargo(arguments: &[&str]) -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(repository::root());
    command
}

/// Runs `command` with its output passed through.
///
/// # Errors
///
/// When it cannot start or ends with a failure.
pub fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| format!("{} cannot start: {error}", shown(command)))?;
    if status.success() { Ok(()) } else { Err(format!("{} failed ({status})", shown(command)).into()) }
}

/// Runs `command` and returns what it wrote to stdout; stderr is passed through.
///
/// # Errors
///
/// When it cannot start, ends with a failure, or writes something that is not UTF-8.
pub fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("{} cannot start: {error}", shown(command)))?;
    if !output.status.success() {
        return Err(format!("{} failed ({})", shown(command), output.status).into());
    }
    Ok(String::from_utf8(output.stdout).map_err(|_| format!("{} wrote something else than text", shown(command)))?)
}

/// Runs `command` and returns its peak resident memory in kilobytes, from the system's own mark; 0 where it keeps none.
///
/// # Errors
///
/// When it cannot start or ends with a failure.
pub fn peak_kilobytes(command: &mut Command) -> Result<u64> {
    Ok(seconds_and_peak(command)?.1)
}

/// Runs `command` once for both: the seconds that it took, and its peak resident memory in kilobytes as
/// [`peak_kilobytes`] tells it.
///
/// # Errors
///
/// When it cannot start or ends with a failure.
pub fn seconds_and_peak(command: &mut Command) -> Result<(f64, u64)> {
    let (start, mut peak) = (Instant::now(), 0);
    let mut child = command.spawn().map_err(|error| format!("{} cannot start: {error}", shown(command)))?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    loop {
        peak = peak.max(mark(&status).unwrap_or(0));
        match child.try_wait()? {
            Some(done) if done.success() => return Ok((start.elapsed().as_secs_f64(), peak)),
            Some(done) => return Err(format!("{} failed ({done})", shown(command)).into()),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// The most resident memory so far, in kilobytes.
fn mark(status: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(status).ok()?;
    text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Builds the `narrows` binary in the dev profile and returns its path.
///
/// # Errors
///
/// When it does not build.
pub fn narrows() -> Result<PathBuf> {
    run(&mut cargo(&["build", "--quiet", "--package", "narrows-cli"]))?;
    Ok(repository::target()?.join("debug").join(format!("narrows{}", std::env::consts::EXE_SUFFIX)))
}

/// The command as one would type it.
pub fn shown(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut words = vec![program.file_name().unwrap_or_default().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}
