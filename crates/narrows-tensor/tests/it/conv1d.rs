//! Convolutions along one axis.

use candle_core::{DType, Tensor};
use narrows_tensor::Activation;
use narrows_tensor::ops::conv1d::{Stride1, conv_transpose1d, conv1d};

use crate::check::{check, distance, draw};

const CASES: [(usize, usize, usize, Stride1); 4] = [
    (1, 1, 1, Stride1 { stride: 1, padding: 0, output_padding: 0 }),
    (9, 3, 4, Stride1 { stride: 2, padding: 1, output_padding: 1 }),
    (12, 5, 3, Stride1 { stride: 3, padding: 2, output_padding: 2 }),
    (31, 4, 2, Stride1 { stride: 2, padding: 1, output_padding: 0 }),
];

#[test]
fn both_equal_candle_and_have_right_gradients() {
    for (time, kernel, channels, at) in CASES {
        let (x, bias) = (draw("x", &[3, time, channels]), draw("b", &[5]));
        let first = |t: &Tensor| t.transpose(1, 2).unwrap().contiguous().unwrap();
        let name = format!("{time} {kernel} {at:?}");
        let down = Stride1 { output_padding: 0, ..at };

        let weight = draw("w", &[5, kernel, channels]);
        let ours = conv1d(
            &x.to_dtype(DType::F32).unwrap(),
            &weight.to_dtype(DType::F32).unwrap(),
            None,
            down,
            Activation::Identity,
        );
        let candle = first(&x).conv1d(&first(&weight), at.padding, at.stride, 1, 1).unwrap();
        assert!(distance(&first(&ours.unwrap()), &candle) < 1e-5, "conv1d {name}");
        check(&name, &[x.clone(), weight, bias.clone()], &|t| {
            conv1d(&t[0], &t[1], Some(&t[2]), down, Activation::Tanh)
        });

        let weight = draw("w", &[channels, kernel, 5]);
        let ours = conv_transpose1d(
            &x.to_dtype(DType::F32).unwrap(),
            &weight.to_dtype(DType::F32).unwrap(),
            None,
            at,
            Activation::Identity,
        );
        let candle =
            first(&x).conv_transpose1d(&first(&weight), at.padding, at.output_padding, at.stride, 1, 1).unwrap();
        assert!(distance(&first(&ours.unwrap()), &candle) < 1e-5, "conv_transpose1d {name}");
        check(&name, &[x, weight, bias], &|t| conv_transpose1d(&t[0], &t[1], Some(&t[2]), at, Activation::Tanh));
    }
}

#[test]
fn what_has_another_number_of_axes_is_refused() {
    let error = conv1d(&draw("x", &[3, 4]), &draw("w", &[5, 2, 4]), None, CASES[0].3, Activation::Relu).unwrap_err();
    assert!(error.to_string().contains("three dimensions"), "{error}");
}
