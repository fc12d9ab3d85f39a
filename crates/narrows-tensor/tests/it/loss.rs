//! Losses per sample.

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::loss::{bce_with_logits, categorical, gaussian_nll, kl_gaussian, squared_error};
use narrows_tensor::{Gradients, Init, Key, Scope};

use crate::check::{check, draw};

const SHAPES: [&[usize]; 3] = [&[1, 3], &[5, 33], &[4, 5, 4, 3]];

#[test]
fn gradients_are_right() {
    for shape in SHAPES {
        let inputs = ["a", "b", "c"].map(|name| draw(name, shape));
        let weight = draw("weight", shape).abs().unwrap();
        for weight in [None, Some(weight.clone()), Some(weight.get(0).unwrap())] {
            let with = |x: &Tensor| weight.as_ref().map(|w| w.to_dtype(x.dtype()).unwrap());
            check("squared", &inputs[..2], &|t| squared_error(&t[0], &t[1], with(&t[0]).as_ref()));
            check("bce", &inputs[..2], &|t| bce_with_logits(&t[0], &t[1], with(&t[0]).as_ref()));
            check("gaussian", &inputs, &|t| gaussian_nll(&t[0], &t[1], &t[2], with(&t[0]).as_ref()));
            if shape.len() == 2 {
                check("categorical", &inputs[..2], &|t| categorical(&t[0], &t[1], 1..3, with(&t[0]).as_ref()));
            }
        }
        check("kl", &inputs[..2], &|t| kl_gaussian(&t[0], &t[1]));
    }
}

#[test]
fn extreme_logits_stay_finite() {
    for dtype in [DType::F32, DType::F64] {
        let logits = Tensor::new(&[[900f32, -900.0, 900.0]], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let x = Tensor::new(&[[1f32, 0.0, 0.0]], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let loss = bce_with_logits(&logits, &x, None).unwrap().to_dtype(DType::F64).unwrap();
        assert_eq!(loss.to_vec1::<f64>().unwrap(), [900.0]);
        let loss = categorical(&logits, &x, 0..2, None).unwrap().to_dtype(DType::F64).unwrap();
        assert_eq!(loss.to_vec1::<f64>().unwrap(), [0.0]);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = draw("x", &[2, 3]);
    let empty = x.narrow(0, 0, 0).unwrap();
    assert!(squared_error(&empty, &empty, None).unwrap_err().to_string().contains("at least one element"));
    assert!(kl_gaussian(&x, &x.t().unwrap()).unwrap_err().to_string().contains("has shape [3, 2]"));
    assert!(squared_error(&x, &x, Some(&draw("w", &[2]))).unwrap_err().to_string().contains("weight has shape [2]"));
    assert!(categorical(&x, &x, 1..4, None).unwrap_err().to_string().contains("columns 1..4"));
}

#[test]
fn weights_are_constants_on_both_paths() {
    for dtype in [DType::F32, DType::F64] {
        let scope = Scope::root(Key::new(1), dtype, &Device::Cpu);
        let parameter = |name: &str| scope.parameter(name, (3, 4), Init::Normal(1.0)).unwrap();
        let (x_hat, x, weight) = (parameter("x_hat"), parameter("x"), parameter("weight"));
        let loss = squared_error(&x_hat, &x, Some(&weight)).unwrap().sum_all().unwrap();
        let gradients = Gradients::backward(&loss, &scope.parameters()).unwrap();
        assert!(gradients.get("weight").is_none() && gradients.get("x_hat").is_some(), "{dtype:?}");
    }
}
