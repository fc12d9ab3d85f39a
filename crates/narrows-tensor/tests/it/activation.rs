//! Activations alone.

use candle_core::{DType, Device, Tensor, Var};
use narrows_tensor::Activation;

use crate::check::{check, distance, draw, strided};

pub(crate) const ALL: [Activation; 8] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Silu,
    Activation::Gelu,
    Activation::Softplus,
];

#[test]
fn gradients_are_right_on_both_paths() {
    for activation in ALL {
        let x = (draw("x", &[7, 33]) * 2.0).unwrap();
        check(&format!("{activation:?}"), &[x], &|x| activation.apply(&x[0]));
    }
}

#[test]
fn strided_inputs_give_the_same() {
    let x = draw("x", &[5, 9]).to_dtype(DType::F32).unwrap();
    for activation in ALL {
        let (a, b) = (activation.apply(&x).unwrap(), activation.apply(&strided(&x)).unwrap());
        assert_eq!(distance(&a, &b), 0.0);
    }
}

#[test]
fn rectifiers_have_no_gradient_at_zero() {
    for dtype in [DType::F32, DType::F64] {
        let x = Var::zeros(3, dtype, &Device::Cpu).unwrap();
        let gradient = Activation::Relu.apply(&x).unwrap().sum_all().unwrap().backward().unwrap();
        let zeros = Tensor::zeros(3, dtype, &Device::Cpu).unwrap();
        assert_eq!(distance(gradient.get(&x).unwrap(), &zeros), 0.0);
    }
}
