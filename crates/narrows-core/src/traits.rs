//! What a model is to everything that uses or trains it.

use candle_core::Tensor;
use narrows_tensor::{Gradients, Key, Parameters};

use crate::{Batch, Diagnostic, Group, Probabilistic, Result, Spec, StepContext, StepOutput};

/// A trained or fresh autoencoder in use. All methods are deterministic; there is no training flag.
pub trait Autoencoder: Send + Sync {
    /// The dimensions of samples and codes.
    fn spec(&self) -> &Spec;

    /// The codes of samples; for a variational model the posterior mean.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..code]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn encode(&self, x: &Tensor) -> Result<Tensor>;

    /// The expected samples of codes, in the space of features.
    ///
    /// # Shapes
    /// - `z`: `[N, ..code]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn decode(&self, z: &Tensor) -> Result<Tensor>;

    /// The samples after passing through the bottleneck.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn reconstruct(&self, x: &Tensor) -> Result<Tensor> {
        self.decode(&self.encode(x)?)
    }

    /// The codes of samples under conditions; models that take none look at the samples alone.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `condition`: `[N, condition]`; without it, or where it is 0, the condition is unknown
    /// - returns: `[N, ..code]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn encode_given(&self, x: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        let _ = condition;
        self.encode(x)
    }

    /// The expected samples of codes under conditions.
    ///
    /// # Shapes
    /// - `z`: `[N, ..code]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn decode_given(&self, z: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        let _ = condition;
        self.decode(z)
    }

    /// The samples after passing through the bottleneck under their conditions.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn reconstruct_given(&self, x: &Tensor, condition: Option<&Tensor>) -> Result<Tensor> {
        match condition {
            None => self.reconstruct(x),
            Some(_) => self.decode_given(&self.encode_given(x, condition)?, condition),
        }
    }

    /// The reconstructions of each member of an ensemble; of a single model its own. The spread between them, and their
    /// single errors, say more than their mean alone.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N, ..sample]` each
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn reconstructions(&self, x: &Tensor) -> Result<Vec<Tensor>> {
        Ok(vec![self.reconstruct(x)?])
    }

    /// A sample for each code: where the model describes features by distributions, drawn from them, else the expected one.
    ///
    /// # Shapes
    /// - `z`: `[N, ..code]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn draw(&self, z: &Tensor, key: &Key) -> Result<Tensor> {
        let _ = key;
        self.decode(z)
    }

    /// A sample for each code under a condition.
    ///
    /// # Shapes
    /// - `z`: `[N, ..code]`
    /// - `condition`: `[N, condition]`
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn draw_given(&self, z: &Tensor, condition: Option<&Tensor>, key: &Key) -> Result<Tensor> {
        let _ = condition;
        self.draw(z, key)
    }

    /// Codes drawn from the distribution that training drew codes towards; `None` where there is none.
    ///
    /// # Shapes
    /// - returns: `[n, ..code]`
    ///
    /// # Errors
    /// Candle cannot draw them.
    fn draw_codes(&self, n: usize, key: &Key) -> Result<Option<Tensor>> {
        let _ = (n, key);
        Ok(None)
    }

    /// The model's distribution over samples, if it has one.
    fn probabilistic(&self) -> Option<&dyn Probabilistic> {
        None
    }

    /// The number of values that describe a sample: all of the code, or of a sparse one those that are active at a time.
    /// As many principal components are what the model is compared with.
    ///
    /// # Errors
    /// Candle cannot read a buffer.
    fn active(&self) -> Result<usize> {
        Ok(self.spec().code.elements())
    }

    /// Hidden values as the model expects them from those that are not hidden; `None` for models that were not trained to.
    /// What it gives for values that are not hidden means nothing.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - `hidden`: `[N, ..sample]`, 1 for what is hidden, else 0
    /// - returns: `[N, ..sample]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn predict_hidden(&self, x: &Tensor, hidden: &Tensor) -> Result<Option<Tensor>> {
        let _ = (x, hidden);
        Ok(None)
    }

    /// How strange the model itself finds each sample, as a squared distance: what it was trained to make small for usual
    /// samples. `None` for models of which the reconstruction error tells it.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[N]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn strangeness(&self, x: &Tensor) -> Result<Option<Tensor>> {
        let _ = x;
        Ok(None)
    }

    /// How much samples use each unit of the code, summed over the samples: how often a latent is active, how many nats a
    /// latent carries, how often an entry of a codebook is chosen. `None` for models whose codes need no watching.
    ///
    /// # Shapes
    /// - `x`: `[N, ..sample]`
    /// - returns: `[units]`
    ///
    /// # Errors
    /// The batch is empty or of another shape.
    fn usage(&self, x: &Tensor) -> Result<Option<Tensor>> {
        let _ = x;
        Ok(None)
    }

    /// What the mean use of each unit over samples says, with a warning where it is poor.
    ///
    /// # Errors
    /// Candle cannot read a buffer.
    fn diagnose(&self, usage: &[f64]) -> Result<Vec<Diagnostic>> {
        let _ = usage;
        Ok(Vec::new())
    }
}

/// An autoencoder that can be trained.
pub trait Trainable: Autoencoder {
    /// Parameters and buffers by name.
    fn parameters(&self) -> &Parameters;

    /// The loss of `group` on `batch`. Commits nothing: changes to buffers are returned.
    ///
    /// # Errors
    /// The batch does not fit the model.
    fn step(&self, group: &Group, batch: &Batch, at: &StepContext) -> Result<StepOutput>;

    /// Whether the gradient of this parameter is by intention none of the loss: passed straight through a step function
    /// (Bengio, Léonard & Courville 2013). Finite differences do not check it.
    fn surrogate(&self, parameter: &str) -> bool {
        let _ = parameter;
        false
    }

    /// The phases of a step, in order.
    fn groups(&self) -> &[Group] {
        &[Group::ALL]
    }

    /// Sets data-dependent initial values from training rows, once, before the first step of a run.
    ///
    /// # Errors
    /// The batch does not fit the model.
    fn prepare(&mut self, first: &Batch) -> Result<()> {
        let _ = first;
        Ok(())
    }

    /// Changes gradients before clipping, for example removes the radial component of unit-norm columns.
    ///
    /// # Errors
    /// Candle cannot compute the change.
    fn adjust(&self, gradients: &mut Gradients) -> Result<()> {
        let _ = gradients;
        Ok(())
    }

    /// Moves parameters back onto their constraint set after an update.
    ///
    /// # Errors
    /// Candle cannot compute the projection.
    fn project(&self) -> Result<()> {
        Ok(())
    }

    /// Completes the model after the last step.
    ///
    /// # Errors
    /// Candle cannot compute a final value.
    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}
