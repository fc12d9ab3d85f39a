//! The options of a detector, checked when they are parsed.

use narrows_eval::scorer::Combination;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// How rows are scored.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct DetectConfig {
    /// What makes a row strange to the network: error, its squared error by column; deviance, twice the negative
    /// log-likelihood of each column given the reconstruction, so that numbers count in units of their usual residual and
    /// categories by their probability; bound, the negative importance-weighted bound on the log-likelihood of the row, for
    /// models with a distribution over samples.
    #[serde(skip_serializing_if = "is_default")]
    pub score: Score,
    /// Codes for each row where the score is the bound.
    #[serde(skip_serializing_if = "is_default")]
    pub codes: Codes,
    /// Training rows that are stored, so that the distance to the nearest of them is part of the score; 0 leaves that part
    /// out.
    pub neighbours: Neighbours,
    /// Passes in which a part of the columns is hidden from the network and predicted from the others, so that every column
    /// is hidden once: the error of these predictions is part of the score. As many passes as columns hide each by itself;
    /// 0 leaves that part out. It suits networks that were trained with hidden columns (`corruption`).
    #[serde(skip_serializing_if = "is_default")]
    pub hidden: Passes,
    /// Nearest stored rows that say how dense it is around a row: its distance from them in units of theirs from each other,
    /// the local outlier factor, is part of the score; 0 leaves that part out. It needs stored rows (`neighbours`).
    #[serde(skip_serializing_if = "is_default")]
    pub lof: LocalRows,
    /// What is part of the score of the distance of a row's code from those of training rows: none, nearest, to the nearest
    /// of them, each value in units of its spread; mahalanobis, from their mean in units of their spread.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<CodeDistance>,
    /// The scale on which the sizes of the parts are averaged: mean, in units of their mean over training rows;
    /// geometric, the same averaged geometrically, so that no part drowns another; rank, their rank among those of training rows; p-value, the negative logarithm of their p-value among them (Fisher).
    #[serde(skip_serializing_if = "is_default")]
    pub combine: Combination,
    /// Exponent of the columns' squared errors in what the network makes of a row: 1 is the usual squared error, larger values let the strangest
    /// column speak loudest.
    pub power: Power,
    /// Of windows only the last step is scored, so that no row's score needs later rows.
    pub causal: bool,
    /// Share of the training rows that are left out as possible anomalies before anything is fitted: those that are farthest
    /// from a tenth of all.
    #[serde(skip_serializing_if = "is_default")]
    pub trim: Trim,
    /// The share of anomalies expected among the training rows, where it is known. It is told in reports and decides
    /// nothing else.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contamination: Option<f64>,
}

/// What makes a row strange to the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Score {
    /// The squared error of each column, in units of its variance.
    #[default]
    Error,
    /// Twice the negative log-likelihood of each column given the reconstruction, but for a constant.
    Deviance,
    /// The negative importance-weighted bound on the log-likelihood.
    Bound,
}

/// A distance in the space of codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
pub enum CodeDistance {
    /// To the nearest code of a training row.
    Nearest,
    /// From the mean code in units of the codes' spread in that direction.
    Mahalanobis,
}

/// One of the things that a score is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// What the network makes of the row.
    Residual,
    /// What it makes of columns that it does not see.
    Hidden,
    /// The distance to the nearest stored row.
    Rows,
    /// How much sparser it is around the row than around its neighbours.
    Lof,
    /// The distance of the code from other codes.
    Code,
}

impl Part {
    /// Whether its size is the plain norm of its errors, without the power: a distance is a distance, and a hidden column that
    /// the others say nothing of must not speak for all.
    pub(crate) fn plain(self) -> bool {
        matches!(self, Self::Rows | Self::Hidden)
    }
}

impl DetectConfig {
    /// Refuses options that contradict each other or samples that are `windowed` or not.
    ///
    /// # Errors
    /// A part needs another one, or windows.
    pub fn check(&self, windowed: bool) -> Result<()> {
        if self.causal && !windowed {
            let reason = "causal scores the last step of windows, and samples are single rows, which know no later ones; \
                          give --window, or leave detect.causal out";
            return Err(Error::Detect { reason: reason.into() });
        }
        if self.lof.get() > 0 && self.neighbours.get() == 0 {
            let reason = "lof compares a row with stored rows, and none are stored; set detect.neighbours = 50000, or \
                          detect.lof = 0";
            return Err(Error::Detect { reason: reason.into() });
        }
        if let Some(share) = self.contamination.filter(|share| !(0.0..1.0).contains(share)) {
            let reason = format!("contamination = {share}; expected a share of the rows from 0 to below 1");
            return Err(Error::Detect { reason });
        }
        Ok(())
    }

    /// What a score is made of, in the order in which evidence is kept.
    pub(crate) fn parts(&self) -> Vec<Part> {
        let parts = [
            (Part::Residual, true),
            (Part::Hidden, self.hidden.get() > 0),
            (Part::Rows, self.neighbours.get() > 0),
            (Part::Lof, self.lof.get() > 0),
            (Part::Code, self.code.is_some()),
        ];
        parts.into_iter().filter_map(|(part, present)| present.then_some(part)).collect()
    }
}

/// Passes with hidden columns, at most 10000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct Passes(usize);

/// Stored rows that are looked at around each row, at most 1000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct LocalRows(usize);

/// Codes drawn for each row, from 1 to 10000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct Codes(usize);

/// The most training rows that a detector stores.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "usize", into = "usize")]
#[schemars(with = "usize")]
pub struct Neighbours(usize);

/// A share from 0 to below one half.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Trim(f64);

/// An exponent of at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(with = "f64")]
pub struct Power(f64);

impl Default for DetectConfig {
    fn default() -> Self {
        Self {
            score: Score::default(),
            codes: Codes::default(),
            neighbours: Neighbours(0),
            hidden: Passes(0),
            lof: LocalRows(0),
            code: None,
            combine: Combination::default(),
            power: Power(2.0),
            causal: false,
            trim: Trim::default(),
            contamination: None,
        }
    }
}

impl Default for Codes {
    fn default() -> Self {
        Self(50)
    }
}

impl Codes {
    /// From 1 to 10000.
    ///
    /// # Errors
    /// It is outside.
    pub fn new(codes: usize) -> Result<Self> {
        if (1..=10_000).contains(&codes) {
            Ok(Self(codes))
        } else {
            Err(setting("codes", codes as f64, "a number from 1 to 10000"))
        }
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Passes {
    /// At most 10000.
    ///
    /// # Errors
    /// There are more.
    pub fn new(passes: usize) -> Result<Self> {
        if passes <= 10_000 { Ok(Self(passes)) } else { Err(setting("hidden", passes as f64, "at most 10000 passes")) }
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl LocalRows {
    /// At most 1000.
    ///
    /// # Errors
    /// There are more.
    pub fn new(rows: usize) -> Result<Self> {
        if rows <= 1_000 { Ok(Self(rows)) } else { Err(setting("lof", rows as f64, "at most 1000 neighbours")) }
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Trim {
    /// From 0 to below one half.
    ///
    /// # Errors
    /// It is outside.
    pub fn new(share: f64) -> Result<Self> {
        if (0.0..0.5).contains(&share) {
            Ok(Self(share))
        } else {
            Err(setting("trim", share, "a share from 0 to below 0.5"))
        }
    }

    /// The share.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Neighbours {
    /// At most a million.
    ///
    /// # Errors
    /// There are more.
    pub fn new(rows: usize) -> Result<Self> {
        if rows <= 1_000_000 { Ok(Self(rows)) } else { Err(setting("neighbours", rows as f64, "at most 1000000 rows")) }
    }

    /// The number.
    pub fn get(self) -> usize {
        self.0
    }
}

impl Power {
    /// From 1 to 64.
    ///
    /// # Errors
    /// It is outside.
    pub fn new(power: f64) -> Result<Self> {
        if (1.0..=64.0).contains(&power) {
            Ok(Self(power))
        } else {
            Err(setting("power", power, "a number from 1 to 64"))
        }
    }

    /// The exponent.
    pub fn get(self) -> f64 {
        self.0
    }
}

fn setting(name: &'static str, value: f64, expected: &'static str) -> Error {
    Error::Detect { reason: format!("{name} = {value}; expected {expected}") }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The way in and out for serde: through `new`, and as the number itself.
macro_rules! read_as {
    ($($name:ident: $number:ty),+) => {$(
        impl TryFrom<$number> for $name {
            type Error = Error;

            fn try_from(number: $number) -> Result<Self> {
                Self::new(number)
            }
        }

        impl From<$name> for $number {
            fn from(value: $name) -> Self {
                value.0
            }
        }
    )+};
}

read_as!(Codes: usize, LocalRows: usize, Neighbours: usize, Passes: usize, Trim: f64, Power: f64);
