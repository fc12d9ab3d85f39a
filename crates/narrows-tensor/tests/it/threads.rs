//! The same bits at any thread count: this binary runs itself with one thread and with three.

use std::process::Command;

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::batch_norm::batch_norm_train;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::ops::perceptron::{Layer, perceptron};
use narrows_tensor::ops::sparse::{decode_sparse, encode_top_k};
use narrows_tensor::ops::upsample::upsample;
use narrows_tensor::{Activation, Gradients, Init, Key, Scope, random};

use crate::every;

const VARIABLE: &str = "NARROWS_TEST_PRINT_BITS";

fn bits(tensor: &Tensor) -> u64 {
    let values = tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    values.iter().fold(0xcbf2_9ce4_8422_2325, |hash, v| (hash ^ u64::from(v.to_bits())).wrapping_mul(0x100_0000_01b3))
}

/// Hashes of a loss, its gradients and their norm, through every kind of fused layer.
fn everything() -> Vec<u64> {
    let scope = Scope::root(Key::new(3), DType::F32, &Device::Cpu);
    let parameter = |name: &str, shape: &[usize]| scope.parameter(name, shape, Init::Normal(0.1)).unwrap();
    let x = random::normal(&Key::new(4), (37, 18, 18, 3), DType::F32, &Device::Cpu).unwrap();
    let at = Stride2 { stride: (2, 2), padding: (1, 1), output_padding: (0, 0) };
    let h = conv2d(&x, &parameter("a", &[24, 4, 4, 3]), Some(&parameter("b", &[24])), at, Activation::Relu).unwrap();
    let (scale, shift) = (parameter("scale", &[24]), parameter("shift", &[24]));
    let h = batch_norm_train(&h, (&scale, &shift), (&shift, &scale), 0.1, 1e-5).unwrap().output;
    let h = upsample(&h, (2, 1)).unwrap().narrow(1, 3, 9).unwrap();
    let h = h.flatten_from(1).unwrap();
    let h = linear(&h, &parameter("c", &[200, 1944]), Some(&parameter("d", &[200])), Activation::Tanh).unwrap();
    let active = encode_top_k(&h, &parameter("e", &[500, 200]), &parameter("f", &[500]), 7).unwrap();
    let h = decode_sparse(&active, &parameter("g", &[500, 1944]), None).unwrap().reshape((37, 9, 9, 24)).unwrap();
    let y = conv_transpose2d(&h, &parameter("h", &[24, 4, 4, 3]), None, at, Activation::Identity).unwrap();
    let layer = |name: &str, shape: &[usize]| Layer {
        weight: parameter(name, shape),
        bias: Some(parameter(&format!("{name}'"), &shape[..1])),
        activation: Activation::Sigmoid,
    };
    let rows = y.reshape(((), 36)).unwrap();
    let y = perceptron(&rows, &[layer("i", &[50, 36]), layer("j", &[36, 50])]).unwrap().reshape(x.shape()).unwrap();
    let loss = squared_error(&y, &x, None).unwrap();
    let gradients = Gradients::backward(&loss.mean_all().unwrap(), &scope.parameters()).unwrap();
    assert_eq!(gradients.iter().len(), 14);
    let all = gradients.iter().map(|(_, gradient)| bits(gradient));
    // Large enough for a matrix unit, where there is one; the second is wide for one thread, but not for three.
    let draw = |key: u64, rows: usize| random::normal(&Key::new(key), (rows, 600), DType::F32, &Device::Cpu).unwrap();
    let large = linear(&draw(5, 700), &draw(6, 700), None, Activation::Identity).unwrap();
    let wide = linear(&draw(5, 150), &draw(6, 400), None, Activation::Identity).unwrap();
    all.chain([bits(&loss), gradients.norm().unwrap().to_bits(), bits(&large), bits(&wide)]).collect()
}

/// The same of every operation, with enough rows for several threads.
fn single_operations() -> Vec<u64> {
    let results = every::cases(3, 2_000).into_iter().flat_map(|case| every::all(&*case.f, &case.inputs, DType::F32));
    results.map(|tensor| bits(&tensor)).collect()
}

#[test]
fn bits_do_not_depend_on_the_number_of_threads() {
    if std::env::var_os(VARIABLE).is_some() {
        println!("bits {:?}", [everything(), single_operations()].concat());
        return;
    }
    let run = |threads: &str| {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["threads::bits_do_not_depend_on_the_number_of_threads", "--exact", "--nocapture"])
            .envs([(VARIABLE, "1"), ("RAYON_NUM_THREADS", threads)])
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text.lines().find_map(|line| line.split_once("bits [").map(|pair| pair.1.to_owned()));
        line.unwrap_or_else(|| panic!("no bits in {text}"))
    };
    assert_eq!(run("1"), run("3"));
}
