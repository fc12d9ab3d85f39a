//! Quantised codes: each part of the code is replaced by the nearest entry of a codebook (van den Oord, Vinyals &
//! Kavukcuoglu 2017), or by the sum of one entry from each of several codebooks, each taking what the ones before left
//! (Lee et al. 2022).
//!
//! The decoder's gradient passes to the encoder as if nothing had been replaced; `β Σ_d |h - sg(z_d)|²` draws the encoder
//! to its entries, with `z_d` the sum after d codebooks. The codebooks follow the encoder without a gradient.

use candle_core::{D, Tensor};
use narrows_core::{Diagnostic, Loss, Result, StepContext, usage};
use narrows_tensor::{DType, Key, Parameters, Scope};

use super::codebook::{Codebook, perplexity};
use super::{Bottleneck, Coded};

/// Codes of entries of codebooks.
#[derive(Clone, Debug)]
pub struct Quantised {
    code: usize,
    commitment: f64,
    /// One for each depth.
    codebooks: Vec<Codebook>,
}

/// What codebooks make of vectors.
struct Chosen {
    /// The sum of the chosen entries, `[M, width]`.
    sum: Tensor,
    /// What each codebook was given, `[M, width]`, and which entries it chose, `[M]`.
    depths: Vec<(Tensor, Tensor)>,
    /// `Σ_d |h - sg(z_d)|²` of each vector, `[M]`.
    distance: Tensor,
}

impl Quantised {
    /// Codes of `code` values in parts of `width`, which divides it, with `depth` codebooks of `size` entries.
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn new(code: usize, width: usize, size: usize, depth: usize, commitment: f64, scope: &Scope) -> Result<Self> {
        let key = Key::new(0).named("codebook");
        let make = |level: usize| Codebook::new(size, width, &key.fold(level as u64), &scope.enter(level));
        Ok(Self { code, commitment, codebooks: (0..depth).map(make).collect::<Result<_>>()? })
    }

    fn parts(&self, h: &Tensor) -> Result<Tensor> {
        let width = self.codebooks.first().map_or(self.code, Codebook::width);
        Ok(h.reshape(((), width))?)
    }

    fn choose(&self, parts: &Tensor) -> Result<Chosen> {
        let mut sum = parts.zeros_like()?;
        let mut distance: Option<Tensor> = None;
        let mut depths = Vec::with_capacity(self.codebooks.len());
        for codebook in &self.codebooks {
            let left = (parts - &sum)?.detach();
            let nearest = codebook.nearest(&left)?;
            sum = (sum + nearest.entry)?;
            let apart = (parts - &sum)?.sqr()?.sum(D::Minus1)?;
            distance = Some(match distance {
                Some(distance) => (distance + apart)?,
                None => apart,
            });
            depths.push((left, nearest.index));
        }
        let distance = distance.ok_or(narrows_core::Error::EmptyLoss)?;
        Ok(Chosen { sum, depths, distance })
    }
}

impl Bottleneck for Quantised {
    fn hidden(&self) -> usize {
        self.code
    }

    fn code(&self) -> usize {
        self.code
    }

    fn infer(&self, h: &Tensor) -> Result<Tensor> {
        Ok(self.choose(&self.parts(h)?)?.sum.reshape(h.shape())?)
    }

    fn train(&self, h: &Tensor, at: &StepContext) -> Result<Coded> {
        let parts = self.parts(h)?;
        let chosen = self.choose(&parts)?;
        let z = (&parts + (&chosen.sum - &parts)?.detach())?.reshape(h.shape())?;
        let n = h.dim(0)?;
        let commitment = chosen.distance.reshape((n, ()))?.sum(1)?;
        let (mut updates, mut used) = (Vec::new(), 0.0);
        for (depth, (codebook, (left, index))) in self.codebooks.iter().zip(&chosen.depths).enumerate() {
            updates.extend(codebook.updates(left, index, &at.key.fold(depth as u64))?);
            let counts = codebook.counts(index)?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
            used += perplexity(&counts) / self.codebooks.len() as f64;
        }
        let used = Tensor::zeros(n, h.dtype(), h.device())?.affine(0.0, used)?;
        let terms = Loss::default().with("commitment", commitment, self.commitment).with("perplexity", used, 0.0);
        Ok(Coded { z, terms, updates })
    }

    fn start(&self, h: &Tensor, parameters: &Parameters) -> Result<()> {
        let parts = self.parts(h)?;
        let mut left = parts;
        for (depth, codebook) in self.codebooks.iter().enumerate() {
            // Of the vectors that became entries nothing is left: each codebook starts from others.
            codebook.start(&left, depth, parameters)?;
            left = (&left - codebook.nearest(&left)?.entry)?;
        }
        Ok(())
    }

    fn watched(&self) -> bool {
        true
    }

    /// How often each entry of each codebook is chosen: `[depth size]`.
    fn usage(&self, h: &Tensor) -> Result<Option<Tensor>> {
        let chosen = self.choose(&self.parts(h)?)?;
        let counts = self.codebooks.iter().zip(&chosen.depths).map(|(book, (_, index))| book.counts(index));
        Ok(Some(Tensor::cat(&counts.collect::<Result<Vec<_>>>()?, 0)?))
    }

    fn diagnose(&self, used: &[f64]) -> Vec<Diagnostic> {
        let size = used.len() / self.codebooks.len().max(1);
        if size == 0 {
            return Vec::new();
        }
        let mean = |of: fn(&[f64]) -> f64| used.chunks_exact(size).map(of).sum::<f64>() / self.codebooks.len() as f64;
        let (found, choices) = (mean(perplexity), mean(choices));
        let warning = || {
            format!(
                "the codebook is hardly used: samples choose among {found:.0} of {size} entries (perplexity). Use a smaller \
                 codebook, or a longer training; `fsq` has none to waste"
            )
        };
        // No more entries than there were choices could be used.
        let poor = found < usage::POOR * choices.min(size as f64);
        vec![Diagnostic::new("codebook perplexity", found).warn(poor, warning)]
    }

    fn surrogate(&self) -> bool {
        true
    }
}

/// How many choices there were, if the rarest entry was chosen once.
fn choices(counts: &[f64]) -> f64 {
    let rarest = counts.iter().copied().filter(|count| *count > 0.0).fold(f64::INFINITY, f64::min);
    counts.iter().sum::<f64>() / rarest
}

#[cfg(test)]
mod tests {
    use candle_core::{Device, Var};

    use super::*;

    fn bottleneck(depth: usize) -> (Quantised, Scope) {
        let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
        (Quantised::new(4, 2, 8, depth, 0.5, &scope).unwrap(), scope)
    }

    #[test]
    fn gradients_pass_to_the_encoder_as_if_nothing_were_replaced() {
        let (quantised, _scope) = bottleneck(1);
        let h = Var::new(&[[0.3f64, -0.2, 1.0, 0.7]], &Device::Cpu).unwrap();
        let at = StepContext { step: 0, steps: 1, key: Key::new(3) };
        let coded = quantised.train(&h, &at).unwrap();
        let z = coded.z.to_vec2::<f64>().unwrap();
        let inferred = quantised.infer(&h).unwrap().to_vec2::<f64>().unwrap();
        assert!(z[0].iter().zip(&inferred[0]).all(|(z, inferred)| (z - inferred).abs() < 1e-12));
        let slope = (&coded.z * 3.0).unwrap().sum_all().unwrap().backward().unwrap();
        assert_eq!(slope.get(&h).unwrap().to_vec2::<f64>().unwrap(), [[3.0; 4]]);
        // The commitment's gradient draws h to its entries: 2 β (h - z).
        let slope = coded.terms.total().unwrap().backward().unwrap().get(&h).unwrap().to_vec2::<f64>().unwrap();
        let h = h.to_vec2::<f64>().unwrap();
        for at in 0..4 {
            assert!((slope[0][at] - (h[0][at] - inferred[0][at])).abs() < 1e-12);
        }
    }

    #[test]
    fn a_codebook_of_which_little_is_used_is_warned_about() {
        let (quantised, _scope) = bottleneck(1);
        let judge = |counts: [f64; 8]| quantised.diagnose(&counts).remove(0);
        let well = judge([0.25; 8]);
        assert!((well.value - 8.0).abs() < 1e-9 && well.warning.is_none());
        let poor = judge([1.99, 0.01, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(poor.value < 1.1 && poor.warning.unwrap().contains("smaller codebook"));
        // A single sample of two parts cannot choose more.
        assert!(judge([1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]).warning.is_none());
        let rows = narrows_tensor::random::normal(&Key::new(9), (64, 4), DType::F64, &Device::Cpu).unwrap();
        let counted = quantised.usage(&rows).unwrap().unwrap().to_dtype(DType::F64).unwrap();
        assert_eq!(counted.sum_all().unwrap().to_scalar::<f64>().unwrap(), 128.0);
    }

    #[test]
    fn a_further_codebook_takes_what_the_ones_before_left() {
        let rows = narrows_tensor::random::normal(&Key::new(9), (64, 4), DType::F64, &Device::Cpu).unwrap();
        let error = |depth| {
            let (quantised, scope) = bottleneck(depth);
            quantised.start(&rows, &scope.parameters()).unwrap();
            let apart = (quantised.infer(&rows).unwrap() - &rows).unwrap().sqr().unwrap().mean_all().unwrap();
            apart.to_scalar::<f64>().unwrap()
        };
        assert!(error(2) < 0.8 * error(1), "{} and {}", error(2), error(1));
    }
}
