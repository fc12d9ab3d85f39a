//! Convolution and transposed convolution.

use candle_core::{DType, Tensor};
use narrows_tensor::Activation;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use proptest::prelude::*;

use crate::check::{check, distance, draw, strided};

fn values(x: &Tensor) -> Vec<f64> {
    x.flatten_all().unwrap().to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

/// The textbook loop: calls `visit` with (small index, big index, weight index) of each product, channels included.
fn each(
    big: [usize; 4],
    small: [usize; 4],
    kernel: (usize, usize),
    at: Stride2,
    mut visit: impl FnMut(usize, usize, usize),
) {
    for (n, oy, ox) in
        (0..small[0] * small[1] * small[2]).map(|i| (i / (small[1] * small[2]), i / small[2] % small[1], i % small[2]))
    {
        for (ky, kx) in (0..kernel.0 * kernel.1).map(|i| (i / kernel.1, i % kernel.1)) {
            let (y, x) = (oy * at.stride.0 + ky, ox * at.stride.1 + kx);
            let (Some(y), Some(x)) = (y.checked_sub(at.padding.0), x.checked_sub(at.padding.1)) else { continue };
            if y >= big[1] || x >= big[2] {
                continue;
            }
            for (o, c) in (0..small[3] * big[3]).map(|i| (i / big[3], i % big[3])) {
                visit(
                    ((n * small[1] + oy) * small[2] + ox) * small[3] + o,
                    ((n * big[1] + y) * big[2] + x) * big[3] + c,
                    ((o * kernel.0 + ky) * kernel.1 + kx) * big[3] + c,
                );
            }
        }
    }
}

fn dims(x: &Tensor) -> [usize; 4] {
    x.dims().try_into().unwrap()
}

fn agree(ours: &Tensor, naive: &[f64]) {
    let naive = Tensor::from_slice(naive, ours.shape(), ours.device()).unwrap();
    assert!(distance(ours, &naive) < 1e-5, "off by {}", distance(ours, &naive));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
    #[test]
    fn both_equal_the_naive_loop(
        (h, w) in (1usize..9, 1usize..9), (kh, kw) in (1usize..5, 1usize..5), (sh, sw) in (1usize..4, 1usize..4),
        (ph, pw) in (0usize..3, 0usize..3), (oh, ow) in (0usize..3, 0usize..3), (a, b) in (1usize..36, 1usize..20),
        n in 1usize..3,
    ) {
        let at = Stride2 { stride: (sh, sw), padding: (ph, pw), output_padding: (oh % sh, ow % sw) };
        let x = draw("x", &[n, h, w, a]);
        let weight = draw("w", &[b, kh, kw, a]);
        let at_down = Stride2 { output_padding: (0, 0), ..at };
        if h + 2 * ph >= kh && w + 2 * pw >= kw {
            for dtype in [DType::F32, DType::F64] {
                let (x, weight) = (x.to_dtype(dtype).unwrap(), weight.to_dtype(dtype).unwrap());
                let y = conv2d(&x, &weight, None, at_down, Activation::Identity).unwrap();
                let (vx, vw) = (values(&x), values(&weight));
                let mut naive = vec![0.0; y.elem_count()];
                each(dims(&x), dims(&y), (kh, kw), at, |small, big, weight| naive[small] += vx[big] * vw[weight]);
                agree(&y, &naive);
            }
        }
        let weight = draw("w", &[a, kh, kw, b]);
        for dtype in [DType::F32, DType::F64] {
            let (x, weight) = (x.to_dtype(dtype).unwrap(), weight.to_dtype(dtype).unwrap());
            if let Ok(y) = conv_transpose2d(&x, &weight, None, at, Activation::Identity) {
                let (vx, vw) = (values(&x), values(&weight));
                let mut naive = vec![0.0; y.elem_count()];
                each(dims(&y), dims(&x), (kh, kw), at, |small, big, weight| naive[big] += vx[small] * vw[weight]);
                agree(&y, &naive);
            }
        }
    }
}

/// Image, channels out, kernel, and how it moves.
type Case = ([usize; 4], usize, (usize, usize), Stride2);

const CASES: [Case; 6] = [
    ([2, 7, 6, 3], 5, (3, 3), at((1, 1), (1, 1), (0, 0))),
    ([1, 9, 8, 1], 17, (4, 4), at((2, 2), (1, 1), (1, 0))),
    ([3, 5, 5, 18], 20, (4, 2), at((2, 3), (0, 1), (0, 2))),
    ([2, 1, 13, 4], 6, (1, 5), at((1, 3), (0, 2), (0, 1))),
    ([2, 4, 4, 2], 3, (1, 1), at((2, 2), (0, 0), (1, 1))),
    ([1, 8, 8, 33], 40, (3, 3), at((3, 3), (2, 2), (0, 1))),
];

const fn at(stride: (usize, usize), padding: (usize, usize), output_padding: (usize, usize)) -> Stride2 {
    Stride2 { stride, padding, output_padding }
}

#[test]
fn gradients_are_right() {
    for (index, (x, out, (kh, kw), at)) in CASES.into_iter().enumerate() {
        let activation = [Activation::Tanh, Activation::Sigmoid, Activation::Gelu][index % 3];
        let bias = draw("b", &[out]);
        let down = Stride2 { output_padding: (0, 0), ..at };
        let weight = draw("w", &[out, kh, kw, x[3]]);
        check(&format!("conv2d {index}"), &[draw("x", &x), weight, bias.clone()], &|t| {
            conv2d(&t[0], &t[1], Some(&t[2]), down, activation)
        });
        let weight = draw("w", &[x[3], kh, kw, out]);
        check(&format!("conv_transpose2d {index}"), &[draw("x", &x), weight, bias], &|t| {
            conv_transpose2d(&t[0], &t[1], Some(&t[2]), at, activation)
        });
    }
}

#[test]
fn large_batches_sum_the_weight_gradient_in_parts() {
    let at = at((2, 2), (1, 1), (0, 0));
    let inputs = [draw("x", &[9, 28, 28, 1]), draw("w", &[32, 4, 4, 1]), draw("b", &[32])];
    check("conv2d", &inputs, &|t| conv2d(&t[0], &t[1], Some(&t[2]), at, Activation::Tanh));
    let inputs = [draw("x", &[9, 14, 14, 32]), draw("w", &[32, 4, 4, 1]), draw("b", &[1])];
    check("conv_transpose2d", &inputs, &|t| conv_transpose2d(&t[0], &t[1], Some(&t[2]), at, Activation::Tanh));
}

#[test]
fn strided_inputs_give_the_same() {
    let at = at((2, 1), (1, 0), (0, 0));
    let [x, w] = [draw("x", &[2, 6, 7, 3]), draw("w", &[4, 3, 3, 3])].map(|t| t.to_dtype(DType::F32).unwrap());
    let plain = conv2d(&x, &w, None, at, Activation::Relu).unwrap();
    let odd = conv2d(&strided(&x), &strided(&w), None, at, Activation::Relu).unwrap();
    assert_eq!(distance(&plain, &odd), 0.0);
}

#[test]
fn what_does_not_fit_is_refused() {
    let (x, w) = (draw("x", &[2, 3, 3, 2]), draw("w", &[4, 5, 5, 2]));
    let refused = |x: &Tensor, w: &Tensor, at| conv2d(x, w, None, at, Activation::Relu).unwrap_err().to_string();
    assert!(refused(&x, &w, at((1, 1), (0, 0), (0, 0))).contains("at least 5 x 5"));
    assert!(refused(&x.narrow(0, 0, 0).unwrap(), &w, at((1, 1), (2, 2), (0, 0))).contains("at least one sample"));
    assert!(refused(&x, &draw("w", &[4, 3, 3, 3]), at((1, 1), (0, 0), (0, 0))).contains("[out, KH, KW, 2]"));
    for (dtype, biases) in [(DType::F32, 3), (DType::F32, 5), (DType::F64, 5)] {
        let of = |name: &str, shape: &[usize]| draw(name, shape).to_dtype(dtype).unwrap();
        let (x, bias) = (of("x", &[2, 3, 3, 2]), of("b", &[biases]));
        let plain = at((1, 1), (0, 0), (0, 0));
        for error in [
            conv2d(&x, &of("w", &[4, 3, 3, 2]), Some(&bias), plain, Activation::Relu),
            conv_transpose2d(&x, &of("w", &[2, 3, 3, 4]), Some(&bias), plain, Activation::Relu),
        ] {
            assert!(error.unwrap_err().to_string().contains("bias"), "{dtype:?} {biases}");
        }
    }
    assert!(
        conv_transpose2d(&x, &draw("w", &[2, 3, 3, 4]), None, at((2, 2), (0, 0), (2, 0)), Activation::Relu).is_err()
    );
}
