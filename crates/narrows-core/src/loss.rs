//! A loss as named, weighted, per-sample terms: `L = mean over n of sum over terms of weight * term[n]`.

use std::borrow::Cow;

use candle_core::{DType, Tensor};

use crate::{Error, Result};

/// One summand of a loss.
#[derive(Clone, Debug)]
pub struct Term {
    /// Name in logs and reports, such as `reconstruction` or `kl`.
    pub name: Cow<'static, str>,
    /// Value for each sample, `[N]`, summed over the sample's elements unless the model says otherwise.
    pub value: Tensor,
    /// Factor in the total; 0 for terms that are only watched.
    pub weight: f64,
}

/// The terms of a loss, per sample until [`Loss::total`].
#[derive(Clone, Debug, Default)]
pub struct Loss {
    terms: Vec<Term>,
}

impl Loss {
    /// A loss with one term of weight 1.
    ///
    /// # Shapes
    /// - `value`: `[N]`
    pub fn of(name: impl Into<Cow<'static, str>>, value: Tensor) -> Self {
        Self::default().with(name, value, 1.0)
    }

    /// Adds a term.
    ///
    /// # Shapes
    /// - `value`: `[N]`
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: Tensor, weight: f64) -> Self {
        self.terms.push(Term { name: name.into(), value, weight });
        self
    }

    /// The terms in the order in which they were added.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The weighted sum for each sample.
    ///
    /// # Shapes
    /// - returns: `[N]`
    ///
    /// # Errors
    /// There are no terms, or their shapes differ.
    pub fn per_sample(&self) -> Result<Tensor> {
        let mut sum: Option<Tensor> = None;
        for term in self.terms.iter().filter(|term| term.weight != 0.0) {
            let value = if term.weight == 1.0 { term.value.clone() } else { (&term.value * term.weight)? };
            sum = Some(match sum {
                Some(sum) => (sum + value)?,
                None => value,
            });
        }
        sum.ok_or(Error::EmptyLoss)
    }

    /// The mean over the samples: the one place that averages.
    ///
    /// # Shapes
    /// - returns: `[]`
    ///
    /// # Errors
    /// There are no terms, or their shapes differ.
    pub fn total(&self) -> Result<Tensor> {
        Ok(self.per_sample()?.mean_all()?)
    }

    /// The mean of each term over the samples, unweighted, by name.
    ///
    /// # Errors
    /// Candle cannot read a value.
    pub fn means(&self) -> Result<Vec<(String, f64)>> {
        let mean = |term: &Term| term.value.to_dtype(DType::F64)?.mean_all()?.to_scalar::<f64>();
        self.terms.iter().map(|term| Ok((term.name.to_string(), mean(term)?))).collect()
    }
}
