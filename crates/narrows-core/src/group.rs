//! Groups of parameters that are optimised in turn within a step, each with a loss of its own.

/// One phase of a step: most models have one, adversarial models several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Name in logs and in the optimizer's state, such as `model` or `discriminator`.
    pub name: &'static str,
    /// Prefixes of the names of the parameters it trains; empty for all.
    pub prefixes: &'static [&'static str],
}

impl Group {
    /// The only group of a model that has no phases.
    pub const ALL: Self = Self { name: "model", prefixes: &[] };

    /// Whether it trains the parameter called `name`.
    pub fn trains(&self, name: &str) -> bool {
        self.prefixes.is_empty() || self.prefixes.iter().any(|prefix| name.starts_with(prefix))
    }
}
