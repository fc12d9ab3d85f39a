//! A TopK sparse autoencoder: 384 -> 6,144, the 32 largest, batch 1,024, on numbers like the activations of a network.

use std::iter::Cycle;
use std::vec::IntoIter;

use candle_core::{DType, Device, Result, Tensor};
use narrows_tensor::ops::centre::{bias_of_centred, centre};
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::ops::sparse::{Active, decode_sparse, encode_top_k};
use narrows_tensor::{Init, Key, random};

use crate::layers::{AdamW, scope};
use crate::{Operations, Workload};

const INPUTS: usize = 384;
const LATENTS: usize = 6144;
const K: usize = 32;
const BATCH: usize = 1024;
const BATCHES: usize = 16;

/// One step of Adam on the squared error.
pub(crate) struct TopK {
    encoder: Tensor,
    encoder_bias: Tensor,
    decoder: Tensor,
    bias: Tensor,
    optimizer: AdamW,
    batches: Cycle<IntoIter<Tensor>>,
    operations: Operations,
}

/// Rows that are sums of `K` of `LATENTS` directions, with variance one.
fn activations(rows: usize) -> narrows_tensor::Result<Tensor> {
    let (key, cpu) = (Key::new(2), Device::Cpu);
    let normal = |name: &str, shape: (usize, usize)| random::normal(&key.named(name), shape, DType::F32, &cpu);
    let chosen = random::uniform(&key.named("chosen"), (rows, K), DType::F32, &cpu)?;
    let indices = (chosen * LATENTS as f64)?.to_dtype(DType::U32)?;
    let values = (normal("strengths", (rows, K))?.abs()? / (K as f64).sqrt())?;
    decode_sparse(&Active { values, indices }, &normal("directions", (LATENTS, INPUTS))?, None)
}

impl TopK {
    pub(crate) fn boxed(operations: Operations) -> Result<Box<dyn Workload>> {
        let (scope, wrap) = (scope(), candle_core::Error::wrap);
        let parameter = |name: &str, shape: &[usize], init| scope.parameter(name, shape, init).map_err(wrap);
        let normal = Init::KaimingNormal { fan_in: INPUTS };
        let encoder = parameter("encoder", &[LATENTS, INPUTS], normal)?;
        let encoder_bias = parameter("encoder_bias", &[LATENTS], Init::Constant(0.0))?;
        let decoder = parameter("decoder", &[LATENTS, INPUTS], normal)?;
        let bias = parameter("bias", &[INPUTS], Init::Constant(0.0))?;
        let optimizer = AdamW::new(&scope, 0.0, operations)?;
        let batches = activations(BATCHES * BATCH).map_err(wrap)?.chunk(BATCHES, 0)?.into_iter().cycle();
        Ok(Box::new(Self { encoder, encoder_bias, decoder, bias, optimizer, batches, operations }))
    }

    fn active(&self, x: &Tensor) -> Result<Active> {
        let wrap = candle_core::Error::wrap;
        match self.operations {
            Operations::Fused => {
                let bias = bias_of_centred(&self.encoder_bias, &self.bias, &self.encoder).map_err(wrap)?;
                encode_top_k(&x.detach(), &self.encoder, &bias, K).map_err(wrap)
            }
            Operations::Candle => {
                let dense = x.matmul(&self.encoder.t()?)?.broadcast_add(&self.encoder_bias)?;
                let indices = dense.detach().arg_sort_last_dim(false)?.narrow(1, 0, K)?.contiguous()?;
                Ok(Active { values: dense.gather(&indices, 1)?.relu()?, indices })
            }
        }
    }
}

impl Workload for TopK {
    fn samples(&self) -> usize {
        BATCH
    }

    fn step(&mut self) -> Result<f32> {
        let wrap = candle_core::Error::wrap;
        let Some(x) = self.batches.next() else { unreachable!("a cycle of batches has no end") };
        let centred = match self.operations {
            Operations::Fused => centre(&x, &self.bias).map_err(wrap)?,
            Operations::Candle => x.broadcast_sub(&self.bias)?,
        };
        let active = self.active(&centred)?;
        let loss = match self.operations {
            Operations::Fused => {
                let y = decode_sparse(&active, &self.decoder, Some(&self.bias)).map_err(wrap)?;
                squared_error(&y, &x, None).map_err(wrap)?.mean_all()?
            }
            Operations::Candle => {
                let rows = self.decoder.index_select(&active.indices.flatten_all()?, 0)?;
                let rows = rows.reshape((BATCH, K, INPUTS))?.broadcast_mul(&active.values.unsqueeze(2)?)?;
                (rows.sum(1)?.broadcast_add(&self.bias)? - &x)?.sqr()?.sum(1)?.mean_all()?
            }
        };
        self.optimizer.minimise(&loss)?;
        loss.to_scalar()
    }
}
