//! New samples in the schema of the training data: codes from a sampler, decoded and written.

mod flow;
mod sampler;

use narrows_data::sink::{self, SinkOptions};
use narrows_data::{Condition, Given, Masses, Sample};
use narrows_tensor::{Key, Tensor, random};

pub use self::flow::FlowSampler;
pub use self::sampler::Sampler;
pub(crate) use self::sampler::{Samplers, check_flow, fit_samplers};
use crate::transform::{Output, flat, takes_columns, write_block};
use crate::{Error, Model, Result};

/// Samples in one batch: a function of nothing, so that the same seed gives the same samples.
const BATCH: usize = 1_024;
/// Rows that tell which drawn numbers stand for a value that many training rows share.
const REFERENCE: usize = 4_096;

/// The condition that `text`, as `label=3`, gives to samples of `model`.
///
/// # Errors
/// The model takes no condition, or none of this name or value.
pub fn condition(model: &Model, text: &str) -> Result<Given> {
    let refuse = |reason: String| Error::Where { text: text.into(), reason };
    let Some(condition) = model.preparation.condition() else {
        let name = model.document.config.model.name();
        return Err(refuse(format!("`{name}` takes no condition; train `conditional-vae` with --label COLUMN")));
    };
    let known = condition.name();
    let (name, value) = text.split_once('=').ok_or_else(|| refuse(format!("write {known}=VALUE")))?;
    if name.trim() != known {
        return Err(refuse(format!("this model is conditioned on the column `{known}`; write {known}=VALUE")));
    }
    condition.parse(value.trim()).map_err(|error| match error {
        narrows_data::Error::Condition { name, found, advice, .. } => refuse(format!("`{name}` {found}; {advice}")),
        error => error.into(),
    })
}

/// Writes `n` new samples, the same for the same seed: of a conditional model under the condition `given`, else under
/// conditions as frequent as in training. `progress` is called with the samples of each batch.
///
/// # Errors
/// The model has no such sampler, or the file cannot be written.
pub fn generate(
    model: &Model,
    sampler: Sampler,
    n: usize,
    seed: u64,
    given: Option<Given>,
    output: Output<'_>,
    mut progress: impl FnMut(usize),
) -> Result<usize> {
    // A sampler that is not there is told before anything is written.
    sampler::codes(model, sampler, 1, &Key::new(seed))?;
    let mut schema = model.preparation.output_schema();
    let condition = model.preparation.condition();
    // Pictures are shown as their expectation, as is usual: the noise of single pixels says nothing.
    let drawn =
        matches!(&schema.sample, Sample::Table) || matches!(&schema.sample, Sample::Array { dims } if dims.len() == 1);
    // A sample says what it was drawn under.
    let told = condition.filter(|_| takes_columns(output.path));
    schema.columns.extend(told.map(Condition::column));
    let samples = |count: usize, given: Option<Given>, key: &Key| -> Result<(Vec<f32>, Option<Vec<Given>>)> {
        let z = sampler::codes(model, sampler, count, &key.named("codes"))?;
        let conditions = condition.map(|condition| conditions(condition, given, count, &key.named("conditions")));
        let c = condition.zip(conditions.as_deref()).map(|(condition, given)| {
            Tensor::from_vec(condition.features(given), (count, condition.width()), z.device())
        });
        let c = c.transpose().map_err(narrows_tensor::Error::from)?;
        let network = &model.network;
        let x = if drawn {
            network.draw_given(&z, c.as_ref(), &key.named("samples"))?
        } else {
            network.decode_given(&z, c.as_ref())?
        };
        Ok((flat(&x)?, conditions))
    };
    let masses = match model.preparation.has_masses() {
        // Under all conditions and for every seed the same numbers stand for the value.
        true => {
            let count = REFERENCE.div_ceil(model.preparation.layout().steps);
            model.preparation.masses(&samples(count, None, &Key::new(0).named("reference"))?.0)?
        }
        false => Masses::default(),
    };
    let options = SinkOptions { force: output.force, ..SinkOptions::default() };
    let mut sink = sink::create(output.path, &schema, &options)?;
    let key = Key::new(seed).named("generate");
    let mut total = 0;
    for start in (0..n).step_by(BATCH) {
        let count = BATCH.min(n - start);
        let (x, conditions) = samples(count, given, &key.fold(start as u64))?;
        let beside = told.zip(conditions).map(|(condition, given)| condition.values(&given));
        let rows = model.preparation.drawn(&x, &masses)?;
        total += write_block(rows, sink.as_mut(), beside.into_iter().collect())?;
        progress(count);
    }
    sink.finish()?;
    Ok(total)
}

/// The conditions of `n` samples.
fn conditions(condition: &Condition, given: Option<Given>, n: usize, key: &Key) -> Vec<Given> {
    if let Some(given) = given {
        return vec![given; n];
    }
    let mut quantiles = vec![0f32; n];
    random::fill_uniform(key, &mut quantiles);
    quantiles.into_iter().map(|quantile| condition.at(f64::from(quantile))).collect()
}
