//! Golden values: forward pass, loss and gradients of every variant as an independent PyTorch script computes them
//! (`cargo xtask golden models`, `xtask/golden/models.py`), in f64. The relative tolerance stands in each file: 1e-9, or
//! 1e-6 where random numbers of single precision enter.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use narrows_core::{Batch, Group, StepContext};
use narrows_models::{DataSpec, ModelConfig, build, catalog};
use narrows_tensor::{Gradients, Key, Scope};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    tolerance: f64,
    /// The group whose step it is, where there are several.
    #[serde(default)]
    group: Option<String>,
    config: ModelConfig,
    data: DataSpec,
    tensors: BTreeMap<String, Array>,
    x: Array,
    #[serde(default)]
    condition: Option<Array>,
    z: Array,
    reconstruction: Array,
    loss: Vec<f64>,
    gradients: BTreeMap<String, Array>,
}

#[derive(Deserialize)]
struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Array {
    fn tensor(&self) -> Tensor {
        Tensor::from_slice(&self.values, self.shape.as_slice(), &Device::Cpu).unwrap()
    }

    fn compare(&self, found: &Tensor, tolerance: f64, what: &str) {
        assert_eq!(found.dims(), self.shape, "{what}");
        let found = found.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let scale = self.values.iter().fold(1.0, |scale: f64, value| scale.max(value.abs()));
        for (index, (found, expected)) in found.iter().zip(&self.values).enumerate() {
            assert!((found - expected).abs() <= tolerance * scale, "{what}[{index}]: {found} for {expected}");
        }
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

#[test]
fn every_variant_matches_pytorch() {
    for entry in catalog() {
        let prefix = format!("{}.", entry.about().name);
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder()).unwrap().map(|file| file.unwrap().path()).collect();
        files.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(&prefix));
        files.sort();
        assert!(!files.is_empty(), "{} has no golden file", entry.about().name);
        for path in files {
            compare(&serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap(), &path.to_string_lossy());
        }
    }
}

fn compare(golden: &Golden, origin: &str) {
    let scope = Scope::root(Key::new(0), DType::F64, &Device::Cpu);
    let model = build(&golden.config, &golden.data, &scope).unwrap();
    let tensors = golden.tensors.iter().map(|(name, array)| (name.clone(), array.tensor())).collect();
    model.parameters().restore(&tensors, origin).unwrap();
    let x = golden.x.tensor();
    let condition = golden.condition.as_ref().map(Array::tensor);
    let z = model.encode_given(&x, condition.as_ref()).unwrap();
    golden.z.compare(&z, golden.tolerance, &format!("{origin}: z"));
    let decoded = model.decode_given(&z, condition.as_ref()).unwrap();
    golden.reconstruction.compare(&decoded, golden.tolerance, &format!("{origin}: reconstruction"));
    let at = StepContext { step: 0, steps: 1, key: Key::new(0) };
    let named = |group: &&Group| golden.group.as_ref().is_none_or(|name| name == group.name);
    let group = model.groups().iter().find(named).unwrap();
    let loss = model.step(group, &Batch { condition, ..Batch::new(x) }, &at).unwrap().loss;
    let expected = Array { shape: vec![golden.loss.len()], values: golden.loss.clone() };
    expected.compare(&loss.per_sample().unwrap(), golden.tolerance, &format!("{origin}: loss"));
    let trained = model.parameters().filter(|name| group.trains(name));
    let gradients = Gradients::backward(&loss.total().unwrap(), &trained).unwrap();
    assert_eq!(gradients.iter().len(), golden.gradients.len(), "{origin}: gradients");
    for (name, expected) in &golden.gradients {
        expected.compare(gradients.get(name).unwrap(), golden.tolerance, &format!("{origin}: gradient of {name}"));
    }
}
