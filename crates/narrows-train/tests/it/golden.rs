//! Optimizers against PyTorch's, step by step. `xtask/golden/optimizers.py` makes the numbers.

use candle_core::{DType, Device, Tensor};
use narrows_tensor::{Gradients, Init, Key, Scope};
use narrows_train::optimizer::Update;
use narrows_train::{NonNegative, OptimizerConfig};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    rate: f64,
    decay: f64,
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    optimizer: OptimizerConfig,
    steps: Vec<Step>,
}

#[derive(Deserialize)]
struct Step {
    weight_gradient: Vec<Vec<f64>>,
    bias_gradient: Vec<f64>,
    weight: Vec<Vec<f64>>,
    bias: Vec<f64>,
}

fn distance(a: &Tensor, b: &Tensor) -> f64 {
    let difference = (a.to_dtype(DType::F64).unwrap() - b).unwrap().abs().unwrap();
    difference.flatten_all().unwrap().max(0).unwrap().to_scalar().unwrap()
}

#[test]
fn optimizers_agree_with_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("../golden/optimizers.json")).unwrap();
    assert_eq!(golden.cases.len(), 5);
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 2e-6)] {
        for case in &golden.cases {
            let scope = Scope::root(Key::new(0), dtype, &Device::Cpu);
            let weight = scope.parameter("weight", (2, 2), Init::Constant(0.0)).unwrap();
            let bias = scope.parameter("bias", 2, Init::Constant(0.0)).unwrap();
            let parameters = scope.parameters();
            let own = |tensor: Tensor| tensor.to_dtype(dtype).unwrap();
            let matrix = |rows: &[Vec<f64>]| Tensor::new(rows.to_vec(), &Device::Cpu).unwrap();
            let vector = |row: &[f64]| Tensor::new(row, &Device::Cpu).unwrap();
            parameters.get("weight").unwrap().set(&own(matrix(&golden.weight))).unwrap();
            parameters.get("bias").unwrap().set(&own(vector(&golden.bias))).unwrap();
            let mut optimizer = case.optimizer.build(&parameters, NonNegative::new(golden.decay).unwrap()).unwrap();
            for (step, at) in case.steps.iter().zip(0..) {
                // Gradients twice as long and halved again by the scale of clipping.
                let mut gradients = Gradients::default();
                gradients.set("weight", (own(matrix(&step.weight_gradient)) * 2.0).unwrap());
                gradients.set("bias", (own(vector(&step.bias_gradient)) * 2.0).unwrap());
                optimizer.update(&parameters, &gradients, Update { step: at, rate: golden.rate, scale: 0.5 }).unwrap();
                let far = distance(&weight, &matrix(&step.weight)).max(distance(&bias, &vector(&step.bias)));
                assert!(far < tolerance, "{}, {dtype:?}, step {at}: {far}", case.name);
            }
        }
    }
}
