//! Configurations: to TOML and JSON and back is the identity, schemas and descriptions are complete.

use narrows_models::{ModelConfig, catalog, is_variant};

#[test]
fn documents_and_back_are_the_identity() {
    for entry in catalog() {
        let mut config = entry.config();
        config.set_code(5).unwrap();
        assert_eq!(ModelConfig::from_toml(&config.to_toml().unwrap()).unwrap(), config);
        let json = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<ModelConfig>(&json).unwrap(), config);
    }
    let text = "[ae]\ncode = 30\nwidths = [1000, 500, 250]\nactivation = \"tanh\"\nskip = false\ndropout = 0.1\n";
    let config = ModelConfig::from_toml(text).unwrap();
    assert_eq!(ModelConfig::from_toml(&config.to_toml().unwrap()).unwrap(), config);
}

#[test]
fn every_option_is_described() {
    for entry in catalog() {
        let about = entry.about();
        assert!(is_variant(about.name) && ModelConfig::named(about.name).unwrap() == entry.config());
        let options = entry.options();
        assert!(options.iter().any(|option| option.name == "code"), "{} has no code", about.name);
        for option in &options {
            assert!(option.meaning.ends_with('.'), "{}: {option:?}", about.name);
            assert_ne!(option.kind, "value", "{}: {option:?}", about.name);
        }
        let stored = serde_json::to_value(entry.config()).unwrap();
        for key in stored[about.name].as_object().unwrap().keys() {
            assert!(options.iter().any(|option| &option.name == key), "{}: `{key}` is not described", about.name);
        }
    }
}

#[test]
fn the_example_is_the_default_configuration() {
    for entry in catalog() {
        let section = entry.example().replace("[model.", "[");
        assert_eq!(ModelConfig::from_toml(&section).unwrap(), entry.config(), "{section}");
    }
}
