//! Wrong options: exit code 2, with the nearest name and nothing written.

use crate::scene::{BRIEF, Scene, copy_of_trained, model};

#[test]
fn unknown_names_have_their_nearest() {
    let scene = Scene::with_table();
    scene.fails(&["train", "t.csv", "--latent", "-5"], 2, &["invalid value '-5'", "--latent"]);
    scene.fails(&["train", "t.csv", "--latnet", "3"], 2, &["'--latnet'", "'--latent'"]);
    scene.fails(&["trian", "t.csv"], 2, &["'trian'", "'train'"]);
    scene.fails(&["train", "t.csv", "--model", "aee"], 2, &["there is no model called `aee`", "did you mean `ae`"]);
    let set = |assignment| ["train", "t.csv", "--out", "run", "--set", assignment];
    scene.fails(&set("train.stesp=3"), 2, &["stesp", "did you mean `steps`"]);
    scene.fails(&set("model.ae.widht=[3]"), 2, &["widht", "did you mean `widths`"]);
    scene.fails(&set("data.splt.by=time"), 2, &["splt", "did you mean `split`"]);
    scene.fails(&set("tarin.steps=3"), 2, &["tarin", "did you mean `train`"]);
    scene.fails(&["train", "mnits"], 2, &["mnits", "did you mean `mnist`"]);
    scene.fails(&["train", "mnist"], 2, &["mnist: not in", "narrows data fetch mnist"]);
    scene.fails(&["describe", "conv-ea"], 2, &["did you mean `conv-ae`"]);
    scene.fails(&["data", "fetch", "mnits"], 2, &["did you mean `mnist`"]);
    assert!(!scene.exists("run") && !scene.exists("runs"));
}

#[test]
fn values_that_cannot_work_say_what_can() {
    let scene = Scene::with_table();
    let set = |assignment| ["train", "t.csv", "--out", "run", "--set", assignment];
    scene.fails(&set("train.steps"), 2, &["it has no `=`"]);
    let both = ["train", "t.csv", "--out", "run", "--model", "ae", "--set", "model.linear-ae.tied=true"];
    scene.fails(&both, 2, &["model: several models are configured; keep one"]);
    scene.fails(&set("train.rate=-1"), 2, &["train.rate: ", "greater than 0"]);
    scene.fails(&set("train.rate=fast"), 2, &["train.rate: found string \"fast\", expected a number"]);
    scene.fails(&set("model.beta-vae.beta=-1"), 2, &["model.beta-vae.beta: "]);
    scene.fails(&set("model.ae.dropout=1.5"), 2, &["dropout = 1.5", "0 switches dropout off"]);
    scene.fails(&set("data.split.fractions=[0.5,0.1,0.1]"), 2, &["sum to 1"]);
    scene.fails(&["train", "t.csv", "--threads", "0"], 2, &["--threads"]);
    scene.fails(&["train", "t.csv", "--model", "conv-ae", "--out", "run"], 2, &["conv-ae", "Use the model `ae`"]);
    let wide = ["train", "t.csv", "--out", "run", "--model", "ae", "--set", "model.widths=[1000000, 1000000]"];
    scene.fails(&wide, 2, &["encoder.1.weight", "4000 GB", "narrower layers"]);
    let corruption = ["train", "t.csv", "--out", "run", "--model", "dae", "--set", "model.corruption=gaussian"];
    scene.fails(&corruption, 2, &["options of its own", "narrows describe"]);
    let hidden = "model.dae.corruption={ masking = { share = 1.0 } }";
    scene.fails(&set(hidden), 2, &["corruption = masking", "nothing is left to see"]);
    let stacked = ["train", "t.csv", "--out", "run", "--model", "stacked", "--set", "model.pretraining=1"];
    scene.fails(&stacked, 2, &["pretraining = 1", "at most 0.9"]);
    let both =
        ["train", "t.csv", "--out", "run", "--set", "model.beta-vae.capacity=5", "--set", "model.beta-vae.warmup=0.5"];
    scene.fails(&both, 2, &["warmup = 0.5", "leave out warmup or capacity"]);
    let label = ["train", "t.csv", "--out", "run", "--label", "kind", "--exclude", "kind"];
    scene.fails(&label, 2, &["`kind`", "the label and left out"]);
    for data in ["digits", "synthetic:squares?rows=100"] {
        scene.fails(&["train", data, "--out", "run", "--label", "lable"], 2, &["no column `lable`", "it has `"]);
    }
    scene.fails(&["train"], 2, &["no data named"]);
    assert!(!scene.exists("run"), "a refused run left a directory");
}

#[test]
fn a_configuration_file_is_checked_with_its_lines() {
    let scene = Scene::with_table();
    scene.write("c.toml", "[train]\nsteps = 3\nbacth = 4\n");
    let parts = ["c.toml: ", "line 3", "bacth", "did you mean `batch`"];
    scene.fails(&["train", "t.csv", "--config", "c.toml", "--out", "run"], 2, &parts);
    scene.write("d.toml", "[train\n");
    scene.fails(&["train", "t.csv", "--config", "d.toml", "--out", "run"], 2, &["d.toml: ", "line 1"]);
    scene.fails(&["train", "t.csv", "--config", "e.toml", "--out", "run"], 2, &["e.toml: cannot read"]);
    scene.write("f.toml", "[model.iwae]\ndraws = 3\n");
    let parts = ["f.toml: ", "configures the model `iwae`", "--model asks for `vae`"];
    scene.fails(&["train", "t.csv", "--config", "f.toml", "--model", "vae", "--out", "run"], 2, &parts);
}

#[test]
fn nothing_is_overwritten_unless_told_to() {
    let scene = Scene::with_table();
    scene.write("codes.csv", "mine\n");
    scene.fails(&["encode", model(), "t.csv", "-o", "codes.csv"], 2, &["codes.csv: exists already", "--force"]);
    assert_eq!(scene.read("codes.csv"), b"mine\n");
    scene.succeeds(&["encode", model(), "t.csv", "-o", "codes.csv", "--force"]);
    scene.write("run/mine.txt", "mine\n");
    let train = ["train", "t.csv", "--out", "run"];
    scene.fails(&train, 2, &["run: exists already", "--resume", "--force"]);
    scene.fails(&[&train[..], &["--force"]].concat(), 2, &["run: not a run directory"]);
    scene.fails(&[&train[..], &["--resume"]].concat(), 2, &["run: no run here"]);
    assert_eq!(scene.read("run/mine.txt"), b"mine\n");
    scene.fails(&["encode", model(), "t.csv", "-o", "codes.xyz"], 2, &["codes.xyz"]);
    scene.fails(&["encode", model(), "t.csv", "-o", "no/such/place.csv"], 2, &["place.csv", "no directory"]);
}

#[test]
fn resuming_with_other_options_says_what_changed() {
    let scene = Scene::with_table();
    copy_of_trained(&scene.path("run"));
    let train = ["train", "t.csv", "--label", "label", "--out", "run", "--resume", "--latent", "3", "--rate", "0.5"];
    let parts = ["run: cannot resume: ", "model.ae.code was 2 and is now 3", "train.rate was 0.002 and is now 0.5"];
    scene.fails(&[&train[..], &BRIEF].concat(), 2, &parts);
}
