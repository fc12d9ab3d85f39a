//! The names and shapes of every variant's tensors: a change breaks stored models and needs a new format version.

use std::fmt::Write as _;

use candle_core::{DType, Device};
use narrows_models::conformance::data_specs;
use narrows_models::{build, catalog};
use narrows_tensor::{Key, Scope};

#[test]
fn names_and_shapes_stay() {
    let mut text = String::new();
    for entry in catalog() {
        let mut config = entry.config();
        config.set_code(3).unwrap();
        let (kind, data) = data_specs().into_iter().find(|(_, data)| config.check(data).is_ok()).unwrap();
        let model = build(&config, &data, &Scope::root(Key::new(0), DType::F32, &Device::Cpu)).unwrap();
        writeln!(text, "{} on {kind}", config.name()).unwrap();
        for (name, tensor) in model.parameters().tensors() {
            writeln!(text, "  {name} {:?}", tensor.dims()).unwrap();
        }
    }
    insta::assert_snapshot!(text);
}
