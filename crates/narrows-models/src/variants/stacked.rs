//! The stacked autoencoder: greedy layer-wise training, then all layers together.
//!
//! Bengio, Lamblin, Popovici & Larochelle 2007, Greedy Layer-Wise Training of Deep Networks. In the first share of a run,
//! layer after layer learns to reconstruct what the layers below it give, `|h_l - d_l(e_l(h_l))|²` with `h_l` held fixed;
//! then the whole network learns `|x - x̂|²`. With corruption (Vincent, Larochelle, Lajoie, Bengio & Manzagol 2010, Stacked
//! Denoising Autoencoders) every layer sees a corrupted `h̃_l` instead, where `h_l` is what the layers below make of the clean
//! sample, and the whole network a corrupted `x̃`.

use candle_core::Tensor;
use narrows_core::{Dims, Loss, StepContext, Trainable};
use narrows_tensor::ops::loss::squared_error;
use narrows_tensor::{Activation, Key, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::augmentation::Augmentation;
use crate::bottleneck::Identity;
use crate::composed::{Composed, Networks, Objective, Pass, Reconstruction};
use crate::config::{CodeSize, Share, Widths};
use crate::corruption::Corruption;
use crate::network::Mlp;
use crate::network::mlp::Hidden;
use crate::network::symmetric::default_widths;
use crate::scaling::Scaling;
use crate::variant::{About, Kind, Paper, Variant, check_sizes, code_size};
use crate::{DataSpec, Error, Result};

/// Options of `stacked`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Stacked {
    /// Number of values in a code.
    pub code: CodeSize,
    /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of features
    /// rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code but the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    #[schemars(schema_with = "crate::config::activation::schema")]
    pub activation: Activation,
    /// Share of the run in which layers are trained one after the other, each for the same time; at most 0.9.
    pub pretraining: Share,
    /// How the inputs of every layer are corrupted in training; targets stay clean. Levels of noise are in units of the
    /// inputs' own deviation, for pixels of their range, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub corruption: Option<Corruption>,
}

/// The largest share of a run for single layers: none of them sees what the others leave.
const MOST: f64 = 0.9;

impl Default for Stacked {
    fn default() -> Self {
        Self {
            code: CodeSize::default(),
            widths: None,
            activation: Activation::Silu,
            pretraining: Share::constant(0.3),
            corruption: None,
        }
    }
}

impl Variant for Stacked {
    const ABOUT: About = About {
        name: "stacked",
        kind: Kind::Vanilla,
        title: "Stacked autoencoder",
        summary: "A deep autoencoder whose layers are trained one after the other before all are trained together.",
        paper: Paper {
            authors: "Bengio, Lamblin, Popovici & Larochelle",
            year: 2007,
            title: "Greedy Layer-Wise Training of Deep Networks",
        },
        formula: "for each layer minimise |h_l - d_l(e_l(h_l))|², then z = f(x), x̂ = g(z), minimise |x - x̂|²",
    };

    code_size!();

    fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(Self::ABOUT.name, self.code(), data)?;
        if *self.pretraining.get() > MOST {
            let (value, reason) =
                (self.pretraining.get().to_string(), "too little is left to train all layers together".into());
            let remedy = format!("choose a share of at most {MOST}");
            return Err(Error::Misfit { model: Self::ABOUT.name, option: "pretraining", value, reason, remedy });
        }
        match &self.corruption {
            Some(corruption) if !corruption.suits_units() => {
                let (value, reason) = (corruption.name().into(), "units of hidden layers have no such noise".into());
                let remedy = "use gaussian, masking or salt-and-pepper, or the model `dae`".into();
                Err(Error::Misfit { model: Self::ABOUT.name, option: "corruption", value, reason, remedy })
            }
            _ => Ok(()),
        }
    }

    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
        let (sample, code) = (&data.sample, Dims::new([self.code()]));
        let given = self.widths.as_ref().map(|widths| widths.get().clone());
        let widths = given.unwrap_or_else(|| default_widths(data.features(), self.code()));
        let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
        let hidden = Hidden { activation: self.activation, dropout: 0.0, beside_path: false };
        let encoder = Mlp::new(sample, &widths, &code, hidden, &scope.enter("encoder"))?;
        let decoder = Mlp::new(&code, &mirrored, sample, hidden, &scope.enter("decoder"))?;
        let layers = LayerByLayer {
            encoder: encoder.clone(),
            decoder: decoder.clone(),
            share: *self.pretraining.get(),
            corruption: self.corruption.clone(),
        };
        let networks = Networks {
            encoder: Some(Box::new(encoder)),
            bottleneck: Identity { code: self.code() },
            decoder: Some(Box::new(decoder)),
            path: None,
            scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
            likelihood: data.likelihood.clone(),
        };
        let corruption = self.corruption.as_ref().map(|corruption| corruption.on(data));
        let augmentation = Augmentation { corruption, ..Augmentation::default() };
        Ok(Box::new(Composed::new(data, networks, layers, augmentation, scope)))
    }
}

/// One layer and its mirror image at a time, then all.
struct LayerByLayer {
    encoder: Mlp,
    decoder: Mlp,
    /// Share of the run that is spent on single layers.
    share: f64,
    /// What is done to the inputs of layers above the first.
    corruption: Option<Corruption>,
}

impl LayerByLayer {
    /// The layer that is trained at a step; `None` once all are trained together.
    fn layer(&self, at: &StepContext) -> Option<usize> {
        let count = self.encoder.layers().len();
        let place = at.progress() / self.share;
        // Without pre-training the place is infinite, or not a number at the first step.
        (place < 1.0).then(|| ((place * count as f64) as usize).min(count - 1))
    }

    /// How far the first layer's mirror image is from the samples.
    fn first<B>(&self, model: &Networks<B>, pass: &Pass<'_>) -> narrows_core::Result<Tensor> {
        let back = self.back(0, &pass.u.flatten_from(1)?)?;
        let output = model.scaling.output(&back.reshape(pass.u.shape())?)?;
        model.likelihood.loss(&output, pass.batch.target(), pass.batch.observed.as_ref())
    }

    /// How far a layer's mirror image is from what the layers below it make of the clean samples.
    fn distance<B>(
        &self,
        layer: usize,
        model: &Networks<B>,
        pass: &Pass<'_>,
        key: &Key,
    ) -> narrows_core::Result<Tensor> {
        let mut below = model.scaling.input(&pass.batch.x)?.flatten_from(1)?;
        for inner in &self.encoder.layers()[..layer] {
            below = inner.forward(&below)?;
        }
        let below = below.detach();
        let given = match &self.corruption {
            Some(corruption) => corrupted_units(corruption, &below, &key.named("layer"))?,
            None => below.clone(),
        };
        Ok(squared_error(&self.back(layer, &given)?, &below, None)?)
    }

    /// What a layer and its mirror image make of the layer's input.
    fn back(&self, layer: usize, below: &Tensor) -> narrows_core::Result<Tensor> {
        let (encoder, decoder) = (self.encoder.layers(), self.decoder.layers());
        decoder[decoder.len() - 1 - layer].forward(&encoder[layer].forward(below)?)
    }
}

/// Hidden units corrupted like a sample: in units of their own deviation over the batch and all units, around their means.
fn corrupted_units(corruption: &Corruption, h: &Tensor, key: &Key) -> narrows_core::Result<Tensor> {
    let data = DataSpec::gaussian(Dims::new([h.dim(1)?]));
    let scope = Scope::root(*key, h.dtype(), h.device());
    let scaling = Scaling::new(&data.sample, &scope)?;
    scaling.fit(h, &data.likelihood, false, &scope.parameters())?;
    scaling.output(&corruption.on(&data).apply(h, &scaling, key)?)
}

impl<B> Objective<B> for LayerByLayer {
    fn loss(&self, model: &Networks<B>, pass: &Pass<'_>, at: &StepContext) -> narrows_core::Result<Loss> {
        match self.layer(at) {
            None => Reconstruction.loss(model, pass, at),
            Some(0) => Ok(Loss::of("layer 0", self.first(model, pass)?)),
            Some(layer) => {
                // In the unit of the reconstruction, so that clipping and logs mean the same in all stages.
                let unit = model.scaling.unit(&model.likelihood)?;
                let name = format!("layer {layer}");
                Ok(Loss::default().with(name, self.distance(layer, model, pass, &at.key)?, unit))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device};
    use narrows_core::{Batch, Group};
    use narrows_tensor::{Gradients, random};

    use super::*;

    #[test]
    fn each_stage_trains_one_layer_and_its_mirror_and_the_last_stage_all() {
        let config = Stacked {
            code: CodeSize::new(2).unwrap(),
            widths: Some(Widths::new(vec![6, 4]).unwrap()),
            pretraining: Share::new(0.6).unwrap(),
            ..Stacked::default()
        };
        let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
        let model = config.build(&DataSpec::gaussian(Dims::new([7])), &scope).unwrap();
        let x = random::normal(&Key::new(2), (9, 7), DType::F64, &Device::Cpu).unwrap();
        let trained = |step: u64| {
            let at = StepContext { step, steps: 10, key: Key::new(0) };
            let loss = model.step(&Group::ALL, &Batch::new(x.clone()), &at).unwrap().loss;
            let gradients = Gradients::backward(&loss.total().unwrap(), model.parameters()).unwrap();
            gradients.iter().filter_map(|(name, _)| name.strip_suffix(".weight").map(str::to_owned)).collect::<Vec<_>>()
        };
        assert_eq!(trained(0), ["decoder.2", "encoder.0"]);
        assert_eq!(trained(2), ["decoder.1", "encoder.1"]);
        assert_eq!(trained(5), ["decoder.0", "encoder.2"]);
        assert_eq!(trained(6).len(), 6);
        let layers = |share: f64| {
            let hidden = Hidden { activation: Activation::Tanh, dropout: 0.0, beside_path: false };
            let scope = Scope::root(Key::new(1), DType::F64, &Device::Cpu);
            let mlp = Mlp::new(&Dims::new([3]), &[], &Dims::new([2]), hidden, &scope).unwrap();
            LayerByLayer { encoder: mlp.clone(), decoder: mlp, share, corruption: None }
        };
        assert_eq!(layers(0.0).layer(&StepContext { step: 0, steps: 10, key: Key::new(0) }), None);
    }
}
