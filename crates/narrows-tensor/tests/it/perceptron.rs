//! Layers in a row as one operation.

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::perceptron::{Layer, perceptron};
use narrows_tensor::{Activation, Gradients, Init, Key, Result, Scope};

use crate::check::{distance, draw, strided};

const ACTIVATIONS: [Activation; 4] = [Activation::Silu, Activation::Tanh, Activation::Gelu, Activation::Relu];

/// Layers of parameters over `widths`, the second one without bias; the same numbers in each type.
fn layers(widths: &[usize], scope: &Scope) -> Vec<Layer> {
    let layer = |(index, pair): (usize, &[usize])| {
        let (scope, glorot) = (scope.enter(index), Init::XavierUniform { fan_in: pair[0], fan_out: pair[1] });
        let weight = scope.parameter("weight", (pair[1], pair[0]), glorot).unwrap();
        let bias = (index != 1).then(|| scope.parameter("bias", pair[1], Init::Normal(0.5)).unwrap());
        Layer { weight, bias, activation: ACTIVATIONS[index % ACTIVATIONS.len()] }
    };
    widths.windows(2).enumerate().map(layer).collect()
}

fn layer_by_layer(x: &Tensor, layers: &[Layer]) -> Result<Tensor> {
    layers.iter().try_fold(x.clone(), |h, layer| linear(&h, &layer.weight, layer.bias.as_ref(), layer.activation))
}

type Map = fn(&Tensor, &[Layer]) -> Result<Tensor>;

/// The output, then the gradients of all parameters; the input is one of them.
fn run(map: Map, rows: usize, widths: &[usize], dtype: DType) -> Vec<Tensor> {
    let scope = Scope::root(Key::new(2), dtype, &Device::Cpu);
    let layers = layers(widths, &scope);
    let x = scope.parameter("x", (rows, widths[0]), Init::Normal(1.0)).unwrap();
    let y = map(&x, &layers).unwrap();
    let direction = draw("direction", y.dims()).to_dtype(dtype).unwrap();
    let loss = (&y * direction).unwrap().sum_all().unwrap();
    let gradients = Gradients::backward(&loss, &scope.parameters()).unwrap();
    assert_eq!(gradients.iter().len(), 2 * layers.len());
    std::iter::once(y.detach()).chain(gradients.iter().map(|(_, gradient)| gradient.clone())).collect()
}

#[test]
fn values_and_gradients_are_those_of_the_layers_one_by_one() {
    let shapes: [(usize, &[usize]); 6] = [
        (1, &[3, 2, 1]),
        (5, &[20, 64, 32, 8]),
        (90, &[33, 7, 65, 33]),
        (257, &[40, 100, 9, 70, 31]),
        (700, &[12, 50, 12]),
        // Large enough for a matrix unit, where there is one; the last two in two blocks of depths.
        (300, &[200, 1300, 150]),
    ];
    for (rows, widths) in shapes {
        let exact = run(layer_by_layer, rows, widths, DType::F64);
        let fused = run(perceptron, rows, widths, DType::F32);
        for (index, (fused, exact)) in fused.iter().zip(&exact).enumerate() {
            assert!(distance(fused, exact) < 2e-5, "{rows} {widths:?} {index}: {}", distance(fused, exact));
        }
        let single = run(layer_by_layer, rows, widths, DType::F32);
        assert_eq!(distance(&fused[0], &single[0]), 0.0, "{rows} {widths:?}: the sums have another order");
    }
}

#[test]
fn without_gradients_the_bits_are_the_same() {
    let shapes: [(usize, &[usize]); 6] = [
        (31, &[20, 64, 32, 8, 32, 64, 20]),
        (33, &[20, 64, 32, 8, 32, 64, 20]),
        (257, &[3, 100, 9, 70, 1]),
        (90, &[16, 40, 16]),
        (700, &[12, 50, 33, 40, 12]),
        (64, &[2100, 20, 7]),
    ];
    for (rows, widths) in shapes {
        let constant = |tensor: &Tensor| tensor.detach();
        let scope = Scope::root(Key::new(2), DType::F32, &Device::Cpu);
        let tracked = layers(widths, &scope);
        let constants = tracked.iter().map(|layer| Layer {
            weight: constant(&layer.weight),
            bias: layer.bias.as_ref().map(constant),
            activation: layer.activation,
        });
        let x = draw("x", &[rows, widths[0]]).to_dtype(DType::F32).unwrap();
        let (with, without) =
            (perceptron(&x, &tracked).unwrap(), perceptron(&x, &constants.collect::<Vec<_>>()).unwrap());
        assert_eq!(distance(&with.detach(), &without), 0.0, "{rows} {widths:?}");
    }
}

#[test]
fn the_gradient_of_the_input_changes_no_other_one() {
    for (rows, widths) in [(9, &[12, 30, 7]), (90, &[12, 30, 7]), (300, &[200, 310, 150])] {
        let scope = Scope::root(Key::new(2), DType::F32, &Device::Cpu);
        let layers = layers(widths, &scope);
        let own = scope.parameters();
        let x = scope.parameter("x", (rows, widths[0]), Init::Normal(1.0)).unwrap();
        let all = |x: &Tensor| {
            let loss = perceptron(x, &layers).unwrap().sqr().unwrap().sum_all().unwrap();
            Gradients::backward(&loss, &own).unwrap().iter().map(|(_, gradient)| gradient.clone()).collect::<Vec<_>>()
        };
        for (with, without) in all(&x).iter().zip(&all(&x.detach())) {
            assert_eq!(distance(with, without), 0.0, "{rows} {widths:?}");
        }
    }
}

#[test]
fn strided_inputs_give_the_same_bits() {
    let scope = Scope::root(Key::new(2), DType::F32, &Device::Cpu);
    let layers = layers(&[12, 50, 7], &scope);
    let x = draw("x", &[33, 12]).to_dtype(DType::F32).unwrap();
    let all = |x: &Tensor| {
        let y = perceptron(x, &layers).unwrap();
        let gradients = Gradients::backward(&y.sqr().unwrap().sum_all().unwrap(), &scope.parameters()).unwrap();
        std::iter::once(y).chain(gradients.iter().map(|(_, gradient)| gradient.clone())).collect::<Vec<_>>()
    };
    for (plain, strided) in all(&x).iter().zip(&all(&strided(&x))) {
        assert_eq!(distance(plain, strided), 0.0);
    }
}

#[test]
fn half_precision_takes_the_composite_path() {
    for (dtype, tolerance) in [(DType::F16, 2e-2), (DType::BF16, 1e-1)] {
        let exact = run(layer_by_layer, 9, &[12, 30, 7], DType::F64);
        for (index, (half, exact)) in run(perceptron, 9, &[12, 30, 7], dtype).iter().zip(&exact).enumerate() {
            let half = half.to_dtype(DType::F64).unwrap();
            assert!(distance(&half, exact) < tolerance, "{dtype:?} {index}: {}", distance(&half, exact));
        }
    }
}

#[test]
fn constants_and_a_weight_that_is_used_twice() {
    let scope = Scope::root(Key::new(3), DType::F32, &Device::Cpu);
    let w = scope.parameter("w", (6, 6), Init::Normal(1.0)).unwrap();
    let x = scope.parameter("x", (4, 6), Init::Normal(1.0)).unwrap();
    let layer = |weight: &Tensor| Layer { weight: weight.clone(), bias: None, activation: Activation::Tanh };
    let gradients = |map: Map, layers: &[Layer]| {
        let loss = map(&x, layers).unwrap().sum_all().unwrap();
        let gradients = Gradients::backward(&loss, &scope.parameters()).unwrap();
        gradients.iter().map(|(name, gradient)| (name.to_owned(), gradient.clone())).collect::<Vec<_>>()
    };
    for layers in [vec![layer(&w), layer(&w)], vec![layer(&w.detach()), layer(&w)], vec![layer(&w.detach()); 2]] {
        let (ours, plain) = (gradients(perceptron, &layers), gradients(layer_by_layer, &layers));
        assert_eq!(ours.len(), plain.len());
        for ((name, ours), (_, plain)) in ours.iter().zip(&plain) {
            assert!(distance(ours, plain) < 1e-6, "{name}");
        }
    }
}

#[test]
fn gradients_that_would_be_lost_are_refused() {
    let scope = Scope::root(Key::new(3), DType::F32, &Device::Cpu);
    let layers = layers(&[4, 5, 3], &scope);
    let y = perceptron(&draw("x", &[7, 4]).to_dtype(DType::F32).unwrap(), &layers).unwrap();
    let error = y.sum_all().unwrap().backward().unwrap_err().to_string();
    assert!(error.contains("Gradients::backward"), "{error}");
}

#[test]
fn layers_that_do_not_fit_are_refused_by_name() {
    let scope = Scope::root(Key::new(3), DType::F32, &Device::Cpu);
    let layers = layers(&[4, 5, 3], &scope);
    let x = |shape: &[usize]| draw("x", shape).to_dtype(DType::F32).unwrap();
    assert!(perceptron(&x(&[7, 5]), &layers).unwrap_err().to_string().contains("x has shape [7, 5]; expected [.., 4]"));
    assert!(perceptron(&x(&[7, 4]).narrow(0, 0, 0).unwrap(), &layers).unwrap_err().to_string().contains("one row"));
    let reversed: Vec<Layer> = layers.iter().rev().cloned().collect();
    assert!(perceptron(&x(&[7, 5]), &reversed).is_err());
}
