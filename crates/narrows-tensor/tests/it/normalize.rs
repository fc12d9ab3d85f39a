//! Soft-max, normalisation, upsampling.

use candle_core::{DType, Tensor};
use narrows_tensor::ops::batch_norm::{batch_norm_infer, batch_norm_train};
use narrows_tensor::ops::normalize::layer_norm;
use narrows_tensor::ops::softmax::{log_softmax, softmax};
use narrows_tensor::ops::upsample::upsample;

use crate::check::{check, distance, draw, strided};

#[test]
fn gradients_are_right() {
    for shape in [&[1, 5][..], &[7, 33], &[2, 3, 4, 6]] {
        let width = shape[shape.len() - 1];
        let x = draw("x", shape);
        check("softmax", std::slice::from_ref(&x), &|t| softmax(&t[0]));
        check("log_softmax", std::slice::from_ref(&x), &|t| log_softmax(&t[0]));
        let inputs = [x, draw("scale", &[width]), draw("shift", &[width])];
        check("layer_norm", &inputs, &|t| layer_norm(&t[0], &t[1], &t[2], 1e-5));
        if shape[0] > 1 {
            check("batch_norm", &inputs, &|t| {
                let zeros = t[1].zeros_like()?;
                Ok(batch_norm_train(&t[0], (&t[1], &t[2]), (&zeros, &zeros), 0.1, 1e-5)?.output)
            });
        }
        let (mean, variance) = (draw("mean", &[width]), draw("variance", &[width]).sqr().unwrap());
        check("batch_norm in use", &inputs, &|t| {
            let (mean, variance) = (mean.to_dtype(t[0].dtype())?, variance.to_dtype(t[0].dtype())?);
            batch_norm_infer(&t[0], (&t[1], &t[2]), (&mean, &variance), 1e-5)
        });
    }
    check("upsample", &[draw("x", &[2, 3, 4, 2])], &|t| upsample(&t[0], (2, 3)));
}

#[test]
fn running_statistics_move_towards_the_batch() {
    let x = draw("x", &[50, 2]);
    let (old, one) = (draw("old", &[2]), draw("one", &[2]).ones_like().unwrap());
    let normed = batch_norm_train(&x, (&one, &one), (&old, &old), 0.25, 1e-5).unwrap();
    let mean = x.mean(0).unwrap();
    let variance = (x.broadcast_sub(&mean).unwrap().sqr().unwrap().sum(0).unwrap() / 49.0).unwrap();
    let moved = |to: &Tensor| ((&old * 0.75).unwrap() + (to * 0.25).unwrap()).unwrap();
    assert!(distance(&normed.mean, &moved(&mean)) < 1e-12);
    assert!(distance(&normed.variance, &moved(&variance)) < 1e-12);
    assert!(batch_norm_train(&x.narrow(0, 0, 1).unwrap(), (&one, &one), (&old, &old), 0.25, 1e-5).is_err());
}

#[test]
fn upsampling_repeats_pixels() {
    let x = draw("x", &[1, 2, 2, 1]);
    let y = upsample(&x, (2, 3)).unwrap().reshape((4, 6)).unwrap();
    let x = x.reshape((2, 2)).unwrap().to_vec2::<f64>().unwrap();
    for (i, row) in y.to_vec2::<f64>().unwrap().into_iter().enumerate() {
        for (j, value) in row.into_iter().enumerate() {
            assert_eq!(value, x[i / 2][j / 3]);
        }
    }
}

#[test]
fn strided_inputs_give_the_same() {
    let x = draw("x", &[5, 9]).to_dtype(DType::F32).unwrap();
    assert_eq!(distance(&softmax(&x).unwrap(), &softmax(&strided(&x)).unwrap()), 0.0);
}
