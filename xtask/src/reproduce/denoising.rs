//! `dae` against Gaussian noise of deviation 0.5 on MNIST (pixels in 0..1, noisy pixels not clipped): the PSNR of what
//! `narrows denoise` makes of the test pictures, beside principal components of clean pictures at their best number.

use serde_json::Value;

use super::Row;
use super::runs::{Runs, number};
use crate::process::output;
use crate::{Result, repository};

const LEVEL: &str = "0.5";
/// A wide code: noise, not the bottleneck, keeps the networks from copying.
const OPTIONS: [&str; 4] =
    ["model.widths=[1024, 1024]", "model.skip=false", "model.deform=0", "train.checkpoint-every=1000000"];

/// Trains, denoises, compares.
pub(super) fn run(runs: &Runs) -> Result<Vec<Row>> {
    let mnist = repository::data("mnist")?;
    let file = |name: &str| mnist.join(name).to_string_lossy().into_owned();
    let (images, test) = (file("train-images-idx3-ubyte.gz"), file("t10k-images-idx3-ubyte.gz"));
    let corruption = format!("model.corruption={{ gaussian = {{ level = {LEVEL} }} }}");
    let mut arguments = vec!["--model", "dae", "--latent", "512", "--steps", "6000", "--set", &corruption];
    arguments.extend(OPTIONS.iter().flat_map(|option| ["--set", option]));
    runs.train("dae", &mnist, &arguments)?;
    let mut command = runs.narrows(&["denoise"]);
    command.arg(runs.path("dae")).args([&test, "--add-noise", LEVEL, "--json", "--quiet", "--force", "-o"]);
    let found: Value = serde_json::from_str(&output(command.arg(runs.path("denoised.npy")))?)?;
    let pca = runs.script("pca_denoising", &[&images, &test, LEVEL])?;
    println!("PCA: {pca}");
    let psnr = number(&found, "/denoised/psnr")?;
    let noisy = number(&found, "/noisy/psnr")?;
    let what = "`narrows denoise` with `dae`, MNIST test, Gaussian noise 0.5 not clipped: PSNR in dB";
    let rank = number(&pca, "/rank")?;
    Ok(vec![
        Row::at_least(format!("{what} (noisy pictures: {noisy:.2})"), psnr, 18.0, ""),
        Row::at_least(what, psnr, number(&pca, "/psnr")? + 2.0, &format!("2 dB above {rank} principal components")),
    ])
}
