//! Components of data made from known ones.

use candle_core::{DType, Device, Tensor};
use narrows_eval::{Error, Pca, Result};
use narrows_tensor::{Key, random};

pub(crate) fn normal(name: &str, shape: (usize, usize)) -> Tensor {
    random::normal(&Key::new(3).named(name), shape, DType::F32, &Device::Cpu).unwrap()
}

/// Rows `mean + z diag(deviations) Qᵀ` with the columns of `Q` orthonormal: Householder reflections of the axes.
fn known(rows: usize, width: usize, deviations: &[f32]) -> (Tensor, Tensor) {
    let normal_vector = normal("reflection", (width, 1));
    let square = normal_vector.sqr().unwrap().sum_all().unwrap().to_scalar::<f32>().unwrap();
    let outer = normal_vector.matmul(&normal_vector.t().unwrap()).unwrap();
    let reflection =
        (Tensor::eye(width, DType::F32, &Device::Cpu).unwrap() - (outer * f64::from(2.0 / square)).unwrap()).unwrap();
    let basis = reflection.narrow(0, 0, deviations.len()).unwrap();
    let z = normal("codes", (rows, deviations.len()));
    let scaled = z.broadcast_mul(&Tensor::new(deviations, &Device::Cpu).unwrap()).unwrap();
    let mean = (normal("mean", (1, width)) * 50.0).unwrap();
    (scaled.matmul(&basis).unwrap().broadcast_add(&mean).unwrap(), basis)
}

pub(crate) fn fit(components: usize, weights: &[f32], x: &Tensor, batch: usize) -> Result<Pca> {
    Pca::fit(components, weights, |visit| {
        (0..x.dim(0)?).step_by(batch).try_for_each(|start| visit(&x.narrow(0, start, batch.min(x.dim(0)? - start))?))
    })
}

fn largest(tensor: &Tensor) -> f32 {
    tensor.abs().unwrap().flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

fn error(pca: &Pca, x: &Tensor) -> f32 {
    let difference = (pca.reconstruct(x).unwrap() - x).unwrap().sqr().unwrap();
    difference.sum_all().unwrap().to_scalar::<f32>().unwrap() / x.dim(0).unwrap() as f32
}

#[test]
fn known_components_are_found_exactly_and_at_random() {
    let deviations = [9.0, 6.0, 3.0];
    // 5,000 features take the randomised path.
    for width in [12, 5000] {
        let (x, basis) = known(4000, width, &deviations);
        let pca = fit(3, &vec![1.0; width], &x, 700).unwrap();
        for (variance, deviation) in pca.variances().iter().zip(deviations) {
            let expected = f64::from(deviation * deviation);
            assert!((variance / expected - 1.0).abs() < 0.08, "{width} features: variance {variance} of {expected}");
        }
        let components = &pca.tensors().unwrap()["components"];
        let overlap = components.matmul(&basis.t().unwrap()).unwrap().to_vec2::<f32>().unwrap();
        for (rank, row) in overlap.iter().enumerate() {
            assert!(row[rank].abs() > 0.99, "{width} features: component {rank} overlaps {row:?}");
        }
        assert!(error(&pca, &x) < 1e-4 * width as f32, "{width} features: error {}", error(&pca, &x));
    }
}

#[test]
fn components_are_orthonormal_and_reconstruction_is_a_projection() {
    let x = normal("data", (500, 40));
    let pca = fit(7, &[1.0; 40], &x, 500).unwrap();
    let components = &pca.tensors().unwrap()["components"];
    let product = components.matmul(&components.t().unwrap()).unwrap();
    assert!(largest(&(product - Tensor::eye(7, DType::F32, &Device::Cpu).unwrap()).unwrap()) < 1e-5);
    let once = pca.reconstruct(&x).unwrap();
    assert!(largest(&(pca.reconstruct(&once).unwrap() - &once).unwrap()) < 1e-5);
}

#[test]
fn the_error_left_is_the_variance_left() {
    let x = normal("data", (500, 40));
    let all = fit(40, &[1.0; 40], &x, 128).unwrap();
    for components in [1, 10, 39] {
        let left: f64 = all.variances()[components..].iter().sum();
        let found = f64::from(error(&fit(components, &[1.0; 40], &x, 128).unwrap(), &x));
        assert!((found / left - 1.0).abs() < 1e-4, "{components} components: error {found}, variance left {left}");
    }
}

#[test]
fn weights_decide_which_feature_counts() {
    let x = normal("data", (400, 2)).broadcast_mul(&Tensor::new(&[1f32, 3.0], &Device::Cpu).unwrap()).unwrap();
    let direction = |weights: &[f32]| {
        let tensors = fit(1, weights, &x, 400).unwrap().tensors().unwrap();
        tensors["components"].to_vec2::<f32>().unwrap()[0].clone()
    };
    assert!(direction(&[1.0, 1.0])[1].abs() > 0.99);
    assert!(direction(&[100.0, 1.0])[0].abs() > 0.99);
}

#[test]
fn a_stored_baseline_is_the_same_and_a_damaged_one_is_refused() {
    let x = normal("data", (50, 6));
    let pca = fit(2, &[1.0; 6], &x, 50).unwrap();
    let mut tensors = pca.tensors().unwrap();
    let again = Pca::from_tensors(&tensors).unwrap();
    let rows = |pca: &Pca| pca.reconstruct(&x).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!(rows(&again), rows(&pca));
    tensors.insert("mean".to_owned(), Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap());
    assert!(Pca::from_tensors(&tensors).is_err());
    tensors.remove("mean");
    assert!(matches!(Pca::from_tensors(&tensors), Err(Error::Stored { name: "mean" })));
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let x = normal("data", (50, 6));
    assert!(matches!(fit(7, &[1.0; 6], &x, 50), Err(Error::Components { components: 7, width: 6 })));
    assert!(matches!(fit(0, &[1.0; 6], &x, 50), Err(Error::Components { .. })));
    assert!(matches!(fit(2, &[1.0; 6], &x.narrow(0, 0, 1).unwrap(), 50), Err(Error::TooFewRows { rows: 1, .. })));
    assert!(matches!(fit(2, &[1.0; 5], &x, 50), Err(Error::Shape { .. })));
    for value in [f64::NAN, f64::INFINITY] {
        let broken = (&x * value).unwrap();
        assert!(matches!(fit(2, &[1.0; 6], &broken, 50), Err(Error::NotFinite { .. })));
    }
    // A feature that never changes and fewer rows than components are no error.
    let constant = (x.narrow(0, 0, 3).unwrap() * 0.0).unwrap();
    assert!(error(&fit(5, &[1.0; 6], &constant, 2).unwrap(), &constant) < 1e-12);
}

#[test]
fn a_feature_without_weight_comes_back_as_its_mean() {
    let x = Tensor::new(&[[1f32, 7.0, 2.0], [3.0, 7.0, -1.0], [2.0, 7.0, 5.0]], &Device::Cpu).unwrap();
    let pca = Pca::fit(2, &[1.0, 0.0, 1.0], |visit| visit(&x)).unwrap();
    let back = pca.reconstruct(&x).unwrap().to_vec2::<f32>().unwrap();
    for (row, x) in back.iter().zip(x.to_vec2::<f32>().unwrap()) {
        assert!(row.iter().zip(x).all(|(back, x)| (back - x).abs() < 1e-5), "{row:?}");
    }
}
