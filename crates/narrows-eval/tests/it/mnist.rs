//! PCA of MNIST: 30 components leave a squared error of 13.87 per test image (Hinton & Salakhutdinov 2006).

use std::io::Read as _;
use std::path::PathBuf;

use candle_core::{Device, Tensor};
use narrows_eval::{Pca, ReconstructionError, Result};

const PIXELS: usize = 784;

/// Images of a gzipped IDX file, pixels in 0..=1; `None` if the file is not there.
fn images(name: &str) -> Option<Tensor> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let data = std::env::var_os("NARROWS_DATA").map_or_else(beside, PathBuf::from);
    let file = std::fs::File::open(data.join("mnist").join(name)).ok()?;
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    let pixels: Vec<f32> = bytes[16..].iter().map(|&byte| f32::from(byte) / 255.0).collect();
    Some(Tensor::from_vec(pixels, ((bytes.len() - 16) / PIXELS, PIXELS), &Device::Cpu).unwrap())
}

#[test]
fn thirty_components_leave_thirteen_point_eight_seven() {
    let files = ["train-images-idx3-ubyte.gz", "t10k-images-idx3-ubyte.gz"].map(images);
    let [Some(train), Some(test)] = files else {
        println!("skipped: MNIST is not in ../shared/data nor in NARROWS_DATA");
        return;
    };
    let rows = train.dim(0).unwrap();
    let pca = Pca::fit(30, &[1.0; PIXELS], |visit| -> Result<()> {
        (0..rows).step_by(5000).try_for_each(|start| visit(&train.narrow(0, start, 5000.min(rows - start))?))
    })
    .unwrap();
    let mut error = ReconstructionError::new(vec![1.0; PIXELS], true);
    error.add(&test, &pca.reconstruct(&test).unwrap(), None).unwrap();
    let quality = error.quality().unwrap();
    println!("{quality:?}");
    assert!((quality.squared_error - 13.87).abs() < 0.1, "{quality:?}");
}
