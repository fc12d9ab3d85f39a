//! Fused affine maps.

use candle_core::{DType, Tensor};
use narrows_tensor::{Activation, Error, Gradients, Init, Key, Scope, ops::linear::linear};

use crate::activation::ALL;
use crate::check::{check, distance, draw, strided};

#[test]
fn gradients_are_right_for_every_activation_and_shape() {
    for (index, activation) in ALL.into_iter().enumerate() {
        let (rows, inputs, out) = [(1, 1, 1), (1, 7, 33), (5, 40, 3), (31, 17, 65), (64, 5, 32)][index % 5];
        let inputs = [draw("x", &[rows, inputs]), draw("w", &[out, inputs]), draw("b", &[out])];
        let name = format!("{activation:?} {rows}");
        check(&name, &inputs, &|t| linear(&t[0], &t[1], Some(&t[2]), activation));
        check(&name, &inputs[..2], &|t| linear(&t[0], &t[1], None, activation));
    }
}

#[test]
fn leading_dimensions_are_kept() {
    let inputs = [draw("x", &[2, 3, 4, 6]), draw("w", &[5, 6]), draw("b", &[5])];
    check("four dimensions", &inputs, &|t| linear(&t[0], &t[1], Some(&t[2]), Activation::Relu));
    assert_eq!(linear(&inputs[0], &inputs[1], None, Activation::Relu).unwrap().dims(), [2, 3, 4, 5]);
}

#[test]
fn tied_and_strided_weights_give_the_same() {
    let [x, w] = [draw("x", &[9, 20]), draw("w", &[20, 11])].map(|t| t.to_dtype(DType::F32).unwrap());
    let plain = linear(&x, &w.t().unwrap().contiguous().unwrap(), None, Activation::Tanh).unwrap();
    let tied = linear(&strided(&x), &w.t().unwrap(), None, Activation::Tanh).unwrap();
    let odd = linear(&x, &strided(&w).t().unwrap(), None, Activation::Tanh).unwrap();
    assert_eq!((distance(&plain, &tied), distance(&plain, &odd)), (0.0, 0.0));
    let inputs = [draw("x", &[9, 20]), draw("w", &[20, 11])];
    check("tied", &inputs, &|t| linear(&t[0], &t[1].t()?, None, Activation::Tanh));
}

#[test]
fn a_weight_that_is_used_twice_and_elsewhere_gets_the_sum_of_its_gradients() {
    let scope = Scope::root(Key::new(1), DType::F32, &candle_core::Device::Cpu);
    let w = scope.parameter("w", (6, 6), Init::Normal(1.0)).unwrap();
    let b = scope.parameter("b", 6, Init::Normal(1.0)).unwrap();
    let x = draw("x", &[4, 6]).to_dtype(DType::F32).unwrap();
    let loss = || {
        let y = linear(&x, &w, Some(&b), Activation::Tanh)?;
        let y = linear(&y, &w, Some(&b), Activation::Sigmoid)?;
        Ok::<_, Error>((y.sum_all()? + w.sqr()?.sum_all()?)?)
    };
    let parameters = scope.parameters();
    let ours = Gradients::backward(&loss().unwrap(), &parameters).unwrap();
    let plain = loss().unwrap().backward().unwrap();
    for (name, var) in parameters.trained() {
        assert!(distance(ours.get(name).unwrap(), plain.get(var).unwrap()) < 1e-6, "{name}");
    }
}

#[test]
fn shapes_that_do_not_fit_are_refused_by_name() {
    let [x, w, b] = [draw("x", &[3, 4]), draw("w", &[5, 4]), draw("b", &[4])];
    let refused = |x: &Tensor, w: &Tensor, b: &Tensor| linear(x, w, Some(b), Activation::Relu).unwrap_err().to_string();
    assert!(refused(&x, &w, &b).contains("bias has shape [4]; expected [5]"));
    assert!(refused(&w.t().unwrap(), &w, &b).contains("x has shape [4, 5]"));
    assert!(refused(&x.narrow(0, 0, 0).unwrap(), &w, &b).contains("at least one row"));
    assert!(refused(&x, &b, &b).contains("weight has shape [4]"));
}
