//! The ordered store of a model's parameters and buffers, and the scopes that name them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{DType, Device, Shape, Tensor, Var};

use crate::{Error, Key, Result, random};

/// Initial values of a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// One value everywhere.
    Constant(f64),
    /// Normal with this standard deviation.
    Normal(f64),
    /// Uniform in `-bound..bound`.
    Uniform(f64),
    /// He et al. 2015 for rectifiers: normal with variance `2 / fan_in`.
    KaimingNormal {
        /// Inputs that one output sums over.
        fan_in: usize,
    },
    /// Glorot & Bengio 2010: uniform with variance `2 / (fan_in + fan_out)`.
    XavierUniform {
        /// Inputs that one output sums over.
        fan_in: usize,
        /// Outputs that one input reaches.
        fan_out: usize,
    },
}

/// A non-trained tensor of a model (running mean, codebook usage): read at any time, changed between steps only.
#[derive(Clone, Debug)]
pub struct Buffer {
    name: String,
    value: Tensor,
}

impl Buffer {
    /// The full name in the store.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The current value, without gradient.
    ///
    /// # Shapes
    /// - returns: the shape given when the buffer was made
    pub fn value(&self) -> &Tensor {
        &self.value
    }
}

/// All trained parameters and buffers of a model, each in the order of names. Clones share the values.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    trained: BTreeMap<String, Var>,
    buffers: BTreeMap<String, Var>,
}

impl Parameters {
    /// The trained parameters in the order of names.
    pub fn trained(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.trained.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// The buffers in the order of names.
    pub fn buffers(&self) -> impl ExactSizeIterator<Item = (&str, &Var)> {
        self.buffers.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// A trained parameter by its full name.
    pub fn get(&self, name: &str) -> Option<&Var> {
        self.trained.get(name)
    }

    /// A buffer by its full name.
    pub fn buffer(&self, name: &str) -> Option<&Var> {
        self.buffers.get(name)
    }

    /// Only the parameters (and all buffers) whose names `keep` accepts.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(&str) -> bool) -> Self {
        let trained = self.trained.iter().filter(|(name, _)| keep(name)).map(|(n, v)| (n.clone(), v.clone())).collect();
        Self { trained, buffers: self.buffers.clone() }
    }

    /// Checks that neither a parameter nor a buffer is called so.
    fn check_free(&self, name: &str) -> Result<()> {
        if self.trained.contains_key(name) || self.buffers.contains_key(name) {
            return Err(Error::DuplicateName { name: name.to_owned() });
        }
        Ok(())
    }

    /// The number of trained numbers.
    pub fn count(&self) -> usize {
        self.trained.values().map(|var| var.elem_count()).sum()
    }

    /// Parameters and buffers as tensors that share the current values, in the order of names.
    pub fn tensors(&self) -> BTreeMap<String, Tensor> {
        let all = self.trained.iter().chain(&self.buffers);
        all.map(|(name, var)| (name.clone(), var.as_detached_tensor())).collect()
    }

    /// Sets every parameter and buffer to the value stored under its name; all or none.
    ///
    /// # Errors
    /// A name is missing, unknown or has another shape; `origin` is the file named in the error.
    pub fn restore(&self, stored: &BTreeMap<String, Tensor>, origin: &str) -> Result<()> {
        let all: BTreeMap<_, _> = self.trained.iter().chain(&self.buffers).collect();
        if let Some(name) = stored.keys().find(|name| !all.contains_key(name)) {
            return Err(Error::UnknownTensor { origin: origin.into(), name: name.clone() });
        }
        for (name, var) in &all {
            let value = stored
                .get(*name)
                .ok_or_else(|| Error::MissingTensor { origin: origin.into(), name: (*name).clone() })?;
            if value.shape() != var.shape() {
                return Err(Error::StoredShape {
                    origin: origin.into(),
                    name: (*name).clone(),
                    found: value.dims().to_vec(),
                    expected: var.dims().to_vec(),
                });
            }
        }
        for (name, var) in all {
            // A copy, because candle refuses to set a variable from its own storage.
            var.set(&stored[name].to_dtype(var.dtype())?.to_device(var.device())?.copy()?)?;
        }
        Ok(())
    }
}

/// The most numbers of one parameter: 2 GiB in single precision, more than any machine that this is for can train.
const LARGEST: u128 = 1 << 29;

/// A place in the tree of parameter names, where a layer asks for its parameters.
#[derive(Clone, Debug)]
pub struct Scope {
    store: Arc<Mutex<Parameters>>,
    prefix: String,
    key: Key,
    dtype: DType,
    device: Device,
}

impl Scope {
    /// The root of a new, empty store. Initial values come from `key` and the parameter's full name.
    #[must_use]
    pub fn root(key: Key, dtype: DType, device: &Device) -> Self {
        Self { store: Arc::default(), prefix: String::new(), key, dtype, device: device.clone() }
    }

    /// The scope `name` below this one.
    #[must_use]
    pub fn enter(&self, name: impl std::fmt::Display) -> Self {
        Self { prefix: self.full_name(name), ..self.clone() }
    }

    /// The element type of parameters.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where parameters live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// A new trained parameter.
    ///
    /// # Shapes
    /// - returns: `shape`
    ///
    /// # Errors
    /// The name is taken, there are more than 2^29 numbers, or candle cannot make the tensor.
    pub fn parameter(&self, name: &str, shape: impl Into<Shape>, init: Init) -> Result<Tensor> {
        let (shape, name) = (shape.into(), self.full_name(name));
        let count = shape.dims().iter().fold(1u128, |count, &size| count.saturating_mul(size as u128));
        if count > LARGEST {
            let gigabytes = u64::try_from(count * 4 / 1_000_000_000).unwrap_or(u64::MAX);
            return Err(Error::TooLarge { name, shape: shape.dims().to_vec(), gigabytes });
        }
        let var = Var::from_tensor(&self.initial(&name, shape, init)?)?;
        let tensor = var.as_tensor().clone();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.check_free(&name)?;
        store.trained.insert(name, var);
        Ok(tensor)
    }

    /// A new buffer with a first value.
    ///
    /// # Shapes
    /// - `value`: any
    ///
    /// # Errors
    /// The name is taken, or candle cannot make the tensor.
    pub fn buffer(&self, name: &str, value: &Tensor) -> Result<Buffer> {
        let name = self.full_name(name);
        let var = Var::from_tensor(&value.to_device(&self.device)?)?;
        let value = var.as_detached_tensor();
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.check_free(&name)?;
        store.buffers.insert(name.clone(), var);
        Ok(Buffer { name, value })
    }

    /// Everything made in this tree so far.
    pub fn parameters(&self) -> Parameters {
        self.store.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The full name that `name` has in the store when it is made in this scope.
    pub fn full_name(&self, name: impl std::fmt::Display) -> String {
        if self.prefix.is_empty() { name.to_string() } else { format!("{}.{name}", self.prefix) }
    }

    fn initial(&self, name: &str, shape: Shape, init: Init) -> Result<Tensor> {
        let key = self.key.named(name);
        let uniform = |bound: f64| -> Result<Tensor> {
            Ok(random::uniform(&key, shape.clone(), self.dtype, &self.device)?.affine(2.0 * bound, -bound)?)
        };
        let normal = |deviation: f64| -> Result<Tensor> {
            Ok(random::normal(&key, shape.clone(), self.dtype, &self.device)?.affine(deviation, 0.0)?)
        };
        match init {
            Init::Constant(value) => Ok(Tensor::zeros(shape, self.dtype, &self.device)?.affine(0.0, value)?),
            Init::Normal(deviation) => normal(deviation),
            Init::Uniform(bound) => uniform(bound),
            Init::KaimingNormal { fan_in } => normal((2.0 / fan_in.max(1) as f64).sqrt()),
            Init::XavierUniform { fan_in, fan_out } => uniform((6.0 / (fan_in + fan_out).max(1) as f64).sqrt()),
        }
    }
}
