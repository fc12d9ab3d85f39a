//! A full disk: the run ends with an error that names the file, and the last checkpoint stays as it was.

use std::path::{Path, PathBuf};
use std::process::Command;

use narrows_train::{Checkpoints, State, fit};

use crate::linear::{Linear, Plane};
use crate::resume::{go, last_bytes};
use crate::run::config;

/// The directory in which the helper process trains.
const DIRECTORY: &str = "NARROWS_TEST_FULL_DISK";

/// Trains a model that is too large for the disk; returns the error.
fn refused(directory: &Path) -> String {
    let (mut model, config) = (Linear::new(600, 300), config(2));
    let mut batches = Plane { sample: 600, ..Plane::new(1) };
    let run = Checkpoints::open(directory, "test").and_then(|checkpoints| {
        let mut state = State::new(&model, &config)?;
        fit(&mut model, &mut batches, None, &config, &mut state, Some(&checkpoints), &mut [])
    });
    run.unwrap_err().to_string()
}

/// Not a test of its own: what the process whose files may not grow does.
#[test]
#[ignore = "started by a_file_that_cannot_grow, with a directory"]
fn train_where_files_cannot_grow() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    println!("refused: {}", refused(&directory));
}

fn leftovers(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory.join("checkpoints")).unwrap();
    entries.map(|entry| entry.unwrap().path()).filter(|path| !path.ends_with("step-3")).collect()
}

#[cfg(unix)]
#[test]
fn a_file_that_cannot_grow() {
    let directory = tempfile::tempdir().unwrap();
    go(directory.path(), &mut Linear::new(6, 2), &mut Plane::new(1), &config(3), 0);
    let before = last_bytes(directory.path());
    let output = Command::new("sh")
        .args([
            "-c",
            "trap '' XFSZ; ulimit -f 64; exec \"$0\" --exact disk::train_where_files_cannot_grow --ignored --nocapture",
        ])
        .arg(std::env::current_exe().unwrap())
        .env(DIRECTORY, directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("refused: ") && text.contains("weights.safetensors: cannot write"), "{text}");
    assert!(last_bytes(directory.path()) == before);
    assert!(leftovers(directory.path()).is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_tmpfs() {
    let directory = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", "size=256k", "none"]).arg(directory.path()).output();
    if !mounted.as_ref().is_ok_and(|output| output.status.success()) {
        println!("skipped: mounting a tmpfs needs the right to mount: {mounted:?}");
        return;
    }
    let checked = std::panic::catch_unwind(|| {
        go(directory.path(), &mut Linear::new(6, 2), &mut Plane::new(1), &config(3), 0);
        let before = last_bytes(directory.path());
        let error = refused(directory.path());
        assert!(error.contains("weights.safetensors: cannot write"), "{error}");
        assert!(last_bytes(directory.path()) == before);
        assert!(leftovers(directory.path()).is_empty());
    });
    let unmounted = Command::new("umount").arg(directory.path()).status();
    assert!(unmounted.unwrap().success());
    checked.unwrap();
}
