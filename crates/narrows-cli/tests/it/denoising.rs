//! Noisy rows and pictures to clean ones: as many as before, in the same schema, of any size where convolutions look.

use serde_json::Value;

use crate::scene::{BRIEF, Scene, table};

/// The table of [`table`] with an identifier in front.
fn numbered(rows: usize) -> String {
    let lines = table(rows);
    let number = |(at, line): (usize, &str)| if at == 0 { format!("id,{line}\n") } else { format!("n{at},{line}\n") };
    lines.lines().enumerate().map(number).collect()
}

fn cells(text: &str) -> Vec<Vec<String>> {
    text.lines().map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

fn error(json: &Value, of: &str) -> f64 {
    json[of]["squared_error_per_element"].as_f64().unwrap()
}

fn denoise(scene: &Scene, arguments: &[&str]) -> Value {
    serde_json::from_str(&scene.succeeds(&[&["denoise"], arguments, &["--json"]].concat())).unwrap()
}

#[test]
fn tables_keep_their_rows_their_columns_and_what_the_model_does_not_know() {
    let scene = Scene::new();
    scene.write("t.csv", numbered(200));
    let train = ["train", "t.csv", "--task", "denoising", "--exclude", "id", "--label", "label", "--latent", "3"];
    scene.succeeds(&[&train[..], &["--steps", "400", "--out", "run"]].concat());
    // With a missing cell, and columns in another order.
    let mut given = numbered(50).replacen("n1,0.0000,", "n1,,", 1);
    given =
        given.lines().map(|line| line.split_once(',').map(|(id, rest)| format!("{rest},{id}\n")).unwrap()).collect();
    scene.write("given.csv", &given);
    let done = denoise(&scene, &["run", "given.csv", "-o", "out.csv"]);
    assert_eq!(done["samples"], 50);
    assert!(done.get("noisy").is_none());
    let (before, after) = (cells(&given), cells(&String::from_utf8(scene.read("out.csv")).unwrap()));
    assert_eq!(before[0], after[0]);
    assert_eq!(before.len(), after.len());
    for (before, after) in before.iter().zip(&after).skip(1) {
        assert_eq!(before[4..], after[4..], "label and identifier stay");
        assert!(after[..3].iter().all(|cell| cell.parse::<f64>().unwrap().is_finite()));
    }
    // A clean reference, and noise of our own: the output is nearer to the clean data than the input.
    let noise = ["run", "t.csv", "--add-noise", "1", "--noisy", "noisy.csv", "-o"];
    let tried = denoise(&scene, &[&noise[..], &["tried.csv"]].concat());
    assert!(error(&tried, "denoised") < 0.7 * error(&tried, "noisy"), "{tried}");
    let again = denoise(&scene, &[&noise[..3], &["1", "-o", "again.csv", "--threads", "1"]].concat());
    assert!(tried == again && scene.read("tried.csv") == scene.read("again.csv"), "the seed decides");
    let compared = denoise(&scene, &["run", "noisy.csv", "--clean", "t.csv", "-o", "compared.csv"]);
    for of in ["noisy", "denoised"] {
        assert!((error(&compared, of) / error(&tried, of) - 1.0).abs() < 0.02, "{compared} {tried}");
    }
    let few = ["denoise", "run", "t.csv", "--clean", "given.csv", "-o", "x.csv"];
    scene.fails(&few, 3, &["given.csv: 50 rows", "200"]);
    scene.fails(&["denoise", "run", "t.csv", "-o", "out.csv"], 2, &["out.csv", "--force"]);
    assert!(!scene.exists("x.csv"));
}

#[test]
fn clean_rows_may_lie_in_other_blocks_of_their_file() {
    let scene = Scene::new();
    let rows = table(9_000);
    // Text is read in blocks of bytes: long identifiers move their edges.
    let identified = |length: usize| -> String {
        let cell = |(at, line): (usize, &str)| {
            let cell = if at == 0 { "id".to_owned() } else { format!("{at:0length$}") };
            format!("{cell},{line}\n")
        };
        rows.lines().enumerate().map(cell).collect()
    };
    scene.write("clean.csv", identified(6));
    scene.write("long.csv", identified(600));
    let train = ["train", "clean.csv", "--model", "dae", "--exclude", "id", "--label", "label", "--out", "run"];
    scene.succeeds(&[&train[..], &BRIEF].concat());
    for (noisy, clean) in [("long.csv", "clean.csv"), ("clean.csv", "long.csv")] {
        let out = format!("of-{noisy}");
        let compared = denoise(&scene, &["run", noisy, "--clean", clean, "-o", &out]);
        assert_eq!((compared["samples"].as_u64(), error(&compared, "noisy")), (Some(9_000), 0.0));
        assert_eq!(String::from_utf8(scene.read(&out)).unwrap().lines().count(), 9_001);
    }
}

#[test]
fn windows_give_back_every_row() {
    let scene = Scene::new();
    scene.write("long.csv", numbered(160));
    scene.write("t.csv", numbered(61));
    let train = ["train", "long.csv", "--model", "dae", "--exclude", "id", "--label", "label", "--out", "run"];
    scene.succeeds(&[&train[..], &["--window", "8", "--stride", "5", "--batch", "4"], &BRIEF].concat());
    assert_eq!(denoise(&scene, &["run", "t.csv", "-o", "out.csv", "--add-noise", "0.5"])["samples"], 61);
    let (before, after) = (cells(&numbered(61)), cells(&String::from_utf8(scene.read("out.csv")).unwrap()));
    let column = |rows: &[Vec<String>], at: usize| rows.iter().map(|row| row[at].clone()).collect::<Vec<_>>();
    assert_eq!(column(&before, 0), column(&after, 0));
    assert_ne!(column(&before, 1), column(&after, 1));
}

/// A picture of 28 x 28 pixels: nine digits of 8 x 8 with gaps.
fn grid(scene: &Scene, run: &str, path: &str) {
    scene.succeeds(&["reconstruct", run, "digits", "--limit", "9", "-o", path]);
}

fn size(png: &[u8]) -> [u32; 2] {
    [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().unwrap()))
}

#[test]
fn convolutions_take_pictures_of_any_size() {
    let scene = Scene::new();
    let steps = ["--steps", "300", "--rate", "3e-3", "--set", "model.channels=[8, 16]"];
    scene.succeeds(
        &[&["train", "digits", "--task", "denoising", "--latent", "8", "--out", "conv"][..], &steps].concat(),
    );
    std::fs::create_dir_all(scene.path("in/deep")).unwrap();
    grid(&scene, "conv", "in/a.png");
    std::fs::copy(scene.path("in/a.png"), scene.path("in/deep/b.png")).unwrap();
    let one = denoise(&scene, &["conv", "in/a.png", "-o", "one.png", "--add-noise", "0.4", "--noisy", "noisy.png"]);
    assert_eq!(size(&scene.read("one.png")), [28, 28]);
    assert!((one["noisy"]["psnr"].as_f64().unwrap() - 7.96).abs() < 0.5, "unclipped noise of 0.4: {one}");
    let rows = denoise(&scene, &["conv", "digits", "--limit", "200", "-o", "rows.npy", "--add-noise", "0.4"]);
    let psnr = |of: &str| rows[of]["psnr"].as_f64().unwrap();
    assert!(psnr("denoised") > psnr("noisy") + 3.0, "{rows}");
    assert_eq!(denoise(&scene, &["conv", "in", "-o", "out"])["samples"], 2);
    assert_eq!(scene.read("out/a.png"), scene.read("out/deep/b.png"));
    let compared = denoise(&scene, &["conv", "noisy.png", "--clean", "in/a.png", "-o", "two.jpg"]);
    assert!(compared["noisy"]["psnr"].as_f64() > one["noisy"]["psnr"].as_f64(), "a file clips noise: {compared}");
    scene.fails(&["denoise", "conv", "in", "-o", "out"], 2, &["out", "--force"]);
    scene.fails(&["denoise", "conv", "in", "--clean", "one.png", "-o", "new"], 3, &["no clean picture"]);
    scene.fails(&["denoise", "conv", "in/a.png", "-o", "a.gif"], 2, &["use .png"]);
}

#[test]
fn dense_models_refuse_pictures_of_other_sides_with_a_way_out() {
    let scene = Scene::new();
    scene.succeeds(&[&["train", "digits", "--model", "dae", "--out", "dense"][..], &BRIEF].concat());
    grid(&scene, "dense", "a.png");
    let parts = ["28 x 28", "8 x 8", "--task denoising"];
    scene.fails(&["denoise", "dense", "a.png", "-o", "b.png"], 3, &parts);
    assert!(!scene.exists("b.png"));
    let rows = denoise(&scene, &["dense", "digits", "--limit", "20", "-o", "b.npy", "--add-noise", "0.3"]);
    assert_eq!((rows["samples"].as_u64(), rows["noisy"]["samples"].as_u64()), (Some(20), Some(20)));
}
