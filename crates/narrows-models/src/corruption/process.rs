//! A corruption at work on batches: the scaled, corrupted input that a network sees.

use candle_core::{DType, Device, Tensor};
use narrows_core::Result;
use narrows_tensor::{Key, random};

use super::{Corruption, poisson};
use crate::likelihood::Head;
use crate::network::with_flags;
use crate::scaling::Scaling;
use crate::{DataSpec, Family};

/// Where salt and pepper lie, in deviations from the mean.
const EXTREME: f64 = 2.0;

/// A corruption, and what it must know of the data.
#[derive(Clone, Debug, PartialEq)]
pub struct Process {
    corruption: Corruption,
    /// Whether values are pixels: levels are in their range, and blanks are black.
    pixels: bool,
    /// For each feature of a row the column that it belongs to.
    columns: Vec<u32>,
}

impl Process {
    /// A corruption of samples of this data; without data, levels are in units of the deviation.
    pub(super) fn new(corruption: Corruption, data: Option<&DataSpec>) -> Self {
        let pixels = data.is_some_and(|data| data.unit_interval);
        Self { corruption, pixels, columns: data.map(columns).unwrap_or_default() }
    }

    /// The kind of corruption.
    pub fn corruption(&self) -> &Corruption {
        &self.corruption
    }

    /// Corrupted samples, scaled as networks see them.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`; where the network is told what is hidden, `[N, 2 features]` ([`with_flags`])
    ///
    /// # Errors
    /// Candle cannot compute it.
    pub fn apply(&self, x: &Tensor, scaling: &Scaling, key: &Key) -> Result<Tensor> {
        let u = scaling.input(x)?;
        let normal = || random::normal(&key.named("normal"), u.shape(), u.dtype(), u.device());
        let uniform = |label: &str| random::uniform(&key.named(label), u.shape(), u.dtype(), u.device());
        match &self.corruption {
            Corruption::Gaussian { level } => Ok((&u + self.levels(&(normal()? * *level.get())?, scaling)?)?),
            Corruption::RandomGaussian { level } => self.random_noise(&u, *level.get(), scaling, key),
            Corruption::Masking { share } => self.blanked(&u, &uniform("place")?.ge(*share.get())?, scaling),
            Corruption::SaltAndPepper { share } => {
                let kept = uniform("place")?.ge(*share.get())?;
                let coin = uniform("coin")?.ge(0.5)?.to_dtype(u.dtype())?;
                let extreme = match self.pixels {
                    true => scaling.input(&coin)?,
                    false => coin.affine(2.0 * EXTREME, -EXTREME)?,
                };
                Ok(kept.where_cond(&u, &extreme)?)
            }
            Corruption::Poisson { photons } => {
                let draws = uniform("count")?.to_dtype(DType::F64)?.flatten_all()?.to_vec1::<f64>()?;
                let means = (x.to_dtype(DType::F64)?.flatten_all()? * *photons.get())?.to_vec1::<f64>()?;
                let count = |(draw, mean): (f64, f64)| poisson::count(draw, mean) / *photons.get();
                let counts: Vec<f64> = draws.into_iter().zip(means).map(count).collect();
                scaling.input(&Tensor::from_vec(counts, x.shape(), &Device::Cpu)?.to_dtype(x.dtype())?)
            }
            Corruption::Columns { share } => {
                let kept = self.draws_of_columns(&u, key)?.ge(*share.get())?.broadcast_as(u.shape())?;
                self.blanked(&u, &kept, scaling)
            }
            Corruption::NoiseOrColumns { level, share } => {
                let dims = one_each(&u)?;
                let each = |label: &str| random::uniform(&key.named(label), dims.as_slice(), u.dtype(), u.device());
                // Tails of the coin: nothing is hidden, and there is noise.
                let heads = each("coin")?.ge(0.5)?.to_dtype(u.dtype())?;
                let shares = each("share")?.broadcast_mul(&(&heads * *share.get())?)?;
                let hidden = self.draws_of_columns(&u, key)?.broadcast_lt(&shares)?.broadcast_as(u.shape())?;
                let noisy = self.random_noise(&u, *level.get(), scaling, key)?;
                let seen = heads.gt(0.0)?.broadcast_as(u.shape())?.where_cond(&u, &noisy)?;
                with_flags(&seen, &hidden)
            }
            Corruption::Span { share } => {
                let places = random::uniform(&key.named("place"), (u.dim(0)?, 4), DType::F64, u.device())?.to_vec2()?;
                let kept = outside(u.dims(), &places, *share.get());
                self.blanked(&u, &Tensor::from_vec(kept, u.shape(), u.device())?, scaling)
            }
        }
    }

    /// With Gaussian noise of a level drawn for each sample up to `level`.
    fn random_noise(&self, u: &Tensor, level: f64, scaling: &Scaling, key: &Key) -> Result<Tensor> {
        let levels = random::uniform(&key.named("level"), one_each(u)?, u.dtype(), u.device())?;
        let normal = random::normal(&key.named("normal"), u.shape(), u.dtype(), u.device())?;
        let noise = normal.broadcast_mul(&(levels * level)?)?;
        Ok((u + self.levels(&noise, scaling)?)?)
    }

    /// `[N, 1, .., features]`: a number from 0 to 1 for each column of each sample, the same for all of its features.
    fn draws_of_columns(&self, u: &Tensor, key: &Key) -> Result<Tensor> {
        let count = self.columns.last().map_or(0, |last| *last as usize + 1);
        let mut dims = one_each(u)?;
        let last = dims.len() - 1;
        dims[last] = count;
        let draws = random::uniform(&key.named("place"), dims, u.dtype(), u.device())?;
        Ok(draws.index_select(&Tensor::new(self.columns.as_slice(), u.device())?, last)?)
    }

    /// Noise in the units of scaled samples.
    fn levels(&self, noise: &Tensor, scaling: &Scaling) -> Result<Tensor> {
        if self.pixels { scaling.difference(noise) } else { Ok(noise.clone()) }
    }

    /// The values where `kept` is set, elsewhere the mean, for pixels black.
    fn blanked(&self, u: &Tensor, kept: &Tensor, scaling: &Scaling) -> Result<Tensor> {
        let blank = u.zeros_like()?;
        Ok(kept.where_cond(u, &if self.pixels { scaling.input(&blank)? } else { blank })?)
    }
}

/// For each feature of a row the column that it belongs to: the levels of a category are one, every other feature its own.
fn columns(data: &DataSpec) -> Vec<u32> {
    let width = data.sample.as_slice().last().copied().unwrap_or(0);
    let every = |range: std::ops::Range<usize>| Head { range, family: Family::Gaussian };
    let heads = data.likelihood.row().map_or_else(|| vec![every(0..width)], |row| row.heads().to_vec());
    let mut columns: Vec<u32> = Vec::with_capacity(width);
    for head in heads {
        let first = columns.last().map_or(0, |last| last + 1);
        let alone = u32::from(head.family != Family::Categorical);
        columns.extend((0..head.range.len() as u32).map(|at| first + at * alone));
    }
    columns
}

/// `[N, 1, ..]`: one value for each sample.
fn one_each(u: &Tensor) -> Result<Vec<usize>> {
    let mut dims = vec![1; u.rank()];
    dims[0] = u.dim(0)?;
    Ok(dims)
}

/// For each value 1 where it lies outside its sample's span. A span's length along an axis is drawn up to `share` of the
/// axis, at least one place; of a window it is a run of steps, of a picture a rectangle.
fn outside(dims: &[usize], draws: &[Vec<f64>], share: f64) -> Vec<u8> {
    let (height, width, channels) = match *dims {
        [_, height, width, channels] => (height, width, channels),
        [_, time, channels] => (time, 1, channels),
        _ => (1, 1, dims.iter().skip(1).product()),
    };
    let span = |length: usize, size: f64, place: f64| {
        let longest = (share * length as f64).round().max(1.0);
        let size = ((size * longest) as usize + 1).min(length);
        let start = ((place * (length - size + 1) as f64) as usize).min(length - size);
        start..start + size
    };
    let mut kept = Vec::with_capacity(dims.iter().product());
    for draw in draws {
        let (rows, columns) = (span(height, draw[0], draw[1]), span(width, draw[2], draw[3]));
        for row in 0..height {
            for column in 0..width {
                let inside = rows.contains(&row) && columns.contains(&column);
                kept.extend(std::iter::repeat_n(u8::from(!inside), channels));
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use narrows_core::Dims;
    use narrows_tensor::Scope;

    use super::*;
    use crate::config::{Noise, Photons, Share};
    use crate::{Head, Likelihood};

    fn scaling(sample: &Dims) -> Scaling {
        Scaling::new(sample, &Scope::root(Key::new(0), DType::F64, &Device::Cpu)).unwrap()
    }

    fn apply(corruption: &Corruption, data: &DataSpec, x: &Tensor) -> Vec<Vec<f64>> {
        corruption.check("dae", data).unwrap();
        let corrupted = corruption.on(data).apply(x, &scaling(&data.sample), &Key::new(3)).unwrap();
        corrupted.flatten_from(1).unwrap().to_vec2().unwrap()
    }

    fn corrupted(corruption: &Corruption, pixels: bool) -> Vec<f64> {
        let data = DataSpec { unit_interval: pixels, ..DataSpec::gaussian(Dims::new([50])) };
        let x = Tensor::ones((200, 50), DType::F64, &Device::Cpu).unwrap();
        apply(corruption, &data, &(x * if pixels { 0.25 } else { 1.0 }).unwrap()).concat()
    }

    fn share(share: f64) -> Share {
        Share::new(share).unwrap()
    }

    fn deviation(values: &[f64]) -> f64 {
        (values.iter().map(|value| (value - 1.0).powi(2)).sum::<f64>() / values.len() as f64).sqrt()
    }

    #[test]
    fn noise_has_its_level() {
        let level = Noise::new(0.6).unwrap();
        assert!((deviation(&corrupted(&Corruption::Gaussian { level: level.clone() }, false)) - 0.6).abs() < 0.02);
        // The mean square of a uniform level is a third of the largest.
        let random = deviation(&corrupted(&Corruption::RandomGaussian { level }, false));
        assert!((random - 0.6 / 3f64.sqrt()).abs() < 0.03, "{random}");
    }

    #[test]
    fn levels_are_deviations_of_the_data_and_the_range_of_pixels() {
        let sample = Dims::new([400]);
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        let scaling = Scaling::new(&sample, &scope).unwrap();
        // Values 0 and 0.2: a deviation of 0.1, which networks see as 1.
        let x = Tensor::arange(0u32, 800, &Device::Cpu).unwrap().to_dtype(DType::F64).unwrap();
        let x = x.affine(1.0 / 400.0, 0.0).unwrap().floor().unwrap().affine(0.2, 0.0).unwrap();
        let x = x.reshape((2, 400)).unwrap();
        scaling.fit(&x, &Likelihood::gaussian(), false, &scope.parameters()).unwrap();
        let noise = Corruption::Gaussian { level: Noise::new(0.3).unwrap() };
        for (pixels, expected) in [(false, 0.3), (true, 3.0)] {
            let data = DataSpec { unit_interval: pixels, ..DataSpec::gaussian(sample.clone()) };
            let noisy = noise.on(&data).apply(&x, &scaling, &Key::new(3)).unwrap();
            let added = (noisy - scaling.input(&x).unwrap()).unwrap().sqr().unwrap().mean_all().unwrap();
            let level = added.to_scalar::<f64>().unwrap().sqrt();
            assert!((level / expected - 1.0).abs() < 0.1, "{level} for {expected}");
        }
    }

    #[test]
    fn masks_and_specks_hit_their_share_and_nothing_else() {
        for (pixels, clean, extremes) in [(false, 1.0, [-2.0, 2.0]), (true, 0.25, [0.0, 1.0])] {
            let masked = corrupted(&Corruption::Masking { share: share(0.3) }, pixels);
            let zeros = masked.iter().filter(|value| **value == 0.0).count();
            assert!(zeros.abs_diff(3_000) < 200 && masked.iter().all(|v| [0.0, clean].contains(v)), "{zeros}");
            let specked = corrupted(&Corruption::SaltAndPepper { share: share(0.3) }, pixels);
            let count = |of: f64| specked.iter().filter(|value| **value == of).count();
            assert!(extremes.iter().all(|of| count(*of).abs_diff(1_500) < 150) && count(clean) > 6_800);
        }
    }

    #[test]
    fn shot_noise_has_the_variance_of_its_mean() {
        let noisy = corrupted(&Corruption::Poisson { photons: Photons::new(40.0).unwrap() }, true);
        let mean = noisy.iter().sum::<f64>() / noisy.len() as f64;
        let variance = noisy.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / noisy.len() as f64;
        // 0.25 of 40 photons: a mean and a variance of 10 photons.
        assert!((mean - 0.25).abs() < 0.003 && (1600.0 * variance - 10.0).abs() < 0.6, "{mean} {variance}");
        assert!(noisy.iter().all(|value| (value * 40.0).fract().abs() < 1e-9));
    }

    #[test]
    fn columns_are_blanked_as_a_whole_and_categories_as_one() {
        let head = |range, family| Head { range, family };
        let heads = vec![head(0..2, Family::Gaussian), head(2..5, Family::Categorical), head(5..6, Family::Bernoulli)];
        let likelihood = Likelihood::mixed(heads, vec![1.0; 6]).unwrap();
        let rows = DataSpec { likelihood: likelihood.clone(), ..DataSpec::gaussian(Dims::new([6])) };
        let windows = DataSpec { likelihood, ..DataSpec::gaussian(Dims::new([7, 6])) };
        let blank = Corruption::Columns { share: share(0.4) };
        let x = Tensor::ones((500, 6), DType::F64, &Device::Cpu).unwrap();
        let blanked = apply(&blank, &rows, &x);
        assert!(blanked.iter().all(|row| row[2] == row[3] && row[3] == row[4]));
        assert!(blanked.iter().any(|row| row[0] != row[1]) && blanked.iter().any(|row| row[4] != row[5]));
        let zeros = blanked.iter().filter(|row| row[0] == 0.0).count();
        assert!(zeros.abs_diff(200) < 50, "{zeros}");
        let windowed = apply(&blank, &windows, &Tensor::ones((20, 7, 6), DType::F64, &Device::Cpu).unwrap());
        assert!(windowed.iter().all(|window| window.chunks(6).all(|row| row == &window[..6])));
    }

    #[test]
    fn a_coin_decides_between_noise_and_hidden_columns() {
        let data = DataSpec::gaussian(Dims::new([40]));
        let both = Corruption::NoiseOrColumns { level: Noise::new(0.5).unwrap(), share: share(0.8) };
        let x = Tensor::ones((1_000, 40), DType::F64, &Device::Cpu).unwrap();
        let rows = apply(&both, &data, &x);
        let agree = |row: &[f64]| (0..40).all(|at| (row[at] == 0.0) == (row[40 + at] == 1.0));
        assert!(rows.iter().all(|row| row.len() == 80 && agree(row)));
        let hidden = |row: &[f64]| row[40..].iter().filter(|flag| **flag == 1.0).count();
        let plain = |row: &&Vec<f64>| row[..40].iter().all(|value| [0.0, 1.0].contains(value));
        let (blanked, noisy): (Vec<_>, Vec<_>) = rows.iter().partition(plain);
        assert!(blanked.len().abs_diff(500) < 60 && noisy.len() > 440, "{}", blanked.len());
        let mean = blanked.iter().map(|row| hidden(row)).sum::<usize>() as f64 / blanked.len() as f64;
        // A mean share of 0.4 of 40 columns; no sample loses many more than 0.8 of them.
        assert!((mean - 16.0).abs() < 1.0 && blanked.iter().any(|row| hidden(row) > 28), "{mean}");
        let level = deviation(&noisy.iter().flat_map(|row| &row[..40]).copied().collect::<Vec<_>>());
        assert!((level - 0.5 / 3f64.sqrt()).abs() < 0.03, "{level}");
    }

    #[test]
    fn a_span_is_one_run_of_steps_or_one_rectangle() {
        let blank = Corruption::Span { share: share(0.5) };
        let windows = DataSpec::gaussian(Dims::new([8, 3]));
        let mut lengths = std::collections::BTreeSet::new();
        for window in apply(&blank, &windows, &Tensor::ones((300, 8, 3), DType::F64, &Device::Cpu).unwrap()) {
            let steps: Vec<bool> = window.chunks(3).map(|step| step == [0.0; 3]).collect();
            let changes = steps.windows(2).filter(|pair| pair[0] != pair[1]).count();
            lengths.insert(steps.iter().filter(|blank| **blank).count());
            assert!(changes <= 2 && window.chunks(3).all(|step| step[0] == step[1] && step[1] == step[2]));
        }
        assert_eq!(lengths.into_iter().collect::<Vec<_>>(), [1, 2, 3, 4]);
        let picture = DataSpec::gaussian(Dims::new([6, 10, 1]));
        for values in apply(&blank, &picture, &Tensor::ones((100, 6, 10, 1), DType::F64, &Device::Cpu).unwrap()) {
            let blank: Vec<(usize, usize)> =
                (0..60).filter(|at| values[*at] == 0.0).map(|at| (at / 10, at % 10)).collect();
            let extent = |of: fn(&(usize, usize)) -> usize| {
                let (low, high) = (blank.iter().map(of).min().unwrap(), blank.iter().map(of).max().unwrap());
                high - low + 1
            };
            let (height, width) = (extent(|place| place.0), extent(|place| place.1));
            assert!(height <= 3 && width <= 5 && blank.len() == height * width);
        }
    }

    #[test]
    fn what_data_cannot_have_is_refused_with_a_way_out() {
        let (rows, picture) = (DataSpec::gaussian(Dims::new([6])), DataSpec::gaussian(Dims::new([6, 6, 1])));
        let cases = [
            (Corruption::Poisson { photons: Photons::new(9.0).unwrap() }, &rows, "use gaussian"),
            (Corruption::Span { share: share(0.2) }, &rows, "use columns"),
            (Corruption::Columns { share: share(0.2) }, &picture, "use span"),
        ];
        for (corruption, data, remedy) in cases {
            let message = corruption.check("dae", data).unwrap_err().to_string();
            assert!(message.contains(&format!("corruption = {}", corruption.name())) && message.contains(remedy));
        }
    }
}
