//! Small files that claim to be large are refused before they take memory.

use std::fs;
use std::process::Stdio;
use std::time::Duration;

use crate::files::{npy, png, zip};
use crate::scene::{Scene, check_failure};

/// Runs the program, watches its peak resident memory, and expects exit code 3.
fn refused_within(scene: &Scene, data: &str, megabytes: u64) {
    let arguments = ["train", data, "--out", "run"];
    let mut command = scene.command(&arguments);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        let kilobytes = line.split_whitespace().next().and_then(|number| number.parse().ok());
        peak = peak.max(kilobytes.unwrap_or(0_u64));
        std::thread::sleep(Duration::from_millis(1));
    }
    check_failure(&child.wait_with_output().unwrap(), &arguments, 3, &[data]);
    assert!(peak < megabytes << 10, "{data}: {peak} kB");
}

#[test]
fn archives_that_inflate_far_beyond_their_size() {
    if !cfg!(target_os = "linux") {
        println!("skipped: peak memory is read from /proc");
        return;
    }
    let scene = Scene::new();
    let mut bomb = zip(&[("X.npy", &npy("|u1", &[8 << 20], &vec![0; 8 << 20]))]);
    assert!(bomb.len() < 10_000);
    let claimed = u32::MAX - 1;
    let central = bomb.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    bomb[central + 24..central + 28].copy_from_slice(&claimed.to_le_bytes());
    scene.write("bomb.npz", &bomb);
    refused_within(&scene, "bomb.npz", 100);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let block = vec![0; 1 << 20];
    (0..128).for_each(|_| std::io::Write::write_all(&mut gzip, &block).unwrap());
    scene.write("bomb.csv.gz", gzip.finish().unwrap());
    refused_within(&scene, "bomb.csv.gz", 100);
    scene.write("huge.npy", npy("<f8", &[1 << 30, 128], &[0; 800]));
    refused_within(&scene, "huge.npy", 100);
    scene.write("huge.png", png((60_000, 60_000), (60_000, 8), |_, _| 0));
    refused_within(&scene, "huge.png", 100);
}
