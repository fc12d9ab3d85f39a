//! What the variational variants have in common: their shared options, checked against the data, and the parts built.

use narrows_core::Trainable;
use narrows_tensor::{Activation, Scope};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Bound, ConditionalPrior, Density, Inference, Objective, Parts, Prior, Variational};
use crate::bottleneck::Gaussian;
use crate::config::Widths;
use crate::network::mlp::Hidden;
use crate::network::symmetric::{self, default_widths};
use crate::variant::check_sizes;
use crate::{DataSpec, Error, Likelihood, Reals, Result};

/// How real features are described.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
#[allow(missing_docs, reason = "comments would turn the schema's list of names into one schema for each name")]
pub enum LikelihoodChoice {
    #[default]
    Auto,
    Gaussian,
    GaussianPerElement,
    Laplace,
    Bernoulli,
    Poisson,
    NegativeBinomial,
}

impl LikelihoodChoice {
    /// What real features must be, and be left as, for this choice.
    pub fn reals(self) -> Reals {
        match self {
            Self::Auto | Self::Gaussian | Self::GaussianPerElement | Self::Laplace => Reals::Any,
            Self::Bernoulli => Reals::UnitInterval,
            Self::Poisson | Self::NegativeBinomial => Reals::Counts,
        }
    }

    /// Its name in configurations.
    fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Gaussian => "gaussian",
            Self::GaussianPerElement => "gaussian-per-element",
            Self::Laplace => "laplace",
            Self::Bernoulli => "bernoulli",
            Self::Poisson => "poisson",
            Self::NegativeBinomial => "negative-binomial",
        }
    }
}

/// The shared options of a variational variant.
#[derive(Clone, Debug)]
pub struct Design {
    /// The variant's name, for errors.
    pub model: &'static str,
    /// Values in a code.
    pub code: usize,
    /// Hidden widths of the encoder; from the data where absent.
    pub widths: Option<Widths>,
    /// Non-linearity of hidden layers.
    pub activation: Activation,
    /// Whether a linear path runs beside the networks.
    pub skip: bool,
    /// How real features are described.
    pub likelihood: LikelihoodChoice,
    /// Whether every step draws black and white samples from the intensities.
    pub binarise: bool,
    /// Fixed deviation of real features; learned where absent.
    pub deviation: Option<f64>,
    /// Whether encoder and decoder see the condition of a sample.
    pub conditional: bool,
}

impl Design {
    /// Whether the options agree with each other and with the data.
    ///
    /// # Errors
    /// They do not; the error names one and a way out.
    pub fn check(&self, data: &DataSpec) -> Result<()> {
        check_sizes(self.model, self.code, data)?;
        if self.conditional && data.condition.is_none() {
            return Err(Error::NoCondition { model: self.model });
        }
        let refuse = |option, value: &str, reason: &str, remedy: &str| {
            let [value, reason, remedy] = [value, reason, remedy].map(str::to_owned);
            Err(Error::Misfit { model: self.model, option, value, reason, remedy })
        };
        let unit = data.unit_interval || data.likelihood == Likelihood::Bernoulli || data.reals == Reals::UnitInterval;
        let binary = matches!(self.likelihood, LikelihoodChoice::Auto | LikelihoodChoice::Bernoulli);
        if self.binarise && !binary {
            let reason = "black and white samples are no draws from it";
            let remedy = "choose likelihood = \"bernoulli\" or binarise = false";
            return refuse("likelihood", self.likelihood.name(), reason, remedy);
        }
        if self.likelihood == LikelihoodChoice::Bernoulli && !unit {
            let remedy = "use likelihood = \"auto\", or data with values in 0..=1 such as pictures";
            return refuse("likelihood", "bernoulli", "its values are not all in 0..=1", remedy);
        }
        if self.likelihood.reals() == Reals::Counts && data.reals != Reals::Counts {
            let remedy = "use likelihood = \"auto\", or data whose numbers are whole and from 0 on";
            return refuse("likelihood", self.likelihood.name(), "its numbers are no counts", remedy);
        }
        if self.binarise && !unit {
            let remedy = "set binarise = false, or use data with values in 0..=1 such as pictures";
            return refuse("binarise", "true", "its values are not all in 0..=1", remedy);
        }
        let fixed = matches!(self.density(), Density::Normal(_) | Density::Laplace(_));
        match self.deviation {
            Some(deviation) if self.data(data).likelihood == Likelihood::Bernoulli || !fixed => {
                let remedy = "leave deviation out, or choose likelihood = \"gaussian\" or \"laplace\"";
                let reason =
                    if fixed { "Bernoulli features have no deviation" } else { "this likelihood learns its own" };
                refuse("deviation", &deviation.to_string(), reason, remedy)
            }
            _ => Ok(()),
        }
    }

    /// How real features spread around the decoder's mean.
    fn density(&self) -> Density {
        match self.likelihood {
            LikelihoodChoice::Auto | LikelihoodChoice::Gaussian | LikelihoodChoice::Bernoulli => {
                Density::Normal(self.deviation)
            }
            LikelihoodChoice::GaussianPerElement => Density::NormalPerElement,
            LikelihoodChoice::Laplace => Density::Laplace(self.deviation),
            LikelihoodChoice::Poisson => Density::Poisson,
            LikelihoodChoice::NegativeBinomial => Density::NegativeBinomial,
        }
    }

    /// The data as the chosen likelihood describes them.
    fn data(&self, data: &DataSpec) -> DataSpec {
        let probabilities = match self.likelihood {
            LikelihoodChoice::Auto => self.binarise,
            choice => choice == LikelihoodChoice::Bernoulli,
        };
        let likelihood = match (self.likelihood, &data.likelihood) {
            (_, Likelihood::Mixed(row)) if probabilities => Likelihood::Mixed(row.with_probabilities()),
            _ if probabilities => Likelihood::Bernoulli,
            (LikelihoodChoice::Auto, described) | (_, described @ Likelihood::Mixed(_)) => described.clone(),
            _ => Likelihood::Gaussian,
        };
        DataSpec { likelihood, ..data.clone() }
    }

    /// Networks, likelihood and a standard normal prior.
    ///
    /// # Errors
    /// The scope is in use.
    pub fn parts(&self, data: &DataSpec, scope: &Scope) -> Result<Parts> {
        let data = self.data(data);
        let layers = Hidden { activation: self.activation, dropout: 0.0, beside_path: self.skip };
        let mut networks =
            symmetric::symmetric(&data, self.widths.as_ref(), layers, Gaussian { code: self.code }, scope)?;
        let condition = data.condition.unwrap_or(0);
        if matches!(self.density(), Density::Poisson | Density::NegativeBinomial) {
            networks.scaling = networks.scaling.positive(&data.likelihood)?;
        }
        let widths = self
            .widths
            .as_ref()
            .map_or_else(|| default_widths(data.features(), self.code), |widths| widths.get().clone());
        let hidden = widths.last().copied().unwrap_or(self.code);
        let bound = Bound::new(self.density(), &data, self.code + condition, hidden, &scope.enter("likelihood"))?;
        let conditional = (condition > 0).then(|| ConditionalPrior::new(self.code, condition, &scope.enter("prior")));
        Ok(Parts {
            networks,
            bound,
            prior: Prior::StandardNormal,
            inference: Inference::Normal,
            condition,
            conditional: conditional.transpose()?,
        })
    }

    /// The model under `objective`.
    ///
    /// # Errors
    /// The scope is in use.
    pub fn build<O: Objective + 'static>(
        &self,
        objective: O,
        data: &DataSpec,
        scope: &Scope,
    ) -> Result<Box<dyn Trainable>> {
        Ok(self.assemble(self.parts(data, scope)?, objective, data, scope))
    }

    /// The model of `parts` under `objective`.
    pub fn assemble<O: Objective + 'static>(
        &self,
        parts: Parts,
        objective: O,
        data: &DataSpec,
        scope: &Scope,
    ) -> Box<dyn Trainable> {
        Box::new(Variational::new(data, parts, objective, self.binarise, scope))
    }
}

/// Declares the options of a variational variant: those that all share, then its own with their defaults. The type gets
/// a method `design` with the shared ones.
macro_rules! variational_options {
    ($(#[$doc:meta])* pub struct $name:ident {
        $($(#[$field_doc:meta])* pub $field:ident: $type:ty = $default:expr,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
        pub struct $name {
            /// Number of values in a code.
            pub code: $crate::config::CodeSize,
            /// Widths of the encoder's hidden layers, mirrored by the decoder. Left out, they halve from the number of
            /// features rounded up to a power of two (64 to 1024): up to three layers, none narrower than twice the code
            /// but the first.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub widths: Option<$crate::config::Widths>,
            /// Non-linearity of hidden layers.
            #[schemars(schema_with = "crate::config::activation::schema")]
            pub activation: narrows_tensor::Activation,
            /// Linear maps beside both networks, set to the principal components of the first training rows.
            pub skip: bool,
            /// How real features are described: gaussian or laplace around the decoder's mean with one learned deviation,
            /// gaussian-per-element with a learned deviation for each value of each sample, bernoulli as probabilities
            /// (values in 0..=1 only), poisson or negative-binomial as counts (whole numbers from 0 on). With auto as the
            /// data say, and bernoulli where samples are binarised.
            pub likelihood: $crate::variational::LikelihoodChoice,
            /// Every step sees black and white samples, drawn anew with the intensities in 0..=1 as probabilities.
            pub binarise: bool,
            /// Fixed standard deviation of real features, in units of the data's own, for gaussian and laplace. Left out, it is
            /// learned.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub deviation: Option<$crate::config::Deviation>,
            $($(#[$field_doc])* pub $field: $type,)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    code: $crate::config::CodeSize::default(),
                    widths: None,
                    activation: narrows_tensor::Activation::Silu,
                    skip: true,
                    likelihood: $crate::variational::LikelihoodChoice::default(),
                    binarise: false,
                    deviation: None,
                    $($field: $default,)*
                }
            }
        }

        impl $name {
            /// The options that all variational variants share.
            pub fn design(&self) -> $crate::variational::Design {
                $crate::variational::Design {
                    model: <Self as $crate::Variant>::ABOUT.name,
                    code: *self.code.get(),
                    widths: self.widths.clone(),
                    activation: self.activation,
                    skip: self.skip,
                    likelihood: self.likelihood,
                    binarise: self.binarise,
                    deviation: self.deviation.as_ref().map(|deviation| *deviation.get()),
                    conditional: false,
                }
            }
        }
    };
}

pub(crate) use variational_options;
