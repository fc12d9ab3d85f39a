//! What every operation with a fused kernel promises, at sizes drawn at random: right values and gradients, the same bits
//! for strided inputs, half precision by the composite path, and no empty batch.

use std::slice::from_ref;

use candle_core::{DType, Device, Tensor};
use narrows_tensor::ops::affine::affine;
use narrows_tensor::ops::batch_norm::{batch_norm_infer, batch_norm_train};
use narrows_tensor::ops::centre::centre;
use narrows_tensor::ops::conv::{Stride2, conv_transpose2d, conv2d};
use narrows_tensor::ops::conv1d::{Stride1, conv_transpose1d, conv1d};
use narrows_tensor::ops::linear::linear;
use narrows_tensor::ops::loss::{bce_with_logits, categorical, gaussian_nll, kl_gaussian, squared_error};
use narrows_tensor::ops::normalize::layer_norm;
use narrows_tensor::ops::ragged::{Choice, encode_chosen};
use narrows_tensor::ops::softmax::{log_softmax, softmax};
use narrows_tensor::ops::sparse::{Active, decode_sparse, encode_top_k, top_k};
use narrows_tensor::ops::upsample::upsample;
use narrows_tensor::{Activation, Key, Result, random};

use crate::activation::ALL;
use crate::check::{Op, check, distance, draw, gradients, strided};

type Boxed = Box<dyn Fn(&[Tensor]) -> Result<Tensor>>;

/// An operation, and inputs of it; the first one holds the batch.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) inputs: Vec<Tensor>,
    pub(crate) f: Boxed,
}

/// Sizes by name, the same for the same seed.
struct Sizes(Key);

impl Sizes {
    fn of(&self, name: &str, from: usize, to: usize) -> usize {
        let mut draw = [0f32];
        random::fill_uniform(&self.0.named(name), &mut draw);
        from + ((draw[0] * (to - from + 1) as f32) as usize).min(to - from)
    }
}

/// One case of every operation, with up to `rows` rows.
pub(crate) fn cases(seed: u64, rows: usize) -> Vec<Case> {
    let sizes = Sizes(Key::new(seed));
    let size = |name: &str, from, to| sizes.of(name, from, to);
    let input = |name: &str, shape: &[usize]| draw(&format!("{name} {seed}"), shape);
    let activation = ALL[seed as usize % ALL.len()];
    // Differences across the kink of a rectifier are no derivatives; layers with rectifiers have tests of their own.
    let kinked = matches!(activation, Activation::Relu | Activation::LeakyRelu);
    let smooth = if kinked { Activation::Silu } else { activation };
    let (n, a, b) = (size("n", 1, rows), size("a", 1, 40), size("b", 1, 40));
    let mut cases = Vec::new();
    let mut add = |name: &str, inputs: &[Tensor], f: Boxed| {
        let (name, inputs) = (format!("{name}, seed {seed}"), inputs.to_vec());
        cases.push(Case { name, inputs, f });
    };
    let (x, y, z) = (input("x", &[n, a]), input("y", &[n, a]), input("z", &[n, a]));
    let weight = input("weight", &[n, a]).abs().unwrap();

    add("activation", from_ref(&x), Box::new(move |t| activation.apply(&t[0])));
    add("softmax", from_ref(&x), Box::new(|t| softmax(&t[0])));
    add("log_softmax", from_ref(&x), Box::new(|t| log_softmax(&t[0])));
    let layer = [x.clone(), input("w", &[b, a]), input("b", &[b])];
    add("linear", &layer, Box::new(move |t| linear(&t[0], &t[1], Some(&t[2]), smooth)));
    let norm = [input("x", &[n + 1, 2, a]), input("scale", &[a]), input("shift", &[a])];
    add("layer_norm", &norm, Box::new(|t| layer_norm(&t[0], &t[1], &t[2], 1e-3)));
    add("batch_norm in training", &norm, {
        Box::new(|t| {
            let zeros = t[1].zeros_like()?;
            Ok(batch_norm_train(&t[0], (&t[1], &t[2]), (&zeros, &zeros), 0.1, 1e-3)?.output)
        })
    });
    let (mean, variance) = (input("mean", &[a]), input("variance", &[a]).sqr().unwrap());
    add("batch_norm in use", &norm, {
        Box::new(move |t| {
            let like = |of: &Tensor| of.to_dtype(t[0].dtype());
            batch_norm_infer(&t[0], (&t[1], &t[2]), (&like(&mean)?, &like(&variance)?), 1e-3)
        })
    });

    let weigh = move |t: &Tensor| -> Result<Option<Tensor>> {
        // Every other seed goes without.
        Ok(if seed.is_multiple_of(2) { Some(weight.to_dtype(t.dtype())?.narrow(0, 0, t.dim(0)?)?) } else { None })
    };
    let of = |f: fn(&Tensor, &Tensor, Option<&Tensor>) -> Result<Tensor>| {
        let weigh = weigh.clone();
        Box::new(move |t: &[Tensor]| f(&t[0], &t[1], weigh(&t[0])?.as_ref()))
    };
    let pair = [x.clone(), y.clone()];
    add("squared_error", &pair, of(squared_error));
    add("bce_with_logits", &pair, of(bce_with_logits));
    add("kl_gaussian", &pair, Box::new(|t| kl_gaussian(&t[0], &t[1])));
    let (first, weighed) = (size("first", 0, a - 1), weigh.clone());
    let categories = move |t: &[Tensor]| categorical(&t[0], &t[1], first..a, weighed(&t[0])?.as_ref());
    add("categorical", &pair, Box::new(categories));
    let density = move |t: &[Tensor]| gaussian_nll(&t[0], &t[1], &t[2], weigh(&t[0])?.as_ref());
    add("gaussian_nll", &[x.clone(), y, z], Box::new(density));

    let (latents, k) = (a + b, size("k", 1, a));
    let sparse = [x, input("e", &[latents, a]), input("f", &[latents]), input("d", &[latents, b]), input("c", &[b])];
    add("top_k of latents", &[input("h", &[n, latents])], Box::new(move |t| Ok(top_k(&t[0], k)?.0)));
    let top = move |t: &[Tensor]| decode_sparse(&encode_top_k(&t[0], &t[1], &t[2], k)?, &t[3], Some(&t[4]));
    add("the k largest latents, decoded", &sparse, Box::new(top));
    let choice = if seed.is_multiple_of(2) { Choice::Largest(n * k) } else { Choice::Above(vec![0.4; latents].into()) };
    let chosen = move |t: &[Tensor]| {
        let Active { values, indices } = encode_chosen(&t[0], &t[1], &t[2], &choice)?;
        decode_sparse(&Active { values: Activation::Relu.apply(&values)?, indices }, &t[3], Some(&t[4]))
    };
    add("chosen latents, decoded", &sparse, Box::new(chosen));

    let (kernel, stride, padding) = (size("kernel", 1, 4), size("stride", 1, 3), size("padding", 0, 2));
    let (height, width) = (size("height", 4, 9), size("width", 4, 9));
    let (c, d) = (size("c", 1, 5), size("d", 1, 18));
    let output_padding = (stride - 1).min(1);
    let square = Stride2 { stride: (stride, 1), padding: (padding, 0), output_padding: (0, 0) };
    let [pictures, bias] = [input("p", &[n, height, width, c]), input("bias", &[d])];
    let down = [pictures.clone(), input("u", &[d, kernel, kernel.min(3), c]), bias.clone()];
    add("conv2d", &down, Box::new(move |t| conv2d(&t[0], &t[1], Some(&t[2]), square, smooth)));
    // Enough rows that padding leaves some of them.
    let up = [pictures.clone(), input("v", &[c, kernel.max(2), 2, d]), bias.clone()];
    let grown = Stride2 { output_padding: (output_padding, 0), ..square };
    add("conv_transpose2d", &up, Box::new(move |t| conv_transpose2d(&t[0], &t[1], Some(&t[2]), grown, smooth)));
    let line = Stride1 { stride, padding, output_padding: 0 };
    let windows = input("l", &[n, height, c]);
    let down = [windows.clone(), input("r", &[d, kernel, c]), bias.clone()];
    add("conv1d", &down, Box::new(move |t| conv1d(&t[0], &t[1], Some(&t[2]), line, smooth)));
    let up = [windows, input("s", &[c, kernel.max(2), d]), bias];
    let grown = Stride1 { output_padding, ..line };
    add("conv_transpose1d", &up, Box::new(move |t| conv_transpose1d(&t[0], &t[1], Some(&t[2]), grown, smooth)));
    let (samples, channels) = (&[height, width, c][..], &[c][..]);
    for (name, shapes) in [
        ("affine of samples", [samples; 2]),
        ("affine of channels", [channels; 2]),
        ("affine of samples and channels", [samples, channels]),
        ("affine of channels and samples", [channels, samples]),
    ] {
        let [scale, shift] = [("factor", shapes[0]), ("summand", shapes[1])].map(|(name, shape)| input(name, shape));
        let f = move |t: &[Tensor]| {
            let of = |constant: &Tensor| constant.to_dtype(t[0].dtype());
            affine(&t[0], &of(&scale)?, &of(&shift)?)
        };
        add(name, from_ref(&pictures), Box::new(f));
    }
    add("centre", &[input("o", &[n, a]), input("m", &[a])], Box::new(|t| centre(&t[0], &t[1])));
    let factor = (stride, 4 - stride);
    add("upsample", from_ref(&pictures), Box::new(move |t| upsample(&t[0], factor)));
    cases
}

#[test]
fn values_and_gradients_are_right_at_any_size() {
    for seed in 0..16 {
        for Case { name, inputs, f } in cases(seed, 9) {
            check(&name, &inputs, &*f);
        }
    }
}

/// The output and all gradients.
pub(crate) fn all(f: Op<'_>, inputs: &[Tensor], dtype: DType) -> Vec<Tensor> {
    let like: Vec<Tensor> = inputs.iter().map(|input| input.to_dtype(dtype).unwrap()).collect();
    let direction = draw("direction", f(&like).unwrap().dims());
    let (y, gradients) = gradients(f, inputs, dtype, &direction);
    std::iter::once(y).chain(gradients).collect()
}

#[test]
fn strided_inputs_give_the_same_bits() {
    for seed in 0..4 {
        for Case { name, inputs, f } in cases(seed, 9) {
            let apart = |t: &[Tensor]| f(&t.iter().map(strided).collect::<Vec<_>>());
            let pairs = all(&*f, &inputs, DType::F32).into_iter().zip(all(&apart, &inputs, DType::F32));
            for (place, (plain, strided)) in pairs.enumerate() {
                assert_eq!(distance(&plain, &strided), 0.0, "{name}: result {place}");
            }
        }
    }
}

#[test]
fn half_precision_takes_the_composite_path() {
    for (dtype, precision) in [(DType::F16, 1e-2), (DType::BF16, 8e-2)] {
        // Numbers that are equal in half precision may be chosen in another order.
        for Case { name, inputs, f } in cases(3, 9).into_iter().filter(|case| !case.name.contains("latents")) {
            let rounded: Vec<Tensor> =
                inputs.iter().map(|x| x.to_dtype(dtype).unwrap().to_dtype(DType::F64).unwrap()).collect();
            let pairs = all(&*f, &rounded, DType::F64).into_iter().zip(all(&*f, &rounded, dtype));
            for (place, (exact, half)) in pairs.enumerate() {
                assert_eq!(half.dtype(), dtype, "{name}: result {place}");
                assert!(
                    distance(&half, &exact) < precision,
                    "{name} in {dtype:?}: {place} is off by {}",
                    distance(&half, &exact)
                );
            }
        }
    }
}

#[test]
fn empty_batches_are_refused() {
    for Case { name, inputs, f } in cases(1, 9) {
        for dtype in [DType::F32, DType::F64] {
            let mut inputs: Vec<Tensor> = inputs.iter().map(|input| input.to_dtype(dtype).unwrap()).collect();
            let rows = inputs[0].dim(0).unwrap();
            for input in inputs.iter_mut().filter(|input| input.dim(0).unwrap() == rows && input.rank() > 1) {
                *input = input.narrow(0, 0, 0).unwrap();
            }
            // A function of single elements has nothing to refuse.
            let refused = f(&inputs).is_err();
            assert!(refused || name.starts_with("activation"), "{name} takes an empty batch of {dtype:?}");
        }
    }
}

#[test]
fn what_is_no_number_stays_none() {
    let not = Tensor::full(f32::NAN, (2, 3), &Device::Cpu).unwrap();
    assert!(squared_error(&not, &not, None).unwrap().to_vec1::<f32>().unwrap().iter().all(|loss| loss.is_nan()));
    assert!(softmax(&not).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap().iter().all(|value| value.is_nan()));
}
