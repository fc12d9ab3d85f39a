//! Dense autoencoders: training and inference.

use candle_core::{Result, Tensor};
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::ops::perceptron::perceptron;
use narrows_tensor::{Activation, Scope};

use crate::layers::{AdamW, Dense, samples, scope};
use crate::{Operations, Workload};

/// 784-512-256-32 and its mirror.
pub(crate) const DENSE: [usize; 7] = [784, 512, 256, 32, 256, 512, 784];
/// 20-64-32-8 and its mirror.
pub(crate) const TABULAR: [usize; 7] = [20, 64, 32, 8, 32, 64, 20];

/// ReLU between the layers, none at the code, sigmoid at the end.
fn network(scope: &Scope, widths: &[usize], operations: Operations) -> Result<Vec<Dense>> {
    let count = widths.len() - 1;
    let layers = widths.windows(2).enumerate().map(|(index, pair)| {
        let activation = match index + 1 {
            last if last == count => Activation::Sigmoid,
            code if code == count / 2 => Activation::Identity,
            _ => Activation::Relu,
        };
        Dense::new(&scope.enter(index), (pair[0], pair[1]), activation, operations)
    });
    layers.collect()
}

fn forward(layers: &[Dense], x: &Tensor) -> Result<Tensor> {
    if layers[0].operations == Operations::Fused {
        let layers: Vec<_> = layers.iter().map(Dense::fused).collect();
        return perceptron(x, &layers).map_err(candle_core::Error::wrap);
    }
    layers.iter().try_fold(x.clone(), |x, layer| layer.forward(&x))
}

/// One step of AdamW on the squared error.
pub(crate) struct Training {
    layers: Vec<Dense>,
    optimizer: AdamW,
    x: Tensor,
    operations: Operations,
}

impl Training {
    pub(crate) fn boxed(batch: usize, operations: Operations) -> Result<Box<dyn Workload>> {
        let scope = scope();
        let layers = network(&scope, &DENSE, operations)?;
        let optimizer = AdamW::new(&scope, 1e-2, operations)?;
        Ok(Box::new(Self { layers, optimizer, x: samples(&[batch, DENSE[0]])?, operations }))
    }
}

impl Workload for Training {
    fn samples(&self) -> usize {
        self.x.dims()[0]
    }

    fn step(&mut self) -> Result<f32> {
        let y = forward(&self.layers, &self.x)?;
        let loss = match self.operations {
            Operations::Fused => squared_error(&y, &self.x, None).map_err(candle_core::Error::wrap)?.mean_all()?,
            Operations::Candle => (y - &self.x)?.sqr()?.sum(1)?.mean_all()?,
        };
        self.optimizer.minimise(&loss)?;
        loss.to_scalar()
    }
}

/// Reconstructions of 4,096 rows, without gradients.
pub(crate) struct Inference {
    layers: Vec<Dense>,
    x: Tensor,
}

impl Inference {
    pub(crate) fn boxed(widths: &[usize], operations: Operations) -> Result<Box<dyn Workload>> {
        let mut layers = network(&scope(), widths, operations)?;
        for layer in &mut layers {
            layer.freeze();
        }
        Ok(Box::new(Self { layers, x: samples(&[4096, widths[0]])? }))
    }
}

impl Workload for Inference {
    fn samples(&self) -> usize {
        self.x.dims()[0]
    }

    fn step(&mut self) -> Result<f32> {
        forward(&self.layers, &self.x)?.get(0)?.get(0)?.to_scalar()
    }
}
