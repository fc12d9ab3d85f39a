//! Damaged and dishonest data files: each detected, named, and refused with exit code 3.

use std::path::Path;

use crate::files::{floats, idx, npy, zip};
use crate::scene::{Scene, model, table};

/// Cuts the file and, in another copy, changes bytes in its middle; both must be refused by name.
fn refused_when_damaged(scene: &Scene, whole: &str, extra: &[&str]) {
    let bytes = scene.read(whole);
    let extension = Path::new(whole).extension().unwrap().to_str().unwrap();
    let cut = format!("cut.{extension}");
    scene.write(&cut, &bytes[..bytes.len() * 2 / 3]);
    let of =
        |name: &str| [&["data", "describe"], &[name][..], extra].concat().iter().map(ToString::to_string).collect();
    let run = |name: &str| {
        let arguments: Vec<String> = of(name);
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        scene.fails(&arguments, 3, &[name])
    };
    run(&cut);
    let corrupt = format!("corrupt.{extension}");
    let mut changed = bytes.clone();
    let end = changed.len();
    changed[end - 12..].fill(0xa5);
    scene.write(&corrupt, changed);
    run(&corrupt);
}

#[test]
fn parquet_and_arrow() {
    let scene = Scene::with_table();
    for name in ["t.parquet", "t.arrow"] {
        scene.succeeds(&["reconstruct", model(), "t.csv", "-o", name]);
        scene.succeeds(&["evaluate", model(), name]);
        refused_when_damaged(&scene, name, &[]);
    }
}

#[test]
fn npz_with_a_changed_member() {
    let scene = Scene::new();
    let x = npy("<f4", &[50, 4], &floats((0..200_u16).map(|value| f32::from(value * 31 % 97))));
    let whole = zip(&[("X.npy", &x)]);
    scene.write("a.npz", &whole);
    scene.succeeds(&["data", "describe", "a.npz"]);
    refused_when_damaged(&scene, "a.npz", &[]);
    let mut changed = whole;
    changed[120] ^= 0x55;
    scene.write("b.npz", changed);
    scene.fails(&["data", "describe", "b.npz"], 3, &["b.npz"]);
}

#[test]
fn idx_cut_short_or_too_long() {
    let scene = Scene::new();
    let whole = idx(20, 6);
    scene.write("train.idx", &whole);
    scene.succeeds(&["data", "describe", "train.idx"]);
    scene.write("cut.idx", &whole[..whole.len() - 9]);
    scene.refuses("cut.idx", 3, &["cut.idx: the header claims 720 bytes of values, the file holds 711"]);
    scene.write("long.idx", [whole, vec![0; 5]].concat());
    scene.refuses("long.idx", 3, &["long.idx: the header claims 720 bytes of values, the file holds 725"]);
}

#[test]
fn safetensors_cut_or_with_a_broken_header() {
    let scene = Scene::with_table();
    scene.succeeds(&["encode", model(), "t.csv", "-o", "codes.safetensors"]);
    scene.succeeds(&["data", "describe", "codes.safetensors"]);
    let whole = scene.read("codes.safetensors");
    scene.write("cut.safetensors", &whole[..whole.len() - 40]);
    scene.refuses("cut.safetensors", 3, &["cut.safetensors"]);
    scene.write("header.safetensors", [&whole[..8], b"{]", &whole[10..]].concat());
    scene.refuses("header.safetensors", 3, &["header.safetensors"]);
}

#[test]
fn an_npy_header_that_claims_a_terabyte() {
    let scene = Scene::new();
    scene.write("huge.npy", npy("<f4", &[1 << 30, 256], &floats([1.0, 2.0])));
    scene.refuses("huge.npy", 3, &["huge.npy: the header claims 1099511627776 bytes of values, the file holds 8"]);
    let member = npy("<f8", &[1 << 30, 128], &[0; 64]);
    scene.write("huge.npz", zip(&[("X.npy", &member)]));
    scene.refuses("huge.npz", 3, &["huge.npz", "the header claims 1099511627776 bytes"]);
}

#[test]
fn foreign_bytes_are_no_table() {
    let scene = Scene::new();
    let noise: Vec<u8> = (0..4000_u32).map(|place| (place.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    for name in ["noise.csv", "noise.parquet", "noise.npy", "noise.npz", "noise.safetensors", "noise.png"] {
        scene.write(name, &noise);
        scene.refuses(name, 3, &[name]);
    }
    scene.write("half.csv.gz", [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]);
    scene.refuses("half.csv.gz", 3, &["half.csv.gz"]);
    let zeros = table(3).into_bytes().into_iter().chain([0; 100]).collect::<Vec<_>>();
    scene.write("zeros.csv", zeros);
    scene.refuses("zeros.csv", 3, &["zeros.csv", "zero bytes; expected UTF-8 text"]);
}
