//! Every variant, on every kind of data that it takes, holds every property of the suite.

use narrows_models::conformance::{Subject, check, data_specs};
use narrows_models::{build, catalog};

#[test]
fn every_variant_conforms_on_every_kind_of_data_that_it_takes() {
    let mut failures = Vec::new();
    for entry in catalog() {
        let mut config = entry.config();
        config.set_code(3).unwrap();
        let mut kinds = 0;
        for (kind, data) in data_specs() {
            if config.check(&data).is_err() {
                continue;
            }
            kinds += 1;
            let name = format!("{} on {kind}", config.name());
            let model = |scope: &narrows_tensor::Scope| build(&config, &data, scope);
            if let Err(violation) = check(&Subject { name, build: &model, data: data.clone() }) {
                failures.push(violation.to_string());
            }
        }
        assert!(kinds > 0, "{} takes none of the kinds of data", config.name());
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
