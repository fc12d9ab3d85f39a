//! A directory of its own for each test, and the program run in it.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use tempfile::TempDir;

/// A fresh directory in which the program runs, without the settings of this machine.
pub(crate) struct Scene {
    directory: TempDir,
}

/// Options of a training run that takes a moment.
pub(crate) const BRIEF: [&str; 6] =
    ["--steps", "12", "--set", "train.checkpoint-every=6", "--set", "train.evaluate-every=6"];

impl Scene {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// With the table of [`table`] as `t.csv`.
    pub(crate) fn with_table() -> Self {
        let scene = Self::new();
        scene.write("t.csv", table(60));
        scene
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The program, about to run here.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        program(self.directory.path(), arguments)
    }

    /// Runs to the end with exit code 0; returns stdout.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", told(&output));
        String::from_utf8(output.stdout).unwrap()
    }

    /// Ends with `code`, one error on stderr that holds every part, and nothing on stdout.
    pub(crate) fn fails(&self, arguments: &[&str], code: i32, parts: &[&str]) -> String {
        check_failure(&self.command(arguments).output().unwrap(), arguments, code, parts)
    }

    /// `train` ends with `code` and leaves no model.
    pub(crate) fn refuses(&self, data: &str, code: i32, parts: &[&str]) -> String {
        let error = self.fails(&[&["train", data, "--out", "run"][..], &BRIEF].concat(), code, parts);
        assert!(!self.exists("run/model.safetensors"), "a model in spite of: {error}");
        error
    }
}

/// The program, about to run in `directory`.
pub(crate) fn program(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_narrows"));
    command.current_dir(directory).args(arguments);
    command.env("NARROWS_DATA", directory.join("data")).env_remove("NARROWS_LOG").env("RUST_BACKTRACE", "0");
    command
}

pub(crate) fn check_failure(output: &Output, arguments: &[&str], code: i32, parts: &[&str]) -> String {
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", told(output));
    for part in parts {
        assert!(error.contains(part), "{arguments:?}: expected {part:?} in: {error}");
    }
    let errors = error.lines().filter(|line| line.starts_with("error: ")).count();
    assert_eq!(errors, 1, "{arguments:?}: {error}");
    assert!(!error.contains("panicked"), "{arguments:?}: {error}");
    assert!(output.stdout.is_empty(), "{arguments:?}: stdout in spite of an error: {}", told(output));
    error
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\nstdout: {}\nstderr: {}", output.status, text(&output.stdout), text(&output.stderr))
}

/// Rows of three numbers, of which two are nearly the same, a category and a label.
pub(crate) fn table(rows: usize) -> String {
    let mut text = String::from("a,b,c,kind,label\n");
    for row in 0..rows {
        let wave = |speed: f64| (row as f64 * speed).sin();
        let (a, c) = (wave(0.7), wave(1.9));
        let kind = ["red", "green", "blue"][row * row % 3];
        writeln!(text, "{a:.4},{:.4},{c:.4},{kind},{}", a + 0.1 * c, row % 2).unwrap();
    }
    text
}

/// A run directory that was trained once on [`table`]; tests only read it.
pub(crate) fn trained() -> &'static Path {
    static RUN: OnceLock<PathBuf> = OnceLock::new();
    RUN.get_or_init(|| {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("trained");
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("t.csv"), table(60)).unwrap();
        let arguments = [&["train", "t.csv", "--label", "label", "--latent", "2", "--out", "run"][..], &BRIEF].concat();
        let output = program(&directory, &arguments).output().unwrap();
        assert!(output.status.success(), "{}", told(&output));
        directory.join("run")
    })
}

/// The run of [`trained`] as an argument.
pub(crate) fn model() -> &'static str {
    trained().to_str().unwrap()
}

/// A copy of the run of [`trained`] at `to`.
pub(crate) fn copy_of_trained(to: &Path) {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let (from, to) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
            if from.is_dir() {
                copy(&from, &to);
            } else {
                fs::copy(&from, &to).unwrap();
            }
        }
    }
    copy(trained(), to);
}
