//! Every variant, on every kind of data that it takes, holds every property of the suite.

use narrows_core::Dims;
use narrows_models::conformance::{Subject, check, check_wild, data_specs};
use narrows_models::{DataSpec, Entry, Family, Head, Kind, Likelihood, ModelConfig, Reals, build, catalog};

fn configs() -> Vec<ModelConfig> {
    let small = |entry: &Entry| {
        let mut config = entry.config();
        // A sparse code is wider than its samples, else too few latents would be active to learn anything.
        config.set_code(if entry.about().kind == Kind::Sparse { 16 } else { 3 }).unwrap();
        config
    };
    catalog().iter().map(small).collect()
}

/// One thread: the tests are many and their tensors tiny, so that waking a second one costs more than it does.
fn on_one_thread() {
    // Only the first test's attempt succeeds.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}

/// All variants that take this kind of data.
fn all_conform_on(kind: &str) {
    on_one_thread();
    let (_, data) = data_specs().into_iter().find(|(name, _)| *name == kind).unwrap();
    let mut failures = Vec::new();
    // What other models do with a condition is nothing.
    let wanted =
        |config: &&ModelConfig| config.check(&data).is_ok() && (data.condition.is_none() || config.conditional());
    for config in configs().iter().filter(wanted) {
        let model = |scope: &narrows_tensor::Scope| build(config, &data, scope);
        let subject = Subject { name: format!("{} on {kind}", config.name()), build: &model, data: data.clone() };
        failures.extend(check(&subject).err().map(|violation| violation.to_string()));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_variant_conforms_on_rows() {
    all_conform_on("rows");
}

#[test]
fn every_variant_conforms_on_mixed_rows() {
    all_conform_on("mixed rows");
}

#[test]
fn every_variant_conforms_on_probabilities() {
    all_conform_on("probabilities");
}

#[test]
fn every_variant_conforms_on_odd_pictures() {
    all_conform_on("pictures");
}

#[test]
fn every_variant_conforms_on_pictures_between_0_and_1() {
    all_conform_on("values in 0..=1");
}

#[test]
fn every_variant_conforms_on_odd_windows() {
    all_conform_on("windows");
}

#[test]
fn conditional_variants_conform_on_rows_with_a_condition() {
    all_conform_on("rows with a condition");
}

#[test]
fn every_variant_takes_some_kind_of_data() {
    for config in configs() {
        assert!(data_specs().iter().any(|(_, data)| config.check(data).is_ok()), "{}", config.name());
    }
}

/// Every likelihood of a variational model, on the kinds of data that it takes.
#[test]
fn every_likelihood_conforms() {
    on_one_thread();
    let rows = DataSpec::gaussian(Dims::new([7]));
    let head = |range, family| Head { range, family };
    let heads = vec![head(0..3, Family::Gaussian), head(3..4, Family::Bernoulli), head(4..7, Family::Gaussian)];
    let mixed = DataSpec { likelihood: Likelihood::mixed(heads, vec![]).unwrap(), ..rows.clone() };
    let cases = [
        ("laplace", Reals::Any),
        ("gaussian-per-element", Reals::Any),
        ("bernoulli", Reals::UnitInterval),
        ("poisson", Reals::Counts),
        ("negative-binomial", Reals::Counts),
    ];
    for (likelihood, reals) in cases {
        for data in [&rows, &mixed] {
            let config = ModelConfig::from_toml(&format!("[vae]\ncode = 3\nlikelihood = \"{likelihood}\"\n")).unwrap();
            let data = DataSpec { reals, ..data.clone() };
            let model = |scope: &narrows_tensor::Scope| build(&config, &data, scope);
            check(&Subject { name: format!("vae under {likelihood}"), build: &model, data: data.clone() }).unwrap();
        }
    }
}

/// Networks side by side, with a code larger than the sample.
#[test]
fn wide_denoising_ensembles_conform() {
    on_one_thread();
    let text = "[dae]\ncode = 24\nwidths = [8]\nmembers = 3\ncorruption = { random-gaussian = { level = 1.0 } }\n";
    let config = ModelConfig::from_toml(text).unwrap();
    for (kind, data) in data_specs().into_iter().filter(|(kind, data)| *kind != "pictures" && data.condition.is_none())
    {
        let model = |scope: &narrows_tensor::Scope| build(&config, &data, scope);
        let subject = Subject { name: format!("ensemble on {kind}"), build: &model, data: data.clone() };
        check(&subject).unwrap();
    }
}

/// The reconstruction of an ensemble is the mean of its members', which differ.
#[test]
fn an_ensemble_is_the_mean_of_its_members() {
    use candle_core::{DType, Device, Tensor};
    let config = ModelConfig::from_toml("[dae]\ncode = 2\nwidths = [8]\nskip = false\nmembers = 2\n").unwrap();
    let data = DataSpec::gaussian(Dims::new([5]));
    let scope = narrows_tensor::Scope::root(narrows_tensor::Key::new(1), DType::F64, &Device::Cpu);
    let model = build(&config, &data, &scope).unwrap();
    let x = Tensor::arange(0f64, 15.0, &Device::Cpu).unwrap().reshape((3, 5)).unwrap();
    let values = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    let members: Vec<Vec<f64>> = model.reconstructions(&x).unwrap().iter().map(values).collect();
    assert!(members.len() == 2 && members[0] != members[1]);
    for (place, mean) in values(&model.reconstruct(&x).unwrap()).into_iter().enumerate() {
        assert!((mean - f64::midpoint(members[0][place], members[1][place])).abs() < 1e-12);
    }
}

/// The variants of a configuration on kinds of data.
fn conform(text: &str, kinds: &[&str]) {
    on_one_thread();
    let config = ModelConfig::from_toml(text).unwrap();
    for (kind, data) in data_specs().into_iter().filter(|(kind, _)| kinds.contains(kind)) {
        let model = |scope: &narrows_tensor::Scope| build(&config, &data, scope);
        let subject = Subject { name: format!("{text} on {kind}"), build: &model, data: data.clone() };
        if let Err(violation) = check(&subject) {
            panic!("{violation}");
        }
    }
}

#[test]
fn convolutional_denoising_conforms() {
    conform("[dae]\ncode = 6\nnetwork = \"conv\"\nchannels = [6, 8]\n", &["pictures", "windows", "values in 0..=1"]);
}

#[test]
fn stacked_denoising_conforms() {
    conform("[stacked]\ncode = 3\ncorruption = { masking = { share = 0.2 } }\n", &["rows", "mixed rows"]);
    conform("[stacked]\ncode = 3\ncorruption = { salt-and-pepper = { share = 0.2 } }\n", &["values in 0..=1"]);
}

#[test]
fn soft_boundaries_conform() {
    conform("[svdd]\ncode = 3\nnu = 0.1\n", &["rows", "mixed rows", "values in 0..=1"]);
}

#[test]
fn every_corruption_is_undone_on_the_data_that_has_it() {
    for (corruption, kind) in [
        ("random-gaussian = { level = 0.5 }", "rows"),
        ("columns = { share = 0.3 }", "mixed rows"),
        ("noise-or-columns = { level = 1.0, share = 0.7 }", "mixed rows"),
        ("noise-or-columns = { level = 1.0, share = 0.7 }", "windows"),
        ("span = { share = 0.4 }", "windows"),
        ("poisson = { photons = 20 }", "values in 0..=1"),
    ] {
        conform(&format!("[dae]\ncode = 4\ncorruption = {{ {corruption} }}\n"), &[kind]);
    }
}

#[test]
fn every_variant_survives_one_column() {
    on_one_thread();
    let data = DataSpec::gaussian(Dims::new([1]));
    let mut taken = 0;
    for mut config in configs() {
        config.set_code(1).unwrap();
        if config.check(&data).is_ok() {
            let model = |scope: &narrows_tensor::Scope| build(&config, &data, scope);
            let subject = Subject { name: config.name().into(), build: &model, data: data.clone() };
            if let Err(violation) = check_wild(&subject) {
                panic!("{violation}");
            }
            taken += 1;
        }
    }
    assert!(taken + 5 > catalog().len(), "only {taken} variants take one column");
}
