//! Training on rows of which some are anomalies: what a model explains worst is left out, so that it does not learn it.
//!
//! `L = 1/h sum of the h smallest l_n`, `h = N - floor(trim N)`, over each batch behind a warm-up (Shen & Sanghavi 2019, Learning
//! with Bad Training Data via Iterative Trimmed Loss Minimization; the estimator is Rousseeuw's 1984). Early in a run losses
//! fall for what most rows have in common, so that by then the rest stands out.

use candle_core::{DType, Tensor};
use narrows_core::{Loss, StepContext};

use crate::{Result, Share};

/// Share of the run in which all samples count.
const WARMUP: f64 = 0.1;

/// What a step makes small: the mean loss of the samples, or of all but the share with the largest.
pub(crate) fn total(loss: &Loss, share: Option<Share>, at: &StepContext) -> Result<Tensor> {
    let Some(share) = share.filter(|_| at.progress() >= WARMUP) else { return Ok(loss.total()?) };
    let each = loss.per_sample()?;
    let losses = each.to_dtype(DType::F64)?.to_vec1::<f64>()?;
    let left_out = (share.get() * losses.len() as f64) as usize;
    if left_out == 0 {
        return Ok(loss.total()?);
    }
    let mut order: Vec<usize> = (0..losses.len()).collect();
    order.sort_by(|&a, &b| losses[b].total_cmp(&losses[a]).then(a.cmp(&b)));
    let mut weights = vec![1.0 / (losses.len() - left_out) as f64; losses.len()];
    order[..left_out].iter().for_each(|&sample| weights[sample] = 0.0);
    let weights = Tensor::new(weights, each.device())?.to_dtype(each.dtype())?;
    Ok((each * weights)?.sum_all()?)
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn the_largest_losses_have_no_gradient_behind_the_warm_up() {
        let var = Var::new(&[1.0f64, 5.0, 2.0, 5.0, 3.0], &Device::Cpu).unwrap();
        let loss = Loss::of("loss", var.as_tensor().clone());
        let gradient = |step: u64, share: f64| {
            let at = StepContext { step, steps: 100, key: Key::new(0) };
            let total = total(&loss, Some(Share::new(share).unwrap()), &at).unwrap();
            total.backward().unwrap().get(&var).unwrap().to_vec1::<f64>().unwrap()
        };
        assert_eq!(gradient(9, 0.4), [0.2; 5]);
        assert_eq!(gradient(10, 0.1), [0.2; 5]);
        let third = 1.0 / 3.0;
        assert_eq!(gradient(10, 0.4), [third, 0.0, third, 0.0, third]);
        // Of equal losses the first goes.
        assert_eq!(gradient(10, 0.3), [0.25, 0.0, 0.25, 0.25, 0.25]);
    }
}
