//! `contractive` on MNIST: what a linear classifier finds in its code, beside PCA's and a plain autoencoder's of the same size.

use super::Row;
use super::runs::{Runs, number, side_by_side};
use crate::{Result, repository};

/// Values of every code: half of the paper's, as many as principal components can match.
const CODE: &str = "500";

/// Trains both autoencoders side by side, and a linear classifier on the codes of each and on principal components.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = repository::data("mnist")?;
    let file = |name: &str| mnist.join(format!("{name}-ubyte.gz")).to_string_lossy().into_owned();
    let (images, test_images) = (file("train-images-idx3"), file("t10k-images-idx3"));
    let (labels, test_labels) = (file("train-labels-idx1"), file("t10k-labels-idx1"));
    let probe = |codes: &str, test_codes: &str| -> Result<f64> {
        number(&runs.script("linear_probe", &[&labels, &test_labels, codes, test_codes])?, "/accuracy")
    };
    let trained = |run: &&str| -> Result<f64> {
        let run = *run;
        runs.train(run, &mnist, &["--model", run, "--latent", CODE, "--threads", "1"])?;
        let codes = |pictures: &str, name: &str| -> Result<String> {
            let path = runs.path(name).to_string_lossy().into_owned();
            let run = runs.path(run);
            let mut encode = runs.narrows(&["encode", "--quiet", "--force", "-o", &path]);
            crate::process::run(encode.arg(run).arg(pictures))?;
            Ok(path)
        };
        probe(&codes(&images, &format!("{run}.npy"))?, &codes(&test_images, &format!("{run}-test.npy"))?)
    };
    let accuracies = side_by_side(&["contractive", "ae"], trained)?;
    let (contractive, plain) = (accuracies[0], accuracies[1]);
    let pca = probe(&format!("pca:{CODE}"), &format!("{images},{test_images}"))?;
    let what = format!("accuracy of a linear classifier on `contractive`'s code of {CODE}, MNIST test");
    Ok(vec![
        Row::at_least(what.clone(), contractive, pca, "as many principal components"),
        Row::at_least(what, contractive, plain, "`ae` with as large a code"),
    ])
}
