//! A full disk: a clear error, exit code 1, and nothing half-written.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::scene::{BRIEF, Scene, model, table};

/// A file system in memory of a few kilobytes, unmounted at the end.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, kilobytes: u32) -> Option<Self> {
        std::fs::create_dir(&at).unwrap();
        let options = format!("size={kilobytes}k");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "none"]).arg(&at).output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(at)),
            _ => {
                println!("skipped: this user may not mount a file system in memory");
                None
            }
        }
    }

    fn files(&self) -> Vec<String> {
        fn below(directory: &Path, found: &mut Vec<String>) {
            for entry in std::fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    below(&path, found);
                } else {
                    found.push(path.file_name().unwrap().to_string_lossy().into_owned());
                }
            }
        }
        let mut found = Vec::new();
        below(&self.0, &mut found);
        found
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).output();
    }
}

#[test]
fn outputs_appear_whole_or_not_at_all() {
    let scene = Scene::new();
    scene.write("t.csv", table(6000));
    let Some(disk) = SmallDisk::mount(scene.path("disk"), 16) else { return };
    for name in ["disk/codes.csv", "disk/codes.npy", "disk/codes.parquet"] {
        scene.fails(&["encode", model(), "t.csv", "-o", name], 1, &[name, "no space left"]);
        assert_eq!(disk.files(), Vec::<String>::new());
    }
}

#[test]
fn a_run_on_a_full_disk_ends_with_its_last_checkpoint_whole() {
    let scene = Scene::with_table();
    let Some(disk) = SmallDisk::mount(scene.path("disk"), 200) else { return };
    let train = ["train", "t.csv", "--model", "linear-ae", "--latent", "2"];
    let mut filled = false;
    // The fuller the disk at the start, the earlier in the run it is full.
    for kilobytes in (100..200).step_by(12) {
        scene.write("disk/ballast", vec![0; kilobytes << 10]);
        let output = scene.command(&[&train[..], &["--out", "disk/run"], &BRIEF].concat()).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            std::fs::remove_dir_all(scene.path("disk/run")).unwrap();
            continue;
        }
        filled = true;
        assert_eq!(output.status.code(), Some(1), "{error}");
        assert!(error.contains("disk/run") && error.to_lowercase().contains("no space left"), "{error}");
        let left = disk.files();
        assert!(!left.iter().any(|name| name.starts_with(".tmp")), "{left:?}");
        if scene.exists("disk/run/LATEST") {
            std::fs::remove_file(scene.path("disk/ballast")).unwrap();
            scene.succeeds(&[&train[..], &["--out", "disk/run", "--resume"], &BRIEF].concat());
        }
        if scene.exists("disk/run") {
            std::fs::remove_dir_all(scene.path("disk/run")).unwrap();
        }
    }
    assert!(filled);
}
