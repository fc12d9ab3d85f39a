//! What a variant is to the catalogue: its configuration, what is known of it, and how it is built.

use std::fmt;

use narrows_core::Trainable;
use narrows_tensor::Scope;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::likelihood::Row;
use crate::{DataSpec, Error, ModelConfig, Result};

/// A family of autoencoders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// The bottleneck is the only limit.
    Vanilla,
    /// Few latents are active at once.
    Sparse,
    /// Trained to undo corruption.
    Denoising,
    /// A distribution over codes.
    Variational,
    /// The code changes little where the input changes little.
    Contractive,
    /// A second network judges codes or reconstructions.
    Adversarial,
    /// Usual samples have codes close to one point.
    OneClass,
}

/// Where a variant was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Paper {
    /// Family names of the authors.
    pub authors: &'static str,
    /// Year of publication.
    pub year: u16,
    /// Title.
    pub title: &'static str,
}

/// What is known of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct About {
    /// Name in configurations and on the command line.
    pub name: &'static str,
    /// Its family.
    pub kind: Kind,
    /// Name in headings.
    pub title: &'static str,
    /// One sentence.
    pub summary: &'static str,
    /// Where it was published.
    pub paper: Paper,
    /// What it computes and minimises, in plain text.
    pub formula: &'static str,
}

/// A variant's configuration. A value is valid in itself; [`Variant::check`] compares it with the data.
pub trait Variant: Clone + Default + PartialEq + fmt::Debug + Serialize + DeserializeOwned + JsonSchema {
    /// What is known of it.
    const ABOUT: About;

    /// The number of values in a code.
    fn code(&self) -> usize;

    /// Sets the number of values in a code.
    ///
    /// # Errors
    /// The number cannot work.
    fn set_code(&mut self, code: usize) -> Result<()>;

    /// The number of values in a code where nobody asks for one.
    fn default_code(&self, data: &DataSpec) -> usize {
        data.default_code()
    }

    /// Whether it looks at a condition beside each sample, such as a label.
    const CONDITIONAL: bool = false;

    /// Whether weights learnt at one size of pictures or windows work at every other: no parameter depends on it.
    fn any_size(&self) -> bool {
        false
    }

    /// Whether it can work on this data, before anything is built.
    ///
    /// # Errors
    /// An option does not fit; the error names it and a way out.
    fn check(&self, data: &DataSpec) -> Result<()>;

    /// The model, with parameters made in `scope`.
    ///
    /// # Errors
    /// An option does not fit the data, or the scope is in use.
    fn build(&self, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>>;
}

/// [`Variant::code`] and [`Variant::set_code`] of a variant whose option `code` is the size of its codes.
macro_rules! code_size {
    () => {
        fn code(&self) -> usize {
            *self.code.get()
        }

        fn set_code(&mut self, code: usize) -> $crate::Result<()> {
            self.code = $crate::config::CodeSize::new(code)?;
            Ok(())
        }
    };
}
pub(crate) use code_size;

/// One option of a variant, as its schema describes it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OptionDoc {
    /// Name in configurations.
    pub name: String,
    /// Type in words, such as `integer from 1 on` or `one of relu, silu`.
    pub kind: String,
    /// What it does.
    pub meaning: String,
    /// The value where nothing is given, as TOML; empty where it is chosen from the data.
    pub default: String,
}

/// Checks `config` against the data and builds the model, with parameters made in `scope`.
///
/// # Errors
/// An option does not fit the data; the error names it and a way out.
pub fn build(config: &ModelConfig, data: &DataSpec, scope: &Scope) -> Result<Box<dyn Trainable>> {
    config.check(data)?;
    // Others do not look at conditions.
    let data = DataSpec { condition: data.condition.filter(|_| config.conditional()), ..data.clone() };
    config.build(&data, scope)
}

/// The data must describe itself consistently.
pub(crate) fn check_likelihood(data: &DataSpec) -> Result<()> {
    let features = data.features();
    if !data.likelihood.fits(features) {
        return Err(Error::Likelihood {
            part: "heads",
            found: format!("describe rows of {} features", data.likelihood.row().map_or(0, Row::width)),
            expected: format!("rows of which samples of {features} values consist"),
        });
    }
    Ok(())
}

/// Checks of variants whose bottleneck is their only limit: the data describes itself consistently, and the code is no
/// larger than the sample.
pub(crate) fn check_sizes(model: &'static str, code: usize, data: &DataSpec) -> Result<()> {
    check_likelihood(data)?;
    let features = data.features();
    if code > features {
        return Err(Error::Misfit {
            model,
            option: "code",
            value: code.to_string(),
            reason: format!("a sample has only {features} values, so nothing would be learnt"),
            remedy: format!("choose a code of at most {}", features.saturating_sub(1).max(1)),
        });
    }
    Ok(())
}
