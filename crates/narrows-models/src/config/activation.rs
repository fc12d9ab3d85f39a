//! The JSON schema of [`Activation`], which lives in a crate that knows no schemas.

use narrows_tensor::Activation;
use schemars::{Schema, SchemaGenerator};

/// The activations that a hidden layer may have, for `#[schemars(schema_with = "...")]`.
pub fn schema(_: &mut SchemaGenerator) -> Schema {
    let names = ALL.map(|activation| serde_json::to_value(activation).unwrap_or_default());
    schemars::json_schema!({ "type": "string", "enum": names })
}

const ALL: [Activation; 8] = [
    Activation::Identity,
    Activation::Relu,
    Activation::LeakyRelu,
    Activation::Sigmoid,
    Activation::Tanh,
    Activation::Silu,
    Activation::Gelu,
    Activation::Softplus,
];
