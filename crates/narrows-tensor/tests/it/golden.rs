//! Values and gradients of the fused operations against PyTorch's (`cargo xtask golden operations`).

use candle_core::{DType, Device, Tensor, Var};
use narrows_tensor::ops::batch_norm::batch_norm_train;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::loss::{bce_with_logits, categorical, gaussian_nll, kl_gaussian, squared_error};
use narrows_tensor::ops::normalize::layer_norm;
use narrows_tensor::ops::softmax::{log_softmax, softmax};
use narrows_tensor::ops::sparse::{decode_sparse, encode_top_k, top_k};
use narrows_tensor::ops::upsample::upsample;
use narrows_tensor::{Activation, Result};
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
    let k = || case.options["k"].as_u64().unwrap() as usize;
    match case.name.split(' ').next().unwrap() {
        "linear" => {
            let activation: Activation = serde_json::from_value(case.options["activation"].clone()).unwrap();
            linear(&t[0], &t[1], Some(&t[2]), activation)
        }
        "conv2d" => conv2d(&t[0], &t[1], Some(&t[2]), Stride2 { output_padding: (0, 0), ..at() }, Activation::Tanh),
        "conv_transpose2d" => conv_transpose2d(&t[0], &t[1], Some(&t[2]), at(), Activation::Tanh),
        "softmax" => softmax(&t[0]),
        "log_softmax" => log_softmax(&t[0]),
        "layer_norm" => layer_norm(&t[0], &t[1], &t[2], 1e-5),
        "batch_norm" => {
            let zeros = t[1].zeros_like()?;
            Ok(batch_norm_train(&t[0], (&t[1], &t[2]), (&zeros, &zeros), 0.1, 1e-5)?.output)
        }
        "upsample" => upsample(&t[0], pair(&case.options, "factor")),
        "squared_error" => squared_error(&t[0], &t[1], None),
        "bce_with_logits" => bce_with_logits(&t[0], &t[1], None),
        "gaussian_nll" => gaussian_nll(&t[0], &t[1], &t[2], None),
        "kl_gaussian" => kl_gaussian(&t[0], &t[1]),
        "categorical" => categorical(&t[0], &t[1], 0..t[0].dim(1)?, None),
        "top_k" => Ok(top_k(&t[0], k())?.0),
        "sparse" => decode_sparse(&encode_top_k(&t[0], &t[1], &t[2], k())?, &t[3], Some(&t[4])),
        other => panic!("{other} is no operation"),
    }
}

#[test]
fn values_and_gradients_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/operations.json")).unwrap();
    assert!(golden.cases.len() > 20);
    for case in &golden.cases {
        for dtype in [DType::F32, DType::F64] {
            let vars: Vec<Var> = case.inputs.iter().map(|x| Var::from_tensor(&x.tensor(dtype)).unwrap()).collect();
            let inputs: Vec<Tensor> = vars.iter().map(|var| var.as_tensor().clone()).collect();
            let y = run(case, &inputs).unwrap();
            let off = distance(&y, &case.output.tensor(DType::F64));
            assert!(off < TOLERANCE, "{}, {dtype:?}: value off by {off}", case.name);
            let gradients = (y * case.direction.tensor(dtype)).unwrap().sum_all().unwrap().backward().unwrap();
            for (index, (var, exact)) in vars.iter().zip(&case.gradients).enumerate() {
                let ours = gradients.get(var).cloned().unwrap_or_else(|| var.zeros_like().unwrap());
                let off = distance(&ours, &exact.tensor(DType::F64));
                assert!(off < TOLERANCE, "{}, {dtype:?}: gradient {index} off by {off}", case.name);
            }
        }
    }
}
