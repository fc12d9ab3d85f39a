//! What cannot work is refused before training, with the option named and a way out.

use candle_core::{DType, Device, Tensor};
use narrows_core::{Batch, Dims, Group, StepContext};
use narrows_models::{DataSpec, Error, ModelConfig, Reals, build, catalog};
use narrows_tensor::{Key, Scope};

fn scope() -> Scope {
    Scope::root(Key::new(0), DType::F32, &Device::Cpu)
}

fn refused(config: &ModelConfig, data: &DataSpec) -> String {
    match build(config, data, &scope()) {
        Ok(_) => panic!("{} accepts {data:?}", config.name()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_code_larger_than_the_sample_is_refused() {
    for name in ["linear-ae", "ae", "conv-ae"] {
        let mut config = ModelConfig::named(name).unwrap();
        config.set_code(21).unwrap();
        let message = refused(&config, &DataSpec::gaussian(Dims::new([10, 2])));
        assert!(message.contains("code = 21") && message.contains("at most 19"), "{message}");
    }
}

#[test]
fn convolutions_on_a_table_are_refused() {
    let message = refused(&ModelConfig::named("conv-ae").unwrap(), &DataSpec::gaussian(Dims::new([20])));
    assert!(message.contains("takes pictures") && message.contains("Use the model `ae`"), "{message}");
}

#[test]
fn options_that_contradict_each_other_or_the_data_are_refused_with_a_way_out() {
    let real = DataSpec::gaussian(Dims::new([12]));
    let pixels = DataSpec { unit_interval: true, ..real.clone() };
    let counts = DataSpec { reals: Reals::Counts, ..real.clone() };
    let windows = DataSpec::gaussian(Dims::new([8, 3]));
    let cases = [
        ("[vae]\nlikelihood = \"bernoulli\"", &real, "likelihood = bernoulli", "0..=1"),
        ("[vae]\nlikelihood = \"poisson\"", &real, "likelihood = poisson", "whole"),
        ("[vae]\nbinarise = true\nlikelihood = \"laplace\"", &pixels, "likelihood = laplace", "bernoulli"),
        ("[vae]\nlikelihood = \"poisson\"\ndeviation = 0.5", &counts, "deviation = 0.5", "laplace"),
        ("[iwae]\nbinarise = true", &real, "binarise = true", "binarise = false"),
        ("[vae]\nbinarise = true\nlikelihood = \"gaussian\"", &pixels, "likelihood = gaussian", "bernoulli"),
        ("[beta-vae]\nbinarise = true\ndeviation = 0.5", &pixels, "deviation = 0.5", "leave deviation out"),
        ("[info-vae]\nalpha = 0.2\nlambda = 0.3", &real, "lambda = 0.3", "at least 0.8"),
        ("[vq-vae]\ncode = 8\nvector = 3", &real, "vector = 3", "code = 9"),
        ("[rq-vae]\ncode = 8\nvector = 5", &real, "vector = 5", "code = 10"),
        ("[dae]\nchannels = [4]", &real, "channels = [4]", "network = \"conv\""),
        ("[dae]\nnetwork = \"conv\"\nwidths = [4]", &real, "widths = [4]", "set channels"),
        ("[dae]\nnetwork = \"conv\"\ndropout = 0.1", &real, "dropout = 0.1", "dropout = 0"),
        (
            "[dae]\nnetwork = \"conv\"\ncorruption = { noise-or-columns = { level = 1, share = 0.5 } }",
            &windows,
            "noise-or-columns",
            "random-gaussian",
        ),
        ("[dae]\nnetwork = \"conv\"", &real, "network = conv", "network = \"dense\""),
        ("[dae]\ncorruption = { poisson = { photons = 9 } }", &real, "corruption = poisson", "use gaussian"),
        ("[dae]\ncorruption = { span = { share = 0.2 } }", &real, "corruption = span", "use columns"),
        ("[stacked]\ncorruption = { columns = { share = 0.2 } }", &real, "corruption = columns", "use gaussian"),
    ];
    for (text, data, option, remedy) in cases {
        let message = refused(&ModelConfig::from_toml(text).unwrap(), data);
        assert!(message.contains(option) && message.contains(remedy), "{text}: {message}");
    }
    let config = ModelConfig::from_toml("[vae]\nlikelihood = \"bernoulli\"\nbinarise = true").unwrap();
    assert!(build(&config, &pixels, &scope()).is_ok());
}

#[test]
fn invalid_options_are_refused_while_parsing() {
    let cases = [
        ("[ae]\ncode = 0", "code = 0"),
        ("[ae]\nwidths = []", "leave the option out"),
        ("[ae]\nwidths = [10, 0]", "remove the 0"),
        ("[ae]\ndropout = 1.0", "dropout = 1.0"),
        ("[ae]\nnoise = -1.0", "noise = -1.0"),
        ("[iwae]\ndraws = 0", "draws = 0"),
        ("[fsq]\nlevels = [8, 2]", "3 to 4096 levels"),
        ("[vae]\nlikelihood = \"bernouli\"", "did you mean `bernoulli`?"),
        ("[vq-vae]\ncodebook = 1", "not in 2..=65536"),
        ("[ae]\nactivation = \"rleu\"", "did you mean `relu`?"),
        ("[linar-ae]\ncode = 3", "did you mean `linear-ae`?"),
        ("[conv-ae]\nchanels = [3]", "did you mean `channels`?"),
    ];
    for (text, expected) in cases {
        let message = ModelConfig::from_toml(text).unwrap_err().to_string();
        assert!(message.contains(expected) && message.starts_with("line "), "{text}: {message}");
    }
}

#[test]
fn a_batch_of_another_shape_is_an_error_and_no_panic() {
    for entry in catalog() {
        let mut config = entry.config();
        config.set_code(2).unwrap();
        let data = DataSpec { condition: Some(2), ..DataSpec::gaussian(Dims::new([6, 2])) };
        let mut model = build(&config, &data, &scope()).unwrap();
        let at = StepContext { step: 0, steps: 1, key: Key::new(0) };
        for dims in [vec![3, 6], vec![0, 6, 2], vec![3, 2, 6], vec![]] {
            let x = Tensor::zeros(dims, DType::F32, &Device::Cpu).unwrap();
            assert!(model.encode(&x).is_err());
            assert!(model.step(&Group::ALL, &Batch::new(x.clone()), &at).is_err());
            assert!(model.prepare(&Batch::new(x)).is_err());
        }
        assert!(model.decode(&Tensor::zeros((3, 3), DType::F32, &Device::Cpu).unwrap()).is_err());
    }
}

#[test]
fn one_column_and_few_rows_work() {
    for entry in catalog().iter().filter(|entry| entry.about().name != "conv-ae") {
        let mut config = entry.config();
        config.set_code(1).unwrap();
        let data = DataSpec { condition: Some(2), ..DataSpec::gaussian(Dims::new([1])) };
        let mut model = build(&config, &data, &scope()).unwrap();
        let x = Tensor::new(&[[1e6f32], [1e6]], &Device::Cpu).unwrap();
        model.prepare(&Batch::new(x.clone())).unwrap();
        let rebuilt = model.reconstruct(&x).unwrap().to_vec2::<f32>().unwrap();
        assert!((rebuilt[0][0] - 1e6).abs() < 1e3, "{rebuilt:?}");
    }
}

#[test]
fn unknown_models_are_refused_with_the_nearest_name() {
    assert!(matches!(ModelConfig::named("conv_ae"), Err(Error::UnknownModel { nearest: Some(near), .. })
        if near == "conv-ae"));
}
