//! Numbers of a configuration whose range is checked when they are parsed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A number outside the range of its option.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} is out of range: expected a number {expected}")]
pub struct OutOfRange {
    /// The number given.
    pub value: f64,
    /// The range in words.
    pub expected: &'static str,
}

/// A finite number greater than 0.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(extend("exclusiveMinimum" = 0))]
pub struct Positive(f64);

/// A finite number of at least 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(extend("minimum" = 0))]
pub struct NonNegative(f64);

/// A number of at least 0 and less than 1.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
#[schemars(extend("minimum" = 0, "exclusiveMaximum" = 1))]
pub struct Share(f64);

macro_rules! checked {
    ($name:ident, $expected:literal, $holds:expr) => {
        impl $name {
            /// The number, if it is in range.
            ///
            /// # Errors
            /// It is out of range.
            pub fn new(value: f64) -> Result<Self, OutOfRange> {
                let holds: fn(f64) -> bool = $holds;
                if holds(value) { Ok(Self(value)) } else { Err(OutOfRange { value, expected: $expected }) }
            }

            /// The number.
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = OutOfRange;
            fn try_from(value: f64) -> Result<Self, OutOfRange> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(number: $name) -> f64 {
                number.0
            }
        }
    };
}

checked!(Positive, "greater than 0", |value| value > 0.0 && value.is_finite());
checked!(NonNegative, "of at least 0", |value| value >= 0.0 && value.is_finite());
checked!(Share, "of at least 0 and less than 1", |value| (0.0..1.0).contains(&value));

impl Positive {
    /// A constant of a default.
    pub(crate) const fn constant(value: f64) -> Self {
        assert!(value > 0.0);
        Self(value)
    }
}

impl NonNegative {
    /// A constant of a default.
    pub(crate) const fn constant(value: f64) -> Self {
        assert!(value >= 0.0);
        Self(value)
    }
}

impl Share {
    /// A constant of a default.
    pub(crate) const fn constant(value: f64) -> Self {
        assert!(value >= 0.0 && value < 1.0);
        Self(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_number_or_out_of_range_is_refused() {
        assert!(
            Positive::new(0.0).is_err() && Positive::new(f64::NAN).is_err() && Positive::new(f64::INFINITY).is_err()
        );
        assert!(NonNegative::new(0.0).is_ok() && NonNegative::new(-1e-9).is_err());
        assert!(Share::new(0.0).is_ok() && Share::new(1.0).is_err() && Share::new(f64::NAN).is_err());
        let error = serde_json::from_str::<Positive>("-2").unwrap_err().to_string();
        assert!(error.contains("-2 is out of range: expected a number greater than 0"), "{error}");
    }
}
