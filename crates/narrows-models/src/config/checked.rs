//! Option values that are valid by construction: parsing refuses what cannot work, and names the option.

use narrows_core::Error;
use serde::{Deserialize, Deserializer, Serialize};

/// Declares a newtype whose only way in is a check; `$check` gives the reason for refusing, and a way out.
macro_rules! checked {
    ($(#[$doc:meta])* $name:ident($inner:ty), $option:literal, $schema:tt, $check:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Serialize)]
        #[serde(transparent)]
        pub struct $name($inner);

        impl $name {
            /// Checks a value.
            ///
            /// # Errors
            /// The value cannot work.
            pub fn new(value: $inner) -> Result<Self, Error> {
                let check: fn(&$inner) -> Option<&'static str> = $check;
                match check(&value) {
                    None => Ok(Self(value)),
                    Some(reason) => Err(Error::Option {
                        option: $option,
                        value: format!("{value:?}"),
                        reason: reason.into(),
                    }),
                }
            }

            /// A value known to pass the check.
            #[allow(dead_code, reason = "not every option has such a default")]
            pub(crate) const fn constant(value: $inner) -> Self {
                Self(value)
            }

            /// The value.
            pub fn get(&self) -> &$inner {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(<$inner>::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}

/// Widest layer that is accepted; beyond it a typing error is likelier than an intention.
const WIDEST: usize = 1 << 20;

checked!(
    /// The number of values in a code.
    CodeSize(usize), "code", { "type": "integer", "minimum": 1, "maximum": 1_048_576 },
    |&code| match code {
        0 => Some("a code needs at least one value; set code to 1 or more"),
        1..=WIDEST => None,
        _ => Some("larger than 1048576; set a smaller code"),
    }
);

checked!(
    /// Widths of the encoder's hidden layers, from the sample to the code.
    Widths(Vec<usize>), "widths",
    { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 1, "maximum": 1_048_576 } },
    |widths| match widths.as_slice() {
        [] => Some("there are no layers; list at least one width, leave the option out, or use the model `linear-ae`"),
        widths if widths.contains(&0) => Some("a layer needs at least one unit; remove the 0"),
        widths if widths.iter().any(|&width| width > WIDEST) => {
            Some("a layer is wider than 1048576; choose narrower layers")
        }
        _ => None,
    }
);

checked!(
    /// The share of hidden units that are switched off in a training step.
    #[derive(Default)]
    Dropout(f64), "dropout", { "type": "number", "minimum": 0, "exclusiveMaximum": 1 },
    |&rate| (!(0.0..1.0).contains(&rate)).then_some("not in 0..1; 0 switches dropout off")
);

checked!(
    /// A standard deviation of noise.
    #[derive(Default)]
    Noise(f64), "noise", { "type": "number", "minimum": 0 },
    |&level| (!(level.is_finite() && level >= 0.0)).then_some("not a finite number from 0 on; 0 switches noise off")
);

checked!(
    /// The number of models that are trained side by side.
    Members(usize), "members", { "type": "integer", "minimum": 1, "maximum": 64 },
    |&count| (!(1..=64).contains(&count)).then_some("not in 1..=64; 1 is a single model")
);

checked!(
    /// The largest distance, in pixels or steps, by which a training sample is moved.
    #[derive(Default)]
    Shift(usize), "shift", { "type": "integer", "minimum": 0, "maximum": 64 },
    |&distance| (distance > 64).then_some("larger than 64; choose a small distance, 0 switches moving off")
);

checked!(
    /// How far training samples are deformed at random, as a share of their size.
    #[derive(Default)]
    Deform(f64), "deform", { "type": "number", "minimum": 0, "maximum": 0.5 },
    |&share| (!(0.0..=0.5).contains(&share)).then_some("not in 0..=0.5; 0 switches deformations off")
);

checked!(
    /// A share of the run, from its start, over which something rises or holds.
    #[derive(Default)]
    Warmup(f64), "warmup", { "type": "number", "minimum": 0, "maximum": 1 },
    |&share| (!(0.0..=1.0).contains(&share)).then_some("not a share of the run; choose a value in 0..=1")
);

checked!(
    /// A share of values.
    Share(f64), "share", { "type": "number", "minimum": 0, "maximum": 1 },
    |&share| (!(0.0..=1.0).contains(&share)).then_some("not a share; choose a value in 0..=1")
);

checked!(
    /// The share of usual samples that may lie outside a boundary.
    Outside(f64), "nu", { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
    |&share| (!(share > 0.0 && share < 1.0)).then_some("not between 0 and 1; 0.05 is usual, left out there is no boundary")
);

checked!(
    /// The mean count of photons at a white pixel.
    Photons(f64), "photons", { "type": "number", "exclusiveMinimum": 0, "maximum": 500 },
    |&photons| (!(photons > 0.0 && photons <= 500.0)).then_some("not above 0 and up to 500; use gaussian for weaker noise")
);

checked!(
    /// Nats of divergence that cost nothing.
    #[derive(Default)]
    FreeBits(f64), "free-bits", { "type": "number", "minimum": 0 },
    |&nats| (!(nats.is_finite() && nats >= 0.0)).then_some("not a finite number from 0 on; 0 switches free bits off")
);

checked!(
    /// The number of codes drawn for each sample.
    Draws(usize), "draws", { "type": "integer", "minimum": 1, "maximum": 4096 },
    |&draws| (!(1..=4096).contains(&draws)).then_some("not in 1..=4096; 5 is usual, 1 gives the plain bound")
);

checked!(
    /// Entries of a codebook or a mixture.
    Entries(usize), "entries", { "type": "integer", "minimum": 2, "maximum": 65_536 },
    |&entries| (!(2..=65_536).contains(&entries)).then_some("not in 2..=65536; 512 is usual")
);

checked!(
    /// Codebooks that refine each other.
    Depth(usize), "depth", { "type": "integer", "minimum": 1, "maximum": 64 },
    |&depth| (!(1..=64).contains(&depth)).then_some("not in 1..=64; 4 is usual")
);

checked!(
    /// Steps of a flow.
    FlowSteps(usize), "flow", { "type": "integer", "minimum": 1, "maximum": 32 },
    |&steps| (!(1..=32).contains(&steps)).then_some("not in 1..=32; 2 is usual")
);

checked!(
    /// Levels of scalar latents.
    LevelCounts(Vec<usize>), "levels",
    { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 3, "maximum": 4_096 } },
    |levels| match levels.as_slice() {
        [] => Some("there are no levels; list at least one number, such as [8, 5, 5, 5]"),
        levels if levels.iter().any(|levels| !(3..=4_096).contains(levels)) => {
            Some("a latent needs 3 to 4096 levels; [8, 5, 5, 5] is usual")
        }
        _ => None,
    }
);

checked!(
    /// A positive standard deviation.
    Deviation(f64), "deviation", { "type": "number", "exclusiveMinimum": 0 },
    |&deviation| {
        (!(1e-4..=1e4).contains(&deviation)).then_some("not in 0.0001..=10000; leave the option out to learn it")
    }
);

checked!(
    /// The weight of a term of the loss.
    Weight(f64), "weight", { "type": "number", "minimum": 0 },
    |&weight| (!(weight.is_finite() && weight >= 0.0)).then_some("not a finite number from 0 on")
);

checked!(
    /// The number of latents that are active at a time.
    Active(usize), "k", { "type": "integer", "minimum": 1, "maximum": 1_048_576 },
    |&k| match k {
        0 => Some("a code without an active latent says nothing; set k to 1 or more"),
        1..=WIDEST => None,
        _ => Some("larger than 1048576; set a smaller k"),
    }
);

checked!(
    /// Numbers of first latents.
    Prefixes(Vec<usize>), "prefixes", { "type": "array", "minItems": 1, "items": { "type": "integer", "minimum": 1 } },
    |prefixes| match prefixes.as_slice() {
        [] => Some("there are no prefixes; list at least one number, or leave the option out"),
        prefixes if prefixes.contains(&0) => Some("a prefix needs at least one latent; remove the 0"),
        _ => None,
    }
);

checked!(
    /// A number of samples.
    Samples(usize), "dead-after", { "type": "integer", "minimum": 1 },
    |&samples| (samples == 0).then_some("every latent would count as dead; choose 1 or more samples")
);

checked!(
    /// A number of random directions.
    Directions(usize), "directions", { "type": "integer", "minimum": 1, "maximum": 1000 },
    |&count| (!(1..=1000).contains(&count)).then_some("not in 1..=1000; one direction is unbiased, more are less noisy")
);

checked!(
    /// A threshold, or the width of the band around one, where samples have length 1.
    Band(f64), "threshold", { "type": "number", "exclusiveMinimum": 0, "maximum": 1 },
    |&width| (!(1e-6..=1.0).contains(&width)).then_some("not in 0.000001..=1; samples have length 1")
);

checked!(
    /// A mean activation between 0 and 1.
    TargetActivation(f64), "target", { "type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1 },
    |&target| (!(1e-4..=0.9999).contains(&target)).then_some("not in 0.0001..=0.9999; sparse units are near 0.05")
);

impl Default for Members {
    fn default() -> Self {
        Self(1)
    }
}

impl Default for CodeSize {
    fn default() -> Self {
        Self(8)
    }
}

impl Default for LevelCounts {
    fn default() -> Self {
        Self(vec![8, 5, 5, 5])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_work_is_refused_with_a_way_out() {
        let message = CodeSize::new(0).unwrap_err().to_string();
        assert_eq!(message, "code = 0: a code needs at least one value; set code to 1 or more");
        assert!(Widths::new(vec![]).unwrap_err().to_string().contains("linear-ae"));
        assert!(Widths::new(vec![4, 0]).is_err());
        assert!(Dropout::new(1.0).is_err());
        assert!(Dropout::new(f64::NAN).is_err());
        assert!(Noise::new(f64::INFINITY).is_err());
        assert!(Shift::new(65).is_err());
        assert!(Deform::new(0.6).is_err());
    }
}
