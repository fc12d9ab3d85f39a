//! Values and gradients of the fused operations against PyTorch's (`cargo xtask golden operations`).

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::affine::affine;
use narrows_tensor::ops::batch_norm::{batch_norm_infer, batch_norm_train};
use narrows_tensor::ops::centre::centre;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::ops::conv1d::{Stride1, conv_transpose1d, conv1d};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::loss::{bce_with_logits, categorical, gaussian_nll, kl_gaussian, squared_error};
use narrows_tensor::ops::normalize::layer_norm;
use narrows_tensor::ops::perceptron::{Layer, perceptron};
use narrows_tensor::ops::ragged::{Choice, encode_chosen};
use narrows_tensor::ops::softmax::{log_softmax, softmax};
use narrows_tensor::ops::sparse::{Active, decode_sparse, encode_top_k, top_k};
use narrows_tensor::ops::upsample::upsample;
use narrows_tensor::{Activation, Gradients, Init, Key, Result, Scope};
use serde::Deserialize;
use serde_json::Value;

use crate::check::distance;

/// Relative to the largest number of a tensor.
const TOLERANCE: f64 = 1e-5;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    options: Value,
    inputs: Vec<Numbers>,
    direction: Numbers,
    output: Numbers,
    gradients: Vec<Numbers>,
}

#[derive(Deserialize)]
struct Numbers {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Numbers {
    fn tensor(&self, dtype: DType) -> Tensor {
        Tensor::from_slice(&self.values, self.shape.as_slice(), &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
    }
}

fn pair(options: &Value, name: &str) -> (usize, usize) {
    serde_json::from_value(options[name].clone()).unwrap()
}

fn run(case: &Case, t: &[Tensor]) -> Result<Tensor> {
    let at = || Stride2 {
        stride: pair(&case.options, "stride"),
        padding: pair(&case.options, "padding"),
        output_padding: pair(&case.options, "output_padding"),
    };
    let along = || {
        let number = |name: &str| case.options[name].as_u64().unwrap() as usize;
        let (stride, padding) = (number("stride"), number("padding"));
        Stride1 { stride, padding, output_padding: number("output_padding") }
    };
    let k = || case.options["k"].as_u64().unwrap() as usize;
    let weight = case.name.ends_with("weighted").then(|| t[2].detach().abs()).transpose()?;
    match case.name.split(' ').next().unwrap() {
        "linear" => {
            let activation: Activation = serde_json::from_value(case.options["activation"].clone()).unwrap();
            linear(&t[0], &t[1], Some(&t[2]), activation)
        }
        "conv2d" => conv2d(&t[0], &t[1], Some(&t[2]), Stride2 { output_padding: (0, 0), ..at() }, Activation::Tanh),
        "conv_transpose2d" => conv_transpose2d(&t[0], &t[1], Some(&t[2]), at(), Activation::Tanh),
        "conv1d" => conv1d(&t[0], &t[1], Some(&t[2]), Stride1 { output_padding: 0, ..along() }, Activation::Tanh),
        "conv_transpose1d" => conv_transpose1d(&t[0], &t[1], Some(&t[2]), along(), Activation::Tanh),
        "perceptron" => {
            let layer = |weight: &Tensor, bias: Option<&Tensor>, activation| Layer {
                weight: weight.clone(),
                bias: bias.cloned(),
                activation,
            };
            let first = layer(&t[1], Some(&t[2]), Activation::Gelu);
            let rest = [layer(&t[3], None, Activation::Silu), layer(&t[4], Some(&t[5]), Activation::Tanh)];
            perceptron(&t[0], &[&[first][..], &rest].concat())
        }
        "softmax" => softmax(&t[0]),
        "log_softmax" => log_softmax(&t[0]),
        "layer_norm" => layer_norm(&t[0], &t[1], &t[2], 1e-5),
        "batch_norm" => {
            let zeros = t[1].zeros_like()?;
            Ok(batch_norm_train(&t[0], (&t[1], &t[2]), (&zeros, &zeros), 0.1, 1e-5)?.output)
        }
        "batch_norm_infer" => batch_norm_infer(&t[0], (&t[1], &t[2]), (&t[3].detach(), &t[4].detach().abs()?), 1e-5),
        "upsample" => upsample(&t[0], pair(&case.options, "factor")),
        "squared_error" => squared_error(&t[0], &t[1], weight.as_ref()),
        "bce_with_logits" => bce_with_logits(&t[0], &t[1], weight.as_ref()),
        "gaussian_nll" => gaussian_nll(&t[0], &t[1], &t[2], None),
        "kl_gaussian" => kl_gaussian(&t[0], &t[1]),
        "categorical" => categorical(&t[0], &t[1], 0..t[0].dim(1)?, None),
        "top_k" => Ok(top_k(&t[0], k())?.0),
        "sparse" => decode_sparse(&encode_top_k(&t[0], &t[1], &t[2], k())?, &t[3], Some(&t[4])),
        "centre" => centre(&t[0], &t[1]),
        "affine" => affine(&t[0], &t[1], &t[2]),
        "chosen" | "above" => {
            let bound = case.options.get("bound").map(|bound| bound.as_f64().unwrap() as f32);
            let choice = match bound {
                Some(bound) => Choice::Above(vec![bound; t[1].dim(0)?].into()),
                None => Choice::Largest(case.options["count"].as_u64().unwrap() as usize),
            };
            let Active { values, indices } = encode_chosen(&t[0], &t[1], &t[2], &choice)?;
            decode_sparse(&Active { values: Activation::Relu.apply(&values)?, indices }, &t[3], None)
        }
        other => panic!("{other} is no operation"),
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/operations.json")).unwrap();
    assert!(golden.cases.len() > 30);
    for case in &golden.cases {
        for dtype in [DType::F32, DType::F64] {
            let scope = Scope::root(Key::new(0), dtype, &Device::Cpu);
            let name = |index: usize| format!("input {index}");
            let input = |(index, x): (usize, &Numbers)| {
                let made = scope.parameter(&name(index), x.shape.as_slice(), Init::Constant(0.0)).unwrap();
                scope.parameters().get(&name(index)).unwrap().set(&x.tensor(dtype)).unwrap();
                made
            };
            let inputs: Vec<Tensor> = case.inputs.iter().enumerate().map(input).collect();
            let y = run(case, &inputs).unwrap();
            let off = distance(&y, &case.output.tensor(DType::F64));
            assert!(off < TOLERANCE, "{}, {dtype:?}: value off by {off}", case.name);
            let loss = (y * case.direction.tensor(dtype)).unwrap().sum_all().unwrap();
            let gradients = Gradients::backward(&loss, &scope.parameters()).unwrap();
            for (index, (input, exact)) in inputs.iter().zip(&case.gradients).enumerate() {
                let ours = gradients.get(&name(index)).cloned().unwrap_or_else(|| input.zeros_like().unwrap());
                let off = distance(&ours, &exact.tensor(DType::F64));
                assert!(off < TOLERANCE, "{}, {dtype:?}: gradient {index} off by {off}", case.name);
            }
        }
    }
}
