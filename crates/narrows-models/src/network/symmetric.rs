//! The symmetric pair of multilayer perceptrons that most variants share: an encoder, its mirror, and a linear path.

use narrows_core::Dims;
use narrows_tensor::Scope;

use super::mlp::Hidden;
use super::{LinearPath, Mlp, Network, Told};
use crate::bottleneck::Bottleneck;
use crate::composed::Networks;
use crate::config::Widths;
use crate::scaling::Scaling;
use crate::{DataSpec, Result};

/// The encoder's hidden widths where none are given: they halve from the number of features rounded up to a power of two
/// (64 to 1024, not below the code): up to three layers, none narrower than twice the code but the first.
pub fn default_widths(features: usize, code: usize) -> Vec<usize> {
    let first = features.next_power_of_two().clamp(64, 1024).max(code);
    let halves = [first, first / 2, first / 4];
    let narrower = halves.into_iter().enumerate().filter(|&(index, width)| index == 0 || width >= 2 * code);
    narrower.map(|(_, width)| width).collect()
}

/// Perceptrons from the sample over `widths` to the bottleneck and back; beside them a linear path if the layers say so.
/// The features of a condition are further inputs of all, behind those of the sample or the code.
///
/// # Errors
/// The scope has parameters of these names already.
pub fn symmetric<B: Bottleneck>(
    data: &DataSpec,
    widths: Option<&Widths>,
    layers: Hidden,
    bottleneck: B,
    scope: &Scope,
) -> Result<Networks<B>> {
    let inputs = data.features() + data.condition.unwrap_or(0);
    around(data, widths, layers, bottleneck, scope, inputs, |encoder| Box::new(encoder))
}

/// The same perceptrons without a linear path, the encoder being told which features are hidden from it.
///
/// # Errors
/// The scope has parameters of these names already.
pub fn symmetric_told<B: Bottleneck>(
    data: &DataSpec,
    widths: Option<&Widths>,
    layers: Hidden,
    bottleneck: B,
    scope: &Scope,
) -> Result<Networks<B>> {
    let (layers, features) = (Hidden { beside_path: false, ..layers }, data.features());
    around(data, widths, layers, bottleneck, scope, 2 * features, |encoder| Box::new(Told::new(encoder, features)))
}

/// An encoder of so many inputs, as `dressed` makes it a network, with bottleneck, mirrored decoder and linear path.
fn around<B: Bottleneck>(
    data: &DataSpec,
    widths: Option<&Widths>,
    layers: Hidden,
    bottleneck: B,
    scope: &Scope,
    inputs: usize,
    dressed: impl FnOnce(Mlp) -> Box<dyn Network>,
) -> Result<Networks<B>> {
    let (sample, code, hidden) = (&data.sample, bottleneck.code(), bottleneck.hidden());
    let widths = widths.map_or_else(|| default_widths(data.features(), code), |widths| widths.get().clone());
    let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
    let condition = data.condition.unwrap_or(0);
    let path = || LinearPath::new(sample, hidden, code, condition, &scope.enter("path"));
    let path = layers.beside_path.then(path).transpose()?;
    let (input, coded) = (Dims::new([inputs]), Dims::new([code + condition]));
    let inner = Mlp::new(&input, &widths, &Dims::new([hidden]), layers, &scope.enter("encoder"))?;
    let outer = Mlp::new(&coded, &mirrored, sample, layers, &scope.enter("decoder"))?;
    Ok(Networks {
        encoder: Some(dressed(inner)),
        bottleneck,
        decoder: Some(Box::new(outer)),
        path,
        scaling: Scaling::new(sample, &scope.enter("scaling"))?.bounded(data.bounded()),
        likelihood: data.likelihood.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn widths_follow_from_features_and_code() {
        assert_eq!(default_widths(784, 30), [1024, 512, 256]);
        assert_eq!(default_widths(8, 2), [64, 32, 16]);
        assert_eq!(default_widths(384, 100), [512, 256]);
        assert_eq!(default_widths(2000, 1500), [1500]);
    }
}
