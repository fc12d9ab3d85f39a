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
    watched(command, Duration::from_millis(2), |process| {
        peak = peak.max(mark(&process.join("status")).unwrap_or(0));
    })?;
    Ok((start.elapsed().as_secs_f64(), peak))
}

/// Runs `command`, whose output is not kept, and returns the seconds that it kept processors busy; where the system does not
/// tell, the seconds by the clock.
///
/// # Errors
///
/// When it cannot start or ends with a failure.
pub fn processor_time(command: &mut Command) -> Result<f64> {
    let (start, mut seconds) = (Instant::now(), None);
    // A process that has ended keeps its times until it is waited for.
    watched(command.stdout(Stdio::null()), Duration::from_millis(20), |process| {
        seconds = busy(&process.join("stat")).or(seconds);
    })?;
    Ok(seconds.unwrap_or(start.elapsed().as_secs_f64()))
}

/// Runs `command` and looks every now and then at what the system tells of it in `/proc`.
fn watched(command: &mut Command, every: Duration, mut look: impl FnMut(&Path)) -> Result {
    let mut child = command.spawn().map_err(|error| format!("{} cannot start: {error}", shown(command)))?;
    let process = PathBuf::from(format!("/proc/{}", child.id()));
    loop {
        look(&process);
        match child.try_wait()? {
            Some(done) if done.success() => return Ok(()),
            Some(done) => return Err(format!("{} failed ({done})", shown(command)).into()),
            None => std::thread::sleep(every),
        }
    }
}

/// User and system time of a process: fields 14 and 15 of its line, behind the name in parentheses, in hundredths.
fn busy(stat: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(stat).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<f64>().ok();
    Some((ticks()? + ticks()?) / 100.0)
}

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
