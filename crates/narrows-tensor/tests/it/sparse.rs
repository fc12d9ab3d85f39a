//! Top-k and the k-sparse layers.

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::sparse::{Active, decode_sparse, encode_top_k, top_k};

use crate::check::{check, draw};

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
fn nan_is_seen_and_ties_go_to_the_first() {
    for dtype in [DType::F32, DType::F64] {
        let x = Tensor::new(&[[2f32, 5.0, 1.0, 5.0, 5.0]], &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
        let (_, indices) = top_k(&x, 2).unwrap();
        assert_eq!(indices.to_vec2::<u32>().unwrap(), [[1, 3]]);
    }
    let x = Tensor::new(&[[2f32, f32::NAN, 1.0]], &Device::Cpu).unwrap();
    assert!(top_k(&x, 1).unwrap().0.to_vec2::<f32>().unwrap()[0][0].is_nan());
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
