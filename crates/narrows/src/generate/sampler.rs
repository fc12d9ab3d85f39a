//! Where codes of new samples come from, and what is fitted to the codes of training rows.

use std::sync::Arc;

use narrows_core::Autoencoder;
use narrows_data::{Preparation, Subset, Train, in_order};
use narrows_eval::{GaussianMixture, mixture};
use narrows_models::config::FlowConfig;
use narrows_tensor::{Key, Tensor};

use super::FlowSampler;
use crate::batches::batch;
use crate::evaluate::ROWS;
use crate::{Error, Model, Result};

/// The most training samples whose codes are described.
const CODES: usize = 4_096;

/// Where codes of new samples come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sampler {
    /// The model's own prior; where it has none, the flow, or else the mixture.
    #[default]
    Auto,
    /// The distribution that training drew codes towards.
    Prior,
    /// The mixture of normal distributions fitted to the codes of training rows.
    Mixture,
    /// The flow fitted to the codes of training rows.
    Flow,
}

/// What was fitted to the codes of training rows.
#[derive(Debug, Default)]
pub(crate) struct Samplers {
    pub(crate) mixture: Option<GaussianMixture>,
    pub(crate) flow: Option<FlowSampler>,
}

/// Codes from the sampler.
pub(super) fn codes(model: &Model, sampler: Sampler, n: usize, key: &Key) -> Result<Tensor> {
    let name = model.document.config.model.name();
    if matches!(sampler, Sampler::Auto | Sampler::Prior) {
        match model.network.draw_codes(n, key)? {
            Some(codes) => return Ok(codes),
            None if sampler == Sampler::Prior => return Err(Error::NoPrior { model: name }),
            None => {}
        }
    }
    let codes = match &model.flow {
        Some(flow) if sampler != Sampler::Mixture => flow.draw(n, key)?,
        None if sampler == Sampler::Flow => return Err(Error::NoFlow { model: name }),
        _ => {
            let code = model.network.spec().code.elements();
            let missing = Error::NoMixture { model: name, code, widest: mixture::WIDEST };
            let mixture = model.sampler.as_ref().ok_or(missing)?;
            mixture.draw(n, key)?
        }
    };
    let shape = model.network.spec().code.batched(n);
    Ok(codes.reshape(shape).map_err(narrows_tensor::Error::from)?)
}

/// Whether codes are narrow enough for a flow: asked before a training that takes its time.
///
/// # Errors
/// They are too wide.
pub(crate) fn check_flow(network: &(impl Autoencoder + ?Sized), rows: usize) -> Result<()> {
    let width = network.spec().code.elements();
    if width <= mixture::WIDEST { Ok(()) } else { Err(Error::NoCodes { rows, width, widest: mixture::WIDEST }) }
}

/// The mixture of the codes of training rows, and a flow where one is asked for; none where codes are too wide or too few.
///
/// # Errors
/// The rows cannot be read, or a flow is asked for and the codes are too wide or too few for one.
pub(crate) fn fit_samplers(
    network: &(impl Autoencoder + ?Sized),
    train: &Subset<Train>,
    preparation: &Arc<Preparation>,
    flow: Option<&FlowConfig>,
    seed: u64,
) -> Result<Samplers> {
    let layout = preparation.layout();
    let width = network.spec().code.elements();
    let rows = train.clone().limit(CODES * layout.steps);
    let mut codes = Vec::new();
    if width <= mixture::WIDEST {
        for portion in in_order(&rows, preparation, ROWS)? {
            let batch = batch(portion?.rows, &layout.dims)?;
            let code = network.encode_given(&batch.x, batch.condition.as_ref())?;
            codes.push(code.flatten_from(1).map_err(narrows_tensor::Error::from)?);
        }
    }
    let count = codes.iter().map(|codes| codes.dims().first().copied().unwrap_or(0)).sum::<usize>();
    if count < 2 {
        return match flow {
            None => Ok(Samplers::default()),
            Some(_) => Err(Error::NoCodes { rows: count, width, widest: mixture::WIDEST }),
        };
    }
    let codes = Tensor::cat(&codes, 0).map_err(narrows_tensor::Error::from)?;
    let key = Key::new(seed).named("sampler");
    Ok(Samplers {
        mixture: Some(GaussianMixture::fit(&codes, &key)?),
        flow: flow.map(|config| FlowSampler::fit(config, &codes, &key.named("flow"))).transpose()?,
    })
}
