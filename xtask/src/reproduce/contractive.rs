//! `contractive` on MNIST: what a linear classifier finds in its code, beside PCA's and a plain autoencoder's of the same size.

use super::Row;
use super::runs::{Runs, number};
use crate::{Result, repository};

const CODE: &str = "256";

/// Trains both autoencoders, and a linear classifier on the codes of each and on principal components.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = repository::data("mnist")?;
    let file = |name: &str| mnist.join(format!("{name}-ubyte.gz")).to_string_lossy().into_owned();
    let (images, test_images) = (file("train-images-idx3"), file("t10k-images-idx3"));
    let (labels, test_labels) = (file("train-labels-idx1"), file("t10k-labels-idx1"));
    let probe = |codes: &str, test_codes: &str| -> Result<f64> {
        number(&runs.script("linear_probe", &[&labels, &test_labels, codes, test_codes])?, "/accuracy")
    };
    let trained = |run: &str, model: &str| -> Result<f64> {
        runs.train(run, &mnist, &["--model", model, "--latent", CODE])?;
        let codes = |pictures: &str, name: &str| -> Result<String> {
            let path = runs.path(name).to_string_lossy().into_owned();
            let run = runs.path(run);
            let mut encode = runs.narrows(&["encode", "--quiet", "--force", "-o", &path]);
            crate::process::run(encode.arg(run).arg(pictures))?;
            Ok(path)
        };
        probe(&codes(&images, &format!("{run}.npy"))?, &codes(&test_images, &format!("{run}-test.npy"))?)
    };
    let contractive = trained("contractive", "contractive")?;
    let plain = trained("ae", "ae")?;
    let pca = probe(&format!("pca:{CODE}"), &format!("{images},{test_images}"))?;
    let what = format!("accuracy of a linear classifier on `contractive`'s code of {CODE}, MNIST test");
    Ok(vec![
        Row::at_least(what.clone(), contractive, pca, "as many principal components"),
        Row::at_least(what, contractive, plain, "`ae` with as large a code"),
    ])
}
