//! Columns hidden from the network in turn and predicted from the others: a value that its neighbours contradict shows even
//! to a network that would pass it through.

use std::ops::Range;

use narrows_core::Autoencoder;
use narrows_tensor::{DType, Device, Tensor};

use crate::{Error, Result};

/// Which columns are hidden together.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    /// For each pass 1 for the features that are hidden, else 0, `[..sample]`.
    passes: Vec<Tensor>,
}

impl Hidden {
    /// Hides the columns, features `ranges` of each of a sample's steps, in at most `passes` groups: neighbours, which are
    /// often alike, lie in different ones.
    pub(super) fn new(sample: &[usize], ranges: &[Range<usize>], steps: usize, passes: usize) -> Result<Self> {
        let values: usize = sample.iter().product();
        let width = values / steps.max(1);
        let groups = passes.min(ranges.len()).max(1);
        let pass = |group: usize| {
            let mut hidden = vec![0f32; values];
            for range in ranges.iter().skip(group).step_by(groups) {
                (0..steps).for_each(|step| hidden[range.start + step * width..range.end + step * width].fill(1.0));
            }
            Tensor::from_vec(hidden, sample, &Device::Cpu)
        };
        let passes = (0..groups).map(pass).collect::<candle_core::Result<Vec<_>>>();
        Ok(Self { passes: passes.map_err(narrows_tensor::Error::from)? })
    }

    /// Each feature as the network predicts it when it is hidden.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    pub(super) fn predicted(&self, network: &(impl Autoencoder + ?Sized), x: &Tensor) -> Result<Tensor> {
        let mut predicted: Option<Tensor> = None;
        for hidden in &self.passes {
            let hidden = hidden.broadcast_as(x.shape()).map_err(narrows_tensor::Error::from)?;
            let given = network.predict_hidden(x, &hidden)?.ok_or_else(not_trained_to)?;
            let part = (given * &hidden).map_err(narrows_tensor::Error::from)?;
            predicted = Some(match predicted {
                Some(sum) => (sum + part).map_err(narrows_tensor::Error::from)?,
                None => part,
            });
        }
        Ok(predicted.unwrap_or_else(|| x.clone()))
    }
}

/// Refuses models that predict no hidden columns.
pub(crate) fn check(network: &(impl Autoencoder + ?Sized)) -> Result<()> {
    let dims = [&[1], network.spec().sample.as_slice()].concat();
    let nothing = Tensor::zeros(dims, DType::F32, &Device::Cpu).map_err(narrows_tensor::Error::from)?;
    network.predict_hidden(&nothing, &nothing)?.map(|_| ()).ok_or_else(not_trained_to)
}

fn not_trained_to() -> Error {
    let reason = "hidden: the model does not predict hidden columns; train `--model dae` with \
                  --set \"model.corruption={ noise-or-columns = { level = 1.0, share = 0.7 } }\", or set detect.hidden = 0";
    Error::Detect { reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use narrows_core::{Result, Spec};

    use super::*;

    /// Predicts a hidden value as the sum of what is seen in its step.
    struct Sums(Spec);

    impl Autoencoder for Sums {
        fn spec(&self) -> &Spec {
            &self.0
        }

        fn encode(&self, x: &Tensor) -> Result<Tensor> {
            Ok(x.clone())
        }

        fn decode(&self, z: &Tensor) -> Result<Tensor> {
            Ok(z.clone())
        }

        fn predict_hidden(&self, x: &Tensor, hidden: &Tensor) -> Result<Option<Tensor>> {
            let seen = (x * hidden.affine(-1.0, 1.0)?)?;
            Ok(Some(seen.sum_keepdim(2)?.broadcast_as(x.shape())?.contiguous()?))
        }
    }

    #[test]
    fn every_column_is_predicted_once_from_those_of_other_groups() {
        // Two steps of columns a (features 0, 1), b (feature 2) and c (feature 3).
        let sample = narrows_core::Dims::new([2, 4]);
        let network = Sums(Spec { sample: sample.clone(), code: sample });
        let x = Tensor::new(&[[[1f32, 2.0, 3.0, 7.0], [4.0, 5.0, 6.0, 8.0]]], &Device::Cpu).unwrap();
        let predicted = |passes: usize| -> Vec<f32> {
            let hidden = Hidden::new(&[2, 4], &[0..2, 2..3, 3..4], 2, passes).unwrap();
            hidden.predicted(&network, &x).unwrap().flatten_all().unwrap().to_vec1().unwrap()
        };
        assert_eq!(predicted(9), [10.0, 10.0, 10.0, 6.0, 14.0, 14.0, 17.0, 15.0]);
        // In two passes a and c are hidden together.
        assert_eq!(predicted(2), [3.0, 3.0, 10.0, 3.0, 6.0, 6.0, 17.0, 6.0]);
    }
}
