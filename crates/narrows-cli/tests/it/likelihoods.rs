//! Likelihoods of counts and of shares: which data they take, what they refuse, and what they generate.

use std::fmt::Write as _;

use crate::scene::{BRIEF, Scene};

/// Visits as counts, a share, a number and a category.
fn table(first: &str) -> String {
    let mut text = String::from("visits,errors,share,kind\n");
    writeln!(text, "{first}").unwrap();
    for row in 0..60 {
        writeln!(text, "{},{},0.{},{}", row % 7, (row * row) % 31, row % 10, ["a", "b"][row % 2]).unwrap();
    }
    text
}

fn train(data: &str, likelihood: &str, further: &[&str]) -> Vec<String> {
    let set = format!("model.likelihood={likelihood}");
    let arguments = ["train", data, "--model", "vae", "--latent", "2", "--out", likelihood, "--set", &set];
    [&arguments[..], &BRIEF, further].concat().into_iter().map(str::to_owned).collect()
}

fn words(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

#[test]
fn counts_stay_counts_and_are_generated_as_counts() {
    let scene = Scene::new();
    scene.write("counts.csv", table("3,0,0.5,a"));
    for likelihood in ["poisson", "negative-binomial"] {
        let arguments = train("counts.csv", likelihood, &["--exclude", "share"]);
        scene.succeeds(&words(&arguments));
        scene.succeeds(&["generate", likelihood, "-n", "50", "-o", "new.csv", "--force"]);
        let text = String::from_utf8(scene.read("new.csv")).unwrap();
        for line in text.lines().skip(1) {
            let counts = line.split(',').take(2).map(|cell| cell.parse::<f64>().unwrap());
            assert!(counts.into_iter().all(|count| count >= 0.0 && count.fract() == 0.0), "{line}");
        }
        scene.succeeds(&["evaluate", likelihood, "counts.csv", "--samples", "4"]);
    }
}

#[test]
fn numbers_that_are_no_counts_or_shares_are_refused_with_their_column() {
    let scene = Scene::new();
    scene.write("negative.csv", table("3,-1,0.5,a"));
    let counts = train("negative.csv", "poisson", &["--exclude", "share"]);
    scene.fails(&words(&counts), 3, &["column `errors`", "-1", "whole numbers from 0 on"]);
    let fractions = train("negative.csv", "poisson", &["--exclude", "errors"]);
    scene.fails(&words(&fractions), 3, &["column `share`", "0.5", "--exclude"]);
    let shares = train("negative.csv", "bernoulli", &["--exclude", "visits"]);
    scene.fails(&words(&shares), 3, &["column `errors`", "0..=1"]);
}

#[test]
fn a_value_that_is_no_share_is_told_with_its_row_in_the_file() {
    let scene = Scene::new();
    for bad in [7, 31, 58] {
        let row = |at: usize| if at == bad { "5\n".to_owned() } else { format!("{}\n", (at % 10) as f64 / 10.0) };
        scene.write("t.csv", "share\n".to_owned() + &(1..=60).map(row).collect::<String>());
        let train = ["train", "t.csv", "--model", "vae", "--set", "model.likelihood=bernoulli", "--latent", "1"];
        let said = scene.fails(&[&train[..], &BRIEF, &["--out", "bad"]].concat(), 3, &["model.likelihood=gaussian"]);
        assert!(said.contains(&format!("row {bad}, column `share`: 5")), "{said}");
    }
}

#[test]
fn shares_of_tables_are_read_as_probabilities() {
    let scene = Scene::new();
    scene.write("shares.csv", table("3,0,0.5,a"));
    let shares = train("shares.csv", "bernoulli", &["--columns", "share,kind"]);
    scene.succeeds(&words(&shares));
    scene.succeeds(&["reconstruct", "bernoulli", "shares.csv", "-o", "back.csv"]);
    let text = String::from_utf8(scene.read("back.csv")).unwrap();
    let share = |line: &str| line.split(',').next().unwrap().parse::<f64>().unwrap();
    assert!(text.lines().skip(1).all(|line| (0.0..=1.0).contains(&share(line))), "{text}");
}
