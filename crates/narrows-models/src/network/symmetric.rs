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
    let widths =
        widths.map_or_else(|| default_widths(data.features(), bottleneck.code()), |widths| widths.get().clone());
    let input = Dims::new([data.features() + data.condition.unwrap_or(0)]);
    let encoder = Mlp::new(&input, &widths, &Dims::new([bottleneck.hidden()]), layers, &scope.enter("encoder"))?;
    around(data, &widths, layers, bottleneck, Box::new(encoder), scope)
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
    let layers = Hidden { beside_path: false, ..layers };
    let widths =
        widths.map_or_else(|| default_widths(data.features(), bottleneck.code()), |widths| widths.get().clone());
    let (input, output) = (Dims::new([2 * data.features()]), Dims::new([bottleneck.hidden()]));
    let encoder = Mlp::new(&input, &widths, &output, layers, &scope.enter("encoder"))?;
    around(data, &widths, layers, bottleneck, Box::new(Told::new(encoder, data.features())), scope)
}

/// What stands around an encoder: bottleneck, mirrored decoder, linear path.
fn around<B: Bottleneck>(
    data: &DataSpec,
    widths: &[usize],
    layers: Hidden,
    bottleneck: B,
    encoder: Box<dyn Network>,
    scope: &Scope,
) -> Result<Networks<B>> {
    let (sample, code, hidden) = (&data.sample, bottleneck.code(), bottleneck.hidden());
    let mirrored: Vec<usize> = widths.iter().rev().copied().collect();
    let condition = data.condition.unwrap_or(0);
    let path = || LinearPath::new(sample, hidden, code, condition, &scope.enter("path"));
    let path = layers.beside_path.then(path).transpose()?;
    let coded = Dims::new([code + condition]);
    let outer = Mlp::new(&coded, &mirrored, sample, layers, &scope.enter("decoder"))?;
    Ok(Networks {
        encoder: Some(encoder),
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
