//! New samples: in the schema of the training data, the same for the same seed, from a prior or a mixture.

use std::collections::BTreeSet;

use crate::scene::{BRIEF, Scene, model};

fn train(scene: &Scene, data: &str, name: &str, further: &[&str]) {
    let arguments = ["train", data, "--model", name, "--latent", "2", "--out", name];
    scene.succeeds(&[&arguments[..], &BRIEF, further].concat());
}

#[test]
fn tables_are_generated_in_the_schema_of_the_training_data() {
    let scene = Scene::with_table();
    train(&scene, "t.csv", "vae", &["--label", "label"]);
    scene.succeeds(&["generate", "vae", "-n", "300", "-o", "a.csv", "--seed", "4"]);
    scene.succeeds(&["generate", "vae", "-n", "300", "-o", "b.csv", "--seed", "4", "--threads", "1"]);
    scene.succeeds(&["generate", "vae", "-n", "300", "-o", "c.csv", "--seed", "5"]);
    assert!(scene.read("a.csv") == scene.read("b.csv"), "the seed does not decide");
    assert!(scene.read("a.csv") != scene.read("c.csv"), "the seed does not matter");
    let text = String::from_utf8(scene.read("a.csv")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("a,b,c,kind"));
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 300);
    assert!(rows.iter().flat_map(|row| &row[..3]).all(|cell| cell.parse::<f64>().unwrap().is_finite()));
    // Blue never occurs: 0, 1 and 4 are the squares modulo 3.
    let kinds: BTreeSet<&str> = rows.iter().map(|row| row[3]).collect();
    assert_eq!(kinds, BTreeSet::from(["green", "red"]), "categories are drawn, and are those of the data");
    scene.fails(&["generate", "vae", "-n", "3", "-o", "a.csv"], 2, &["a.csv", "--force"]);
}

#[test]
fn whole_columns_stay_whole_and_within_their_range() {
    let scene = Scene::new();
    let row = |at: usize| format!("{},{}\n", 20 + at * at % 31, 0.25 * (at % 7) as f64);
    scene.write("t.csv", "age,dose\n".to_owned() + &(0..400).map(row).collect::<String>());
    train(&scene, "t.csv", "vae", &[]);
    scene.succeeds(&["generate", "vae", "-n", "200", "-o", "a.csv"]);
    let text = String::from_utf8(scene.read("a.csv")).unwrap();
    let rows: Vec<Vec<f64>> =
        text.lines().skip(1).map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect()).collect();
    assert!(rows.iter().all(|row| row[0].fract() == 0.0 && (20.0..=50.0).contains(&row[0])), "{text}");
    assert!(rows.iter().any(|row| row[1].fract() != 0.0), "{text}");
}

#[test]
fn a_value_that_most_rows_share_is_as_frequent_in_samples() {
    let scene = Scene::new();
    let row = |at: usize| {
        let (wave, gain) =
            ((at as f64 * 0.73).sin(), if at.is_multiple_of(5) { 900.0 + (at % 70) as f64 } else { 0.0 });
        format!("{:.4},{:.4},{gain:.1}\n", wave, 0.5 * wave + gain / 1000.0)
    };
    scene.write("t.csv", "a,b,gain\n".to_owned() + &(0..400).map(row).collect::<String>());
    scene.succeeds(&["train", "t.csv", "--model", "vae", "--latent", "2", "--steps", "100", "--out", "vae"]);
    scene.succeeds(&["generate", "vae", "-n", "500", "-o", "a.csv"]);
    let text = String::from_utf8(scene.read("a.csv")).unwrap();
    let gains: Vec<f64> = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap().parse().unwrap()).collect();
    let zeros = gains.iter().filter(|gain| **gain == 0.0).count();
    assert!((350..450).contains(&zeros) && gains.iter().all(|gain| *gain >= 0.0), "{zeros} of 500");
}

#[test]
fn models_without_a_prior_draw_from_a_mixture() {
    let scene = Scene::new();
    scene.succeeds(&["generate", model(), "-n", "20", "-o", "a.csv"]);
    scene.succeeds(&["generate", model(), "-n", "20", "-o", "b.csv", "--sampler", "mixture"]);
    assert!(scene.read("a.csv") == scene.read("b.csv"));
    let asked = ["generate", model(), "-n", "20", "-o", "c.csv", "--sampler", "prior"];
    scene.fails(&asked, 2, &["`ae` has no prior", "--sampler mixture"]);
    assert!(!scene.exists("c.csv"));
    let output = scene.command(&["generate", model(), "-n", "20", "-o", "-", "--sampler", "prior"]).output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
}

#[test]
fn flows_are_fitted_where_asked_for_and_kept_in_the_file() {
    let scene = Scene::with_table();
    train(&scene, "t.csv", "ae", &["--label", "label", "--flow"]);
    let draw = |out: &str, seed: &str, further: &[&str]| {
        scene.succeeds(&[&["generate", "ae", "-n", "50", "-o", out, "--seed", seed][..], further].concat());
        scene.read(out)
    };
    let flow = draw("a.csv", "1", &["--sampler", "flow"]);
    assert!(flow == draw("b.csv", "1", &["--threads", "1"]), "a flow is the choice where there is no prior");
    assert!(flow != draw("c.csv", "2", &[]));
    assert!(flow != draw("d.csv", "1", &["--sampler", "mixture"]));
    assert_eq!(String::from_utf8(flow).unwrap().lines().count(), 51);
    let asked = ["generate", model(), "-n", "20", "-o", "e.csv", "--sampler", "flow"];
    scene.fails(&asked, 2, &["`ae` has no flow of codes", "--flow"]);
    let wide = ["train", "t.csv", "--model", "top-k", "--latent", "80", "--label", "label", "--flow", "--out", "wide"];
    scene.fails(&[&wide[..], &BRIEF].concat(), 2, &["80 values", "--latent"]);
    assert!(!scene.exists("wide"), "refused before the training");
}

#[test]
fn pictures_are_generated_as_a_grid_or_as_files() {
    let scene = Scene::new();
    train(&scene, "digits", "vae", &[]);
    let few = scene.command(&["evaluate", "vae", "digits", "--limit", "3"]).output().unwrap();
    assert!(!String::from_utf8_lossy(&few.stderr).contains("collapsed"), "three samples show no collapse");
    scene.succeeds(&["generate", "vae", "-n", "9", "-o", "grid.png"]);
    let grid = scene.read("grid.png");
    assert_eq!(&grid[1..4], b"PNG");
    scene.succeeds(&["generate", "vae", "-n", "300", "-o", "many.png"]);
    let files = std::fs::read_dir(scene.path(".")).unwrap().map(|file| file.unwrap().file_name());
    let numbered = files.filter(|name| name.to_string_lossy().starts_with("many")).count();
    assert_eq!(numbered, 300);
    scene.succeeds(&["generate", "vae", "-n", "3", "-o", "apart/"]);
    let names = ["apart/000000.png", "apart/000001.png", "apart/000002.png"];
    assert!(names.iter().all(|name| &scene.read(name)[1..4] == b"PNG") && !scene.exists("apart/000003.png"));
    scene.fails(&["generate", "vae", "-n", "3", "-o", "apart/"], 2, &["000000.png: exists already", "--force"]);
}

#[test]
fn the_likelihood_is_bounded_for_models_that_have_one() {
    let scene = Scene::with_table();
    train(&scene, "t.csv", "iwae", &["--label", "label"]);
    let evaluate = |samples, seed| {
        let arguments = ["evaluate", "iwae", "t.csv", "--samples", samples, "--seed", seed, "--json"];
        let json: serde_json::Value = serde_json::from_str(&scene.succeeds(&arguments)).unwrap();
        json["likelihood"].clone()
    };
    let (one, many) = (evaluate("1", "0"), evaluate("200", "0"));
    let nats = |bound: &serde_json::Value| bound["negative_log_likelihood"].as_f64().unwrap();
    assert_eq!(nats(&one), one["negative_elbo"].as_f64().unwrap());
    assert!(nats(&many) < many["negative_elbo"].as_f64().unwrap(), "more codes give a tighter bound: {many}");
    assert_eq!(many, evaluate("200", "0"));
    assert_ne!(many, evaluate("200", "1"));
    scene.fails(&["evaluate", model(), "t.csv", "--samples", "5"], 2, &["`ae` has no distribution", "vae"]);
}

#[test]
fn latents_are_measured_against_known_factors() {
    let scene = Scene::new();
    let squares = "synthetic:squares?rows=200";
    train(&scene, squares, "beta-tc-vae", &["--patch", "0"]);
    let json = scene.succeeds(&["evaluate", "beta-tc-vae", squares, "--factors", "x,y,size", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let gap = json["factors"]["mutual_information_gap"].as_f64().unwrap();
    assert!((0.0..=1.0).contains(&gap), "{json}");
    assert_eq!(json["factors"]["factors"].as_array().unwrap().len(), 3);
    scene.fails(&["evaluate", "beta-tc-vae", squares, "--factors", "siez"], 2, &["did you mean `size`?"]);
}

#[test]
fn conditional_models_draw_samples_of_a_chosen_label() {
    let scene = Scene::with_table();
    train(&scene, "t.csv", "conditional-vae", &["--label", "kind"]);
    scene.succeeds(&["generate", "conditional-vae", "-n", "40", "-o", "red.csv", "--where", "kind=red"]);
    scene.succeeds(&["generate", "conditional-vae", "-n", "40", "-o", "any.csv"]);
    let kinds = |name: &str| {
        let text = String::from_utf8(scene.read(name)).unwrap();
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("a,b,c,label,kind"));
        lines.map(|line| line.rsplit(',').next().unwrap().to_owned()).collect::<BTreeSet<String>>()
    };
    assert_eq!(kinds("red.csv"), BTreeSet::from(["red".to_owned()]));
    assert_eq!(kinds("any.csv"), BTreeSet::from(["green".to_owned(), "red".to_owned()]));
    scene.succeeds(&["encode", "conditional-vae", "t.csv", "-o", "codes.csv"]);
    assert!(scene.read("codes.csv").starts_with(b"z0,z1,kind\n"));
    scene.succeeds(&["decode", "conditional-vae", "codes.csv", "-o", "decoded.csv"]);
    scene.succeeds(&["reconstruct", "conditional-vae", "t.csv", "-o", "reconstructed.csv"]);
    assert!(scene.read("decoded.csv") == scene.read("reconstructed.csv"), "decoding does not see the condition");
    scene.succeeds(&["encode", "conditional-vae", "t.csv", "-o", "codes.npy"]);
    scene.fails(
        &["decode", "conditional-vae", "codes.npy", "-o", "d.csv"],
        3,
        &["the column `kind`", "narrows encode"],
    );
}

#[test]
fn conditions_are_written_and_given_as_in_the_training_data() {
    let scene = Scene::new();
    let row = |at: usize| format!("{},{:.2},{}\n", at % 97, 0.01 * (at * 37 % 500) as f64, ["yes", "no"][at % 2]);
    scene.write("t.csv", "load,dose,ok\n".to_owned() + &(0..400).map(row).collect::<String>());
    for (label, digits) in [("load", 0), ("dose", 2)] {
        let arguments = ["train", "t.csv", "--model", "conditional-vae", "--latent", "2", "--label", label];
        scene.succeeds(&[&arguments[..], &BRIEF, &["--out", label]].concat());
        scene.succeeds(&["generate", label, "-n", "50", "-o", "new.csv", "--force"]);
        let text = String::from_utf8(scene.read("new.csv")).unwrap();
        let told = text.lines().skip(1).map(|line| line.rsplit(',').next().unwrap());
        let decimals = told.map(|cell| cell.split_once('.').map_or(0, |(_, decimals)| decimals.len())).max();
        assert_eq!(decimals, Some(digits), "{text}");
    }
    train(&scene, "t.csv", "conditional-vae", &["--label", "ok"]);
    scene.succeeds(&["generate", "conditional-vae", "-n", "5", "-o", "ok.csv", "--where", "ok=yes"]);
    assert!(String::from_utf8(scene.read("ok.csv")).unwrap().lines().skip(1).all(|line| line.ends_with(",true")));
}

#[test]
fn samples_of_arrays_say_their_label_where_the_file_has_columns() {
    let scene = Scene::new();
    train(&scene, "digits", "conditional-vae", &[]);
    for (file, told) in [("new.csv", true), ("new.npy", false), ("new.png", false)] {
        scene.succeeds(&["generate", "conditional-vae", "-n", "9", "-o", file, "--where", "label=3"]);
        if told {
            let text = String::from_utf8(scene.read(file)).unwrap();
            let place = text.lines().next().unwrap().split(',').position(|name| name == "label").unwrap();
            assert!(text.lines().skip(1).all(|line| line.split(',').nth(place) == Some("3")), "{text}");
        }
    }
}

#[test]
fn samples_of_a_label_look_like_it() {
    let scene = Scene::new();
    let row = |at: usize| {
        let (wave, label) = ((at as f64 * 0.73).sin(), ["low", "high"][at % 2]);
        format!("{:.4},{:.4},{label}\n", wave, 0.5 * wave + if label == "high" { 3.0 } else { -3.0 })
    };
    scene.write("t.csv", "a,b,kind\n".to_owned() + &(0..400).map(row).collect::<String>());
    let arguments = ["train", "t.csv", "--model", "conditional-vae", "--label", "kind", "--latent", "2"];
    scene.succeeds(&[&arguments[..], &["--steps", "400", "--out", "run"]].concat());
    for (label, expected) in [("low", -3.0), ("high", 3.0)] {
        let condition = format!("kind={label}");
        scene.succeeds(&["generate", "run", "-n", "100", "-o", "new.csv", "--force", "--where", &condition]);
        let text = String::from_utf8(scene.read("new.csv")).unwrap();
        let values = text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse::<f64>().unwrap());
        let mean = values.sum::<f64>() / 100.0;
        assert!((mean - expected).abs() < 1.0, "{label}: {mean}");
    }
}

#[test]
fn conditions_that_cannot_be_are_refused_with_a_way_out() {
    let scene = Scene::with_table();
    scene.fails(&["train", "t.csv", "--model", "conditional-vae"], 2, &["--label COLUMN", "`vae`"]);
    scene.write("one.csv", "a,b,kind\n".to_owned() + &"1.5,2,red\n2.5,3,red\n".repeat(20));
    let parts = ["`kind` has one value only", "--label"];
    scene.fails(&["train", "one.csv", "--model", "conditional-vae", "--label", "kind"], 2, &parts);
    train(&scene, "t.csv", "conditional-vae", &["--label", "kind"]);
    let asked = |condition| ["generate", "conditional-vae", "-n", "4", "-o", "a.csv", "--where", condition];
    scene.fails(&asked("kind=blue"), 2, &["no value `blue`", "green, red"]);
    scene.fails(&asked("label=1"), 2, &["conditioned on the column `kind`"]);
    scene.fails(&asked("red"), 2, &["write kind=VALUE"]);
    let asked = ["generate", model(), "-n", "4", "-o", "a.csv", "--where", "kind=red"];
    scene.fails(&asked, 2, &["`ae` takes no condition", "conditional-vae"]);
    assert!(!scene.exists("a.csv"));
}
