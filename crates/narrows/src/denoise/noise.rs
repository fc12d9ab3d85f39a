//! Gaussian noise on prepared samples or pixels, to try a model out.

use narrows_data::{Family, Layout};
use narrows_tensor::{Key, random};

/// For each feature of a sample what noise of level 1 is: one deviation of a real feature, 1 for pixels, 0 for flags and
/// categories.
pub(super) fn units(layout: &Layout) -> Vec<f32> {
    let mut units = vec![0.0; layout.row_width()];
    for field in layout.fields.iter().filter(|field| field.family == Family::Gaussian) {
        for feature in field.range.clone() {
            let weight = layout.weights[feature];
            units[feature] = if weight > 0.0 { 1.0 / weight.sqrt() } else { 0.0 };
        }
    }
    units.repeat(layout.steps)
}

/// Adds noise of `level` times the feature's unit to the sample of this number.
pub(super) fn add(sample: &mut [f32], level: f64, units: &[f32], seed: u64, number: usize) {
    let mut noise = vec![0.0; sample.len()];
    random::fill_normal(&Key::new(seed).named("noise").fold(number as u64), &mut noise);
    let units = units.iter().cycle();
    sample.iter_mut().zip(noise).zip(units).for_each(|((value, noise), unit)| *value += level as f32 * unit * noise);
}
