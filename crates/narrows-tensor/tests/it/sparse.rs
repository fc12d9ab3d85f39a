//! Top-k and the k-sparse layers.

use candle_core::{DType, Device, Tensor};
use narrows_tensor::Activation;
use narrows_tensor::ops::centre::{bias_of_centred, centre};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::ragged::{Choice, encode_chosen};
use narrows_tensor::ops::sparse::{Active, decode_sparse, encode_top_k, top_k};

use crate::check::{check, draw};

#[test]
fn the_bias_of_a_centred_layer_gives_the_centre_its_gradient() {
    for (n, inputs, out) in [(1, 1, 1), (5, 7, 3), (3, 20, 700)] {
        let samples = draw("x", &[n, inputs]);
        let of = [draw("c", &[inputs]), draw("w", &[out, inputs]), draw("b", &[out])];
        check("centred layer", &of, &|t| {
            let centred = centre(&samples.to_dtype(t[0].dtype())?, &t[0])?.detach();
            linear(&centred, &t[1], Some(&bias_of_centred(&t[2], &t[0], &t[1])?), Activation::Tanh)
        });
    }
    let wrong = bias_of_centred(&draw("b", &[3]), &draw("c", &[2]), &draw("w", &[2, 3])).unwrap_err();
    assert!(wrong.to_string().contains("[3, 2]"), "{wrong}");
}

#[test]
fn gradients_are_right() {
    for (rows, inputs, latents, k) in [(1, 3, 7, 1), (5, 16, 90, 4), (33, 40, 64, 9)] {
        let inputs = [draw("x", &[rows, inputs]), draw("w", &[latents, inputs]), draw("b", &[latents])];
        check("top_k", &[draw("x", &[rows, latents])], &|t| Ok(top_k(&t[0], k)?.0));
        check("encode", &inputs, &|t| Ok(encode_top_k(&t[0], &t[1], &t[2], k)?.values));
        let decoder = [draw("d", &[latents, 5]), draw("c", &[5])];
        let all: Vec<_> = inputs.into_iter().chain(decoder).collect();
        check("both", &all, &|t| decode_sparse(&encode_top_k(&t[0], &t[1], &t[2], k)?, &t[3], Some(&t[4])));
        check("without bias", &all, &|t| decode_sparse(&encode_top_k(&t[0], &t[1], &t[2], k)?, &t[3], None));
    }
}

#[test]
fn gradients_of_a_given_code_are_right() {
    let (rows, latents, k) = (21, 90, 3);
    // Some values are zero, and have a gradient all the same.
    let kept = draw("kept", &[rows, k]).gt(0.0).unwrap().to_dtype(DType::F64).unwrap();
    let values = (draw("v", &[rows, k]) * kept).unwrap();
    let chosen: Vec<u32> = (0..(rows * k) as u32).map(|entry| entry % k as u32 * 30 + entry * 7 % 30).collect();
    let indices = Tensor::from_vec(chosen, (rows, k), &Device::Cpu).unwrap();
    let decode = |values: &Tensor, weight: &Tensor| {
        decode_sparse(&Active { values: values.clone(), indices: indices.clone() }, weight, None)
    };
    let weight = draw("d", &[latents, 70]);
    check("both", &[values.clone(), weight.clone()], &|t| decode(&t[0], &t[1]));
    check("values", std::slice::from_ref(&values), &|t| decode(&t[0], &weight.to_dtype(t[0].dtype())?));
    check("weight", std::slice::from_ref(&weight), &|t| decode(&values.to_dtype(t[0].dtype())?, &t[0]));
}

#[test]
fn nan_is_seen_and_ties_go_to_the_first() {
    for dtype in [DType::F32, DType::F64] {
        let x = Tensor::new(&[[2f32, 5.0, 1.0, 5.0, 5.0]], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let (_, indices) = top_k(&x, 2).unwrap();
        assert_eq!(indices.to_vec2::<u32>().unwrap(), [[1, 3]]);
    }
    for dtype in [DType::F32, DType::F64] {
        let values: Vec<f32> = (0..60).map(|i| if i % 20 == 7 { f32::NAN } else { i as f32 }).collect();
        let x = Tensor::from_vec(values, (1, 60), &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        assert_eq!(top_k(&x, 4).unwrap().1.to_vec2::<u32>().unwrap(), [[7, 27, 47, 59]], "{dtype:?}");
        let (none, some) = (x.narrow(1, 0, 0).unwrap(), x.narrow(1, 0, 3).unwrap());
        let bias = Tensor::zeros(0, dtype, &Device::Cpu).unwrap();
        let nothing = Tensor::zeros((0, 3), dtype, &Device::Cpu).unwrap();
        assert!(top_k(&none, 1).is_err());
        assert!(linear(&some, &nothing, None, Activation::Identity).is_err());
        assert!(encode_chosen(&some, &nothing, &bias, &Choice::Largest(1)).is_err());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let x = draw("x", &[2, 3]);
    assert!(top_k(&x, 4).unwrap_err().to_string().contains("k = 4 in 1..=3"));
    assert!(top_k(&x.narrow(0, 0, 0).unwrap(), 1).is_err());
    let (w, b) = (draw("w", &[6, 3]), draw("b", &[6]));
    assert!(encode_top_k(&x, &w, &b, 7).unwrap_err().to_string().contains("k = 7"));
    let indices = Tensor::new(&[[0u32, 6], [1, 2]], &Device::Cpu).unwrap();
    let active = Active { values: draw("v", &[2, 2]), indices };
    assert!(decode_sparse(&active, &w, None).unwrap_err().to_string().contains("entries below 6"));
}

#[test]
fn chosen_latents_are_the_largest_of_the_batch_or_those_above_their_bounds() {
    let (x, w, b) = (draw("x", &[40, 16]), draw("w", &[90, 16]), draw("b", &[90]));
    for dtype in [DType::F32, DType::F64] {
        let [x, w, b] = [&x, &w, &b].map(|tensor| tensor.to_dtype(dtype).unwrap());
        let dense = linear(&x, &w, Some(&b), Activation::Identity).unwrap().to_dtype(DType::F64).unwrap();
        let rows = dense.to_vec2::<f64>().unwrap();
        let mut sorted: Vec<f64> = rows.concat();
        sorted.sort_by(|a, b| b.total_cmp(a));
        let bounds: Vec<f32> = (0..90).map(|latent| latent as f32 / 30.0).collect();
        for (choice, chosen) in [
            (Choice::Largest(200), &(|value: f64, _: usize| value >= sorted[199]) as &dyn Fn(f64, usize) -> bool),
            (Choice::Above(bounds.clone().into()), &|value, latent| value > f64::from(bounds[latent])),
        ] {
            let active = encode_chosen(&x, &w, &b, &choice).unwrap();
            let (values, indices) = (active.values.to_dtype(DType::F64).unwrap(), active.indices);
            let pairs = values.to_vec2::<f64>().unwrap().into_iter().zip(indices.to_vec2::<u32>().unwrap());
            for ((values, indices), row) in pairs.zip(&rows) {
                let found: Vec<_> = indices.into_iter().zip(values).filter(|(_, value)| *value > -1e29).collect();
                let expected: Vec<u32> =
                    (0..90).filter(|&latent| chosen(row[latent as usize], latent as usize)).collect();
                assert_eq!(found.iter().map(|(index, _)| *index).collect::<Vec<_>>(), expected);
                assert!(found.iter().all(|(index, value)| (value - row[*index as usize]).abs() < 1e-4));
            }
        }
    }
    let few = encode_chosen(&x, &w, &b, &Choice::Largest(10_000)).unwrap();
    assert!(few.values.dim(1).unwrap() < 90, "only positive numbers are chosen");
}

#[test]
fn gradients_of_chosen_latents_are_right_and_padding_has_none() {
    let inputs = [draw("x", &[12, 16]), draw("w", &[40, 16]), draw("b", &[40]), draw("d", &[40, 5])];
    for choice in [Choice::Largest(50), Choice::Above(vec![0.4; 40].into())] {
        check("chosen", &inputs, &|t| {
            let Active { values, indices } = encode_chosen(&t[0], &t[1], &t[2], &choice)?;
            decode_sparse(&Active { values: Activation::Relu.apply(&values)?, indices }, &t[3], None)
        });
    }
}
