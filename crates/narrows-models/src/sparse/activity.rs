//! How long latents have been idle, and how many are active at a time: counted in training, kept in buffers.

use candle_core::{DType, Tensor};
use narrows_core::{Diagnostic, Result, StepContext, Update, usage};
use narrows_tensor::{Buffer, Scope};

use super::Code;

/// Idle samples are counted up to this many: beyond it, single precision would lose the last digits.
const LONGEST: f32 = 16_000_000.0;

/// Counts of a sparse code's use.
#[derive(Clone, Debug)]
pub struct Activity {
    /// Samples since each latent was active, `[latents]`.
    idle: Buffer,
    /// Samples seen in training, `[1]`.
    seen: Buffer,
    /// Running mean of the active latents of a sample, `[1]`.
    active: Buffer,
    /// Samples without activity after which a latent counts as dead.
    dead_after: usize,
}

impl Activity {
    /// Counts at zero.
    ///
    /// # Errors
    /// The scope has buffers of these names already.
    pub fn new(latents: usize, dead_after: usize, scope: &Scope) -> Result<Self> {
        let zeros = |name: &str, len: usize| -> Result<Buffer> {
            Ok(scope.buffer(name, &Tensor::zeros(len, scope.dtype(), scope.device())?)?)
        };
        Ok(Self { idle: zeros("idle", latents)?, seen: zeros("seen", 1)?, active: zeros("active", 1)?, dead_after })
    }

    /// The counts after a step with this code.
    ///
    /// # Errors
    /// Candle cannot read the code.
    pub fn after(&self, code: &Code, at: &StepContext) -> Result<Vec<Update>> {
        let mut idle = values(&self.idle)?;
        let counts = code.counts(idle.len())?;
        let rows = match code {
            Code::Few(active) => active.values.dim(0)?,
            Code::All(values) => values.dim(0)?,
        };
        for (idle, count) in idle.iter_mut().zip(&counts) {
            *idle = if *count > 0 { 0.0 } else { (*idle + rows as f32).min(LONGEST) };
        }
        let now = counts.iter().map(|&count| f64::from(count)).sum::<f64>() / rows as f64;
        // Quick at first, then over about a hundred steps.
        let decay = 0.99f64.min(at.step as f64 / (at.step + 1) as f64);
        let before = values(&self.active)?.first().map_or(0.0, |&mean| f64::from(mean));
        let mean = decay * before + (1.0 - decay) * now;
        let seen = values(&self.seen)?.first().map_or(0.0, |&seen| f64::from(seen)) + rows as f64;
        Ok(vec![
            update(&self.idle, idle)?,
            update(&self.seen, vec![seen as f32])?,
            update(&self.active, vec![mean as f32])?,
        ])
    }

    /// The latents that have been idle for too long, ascending.
    ///
    /// # Errors
    /// Candle cannot read a buffer.
    pub fn dead(&self) -> Result<Vec<u32>> {
        self.idle_for(self.dead_after as f32)
    }

    /// Active latents of a sample, as far as training showed.
    ///
    /// # Errors
    /// Candle cannot read a buffer.
    pub fn mean(&self) -> Result<f64> {
        Ok(values(&self.active)?.first().map_or(0.0, |&mean| f64::from(mean)))
    }

    fn idle_for(&self, samples: f32) -> Result<Vec<u32>> {
        let idle = values(&self.idle)?;
        Ok((0..idle.len() as u32).filter(|&latent| idle[latent as usize] >= samples).collect())
    }

    /// Active latents a sample, and the share of dead ones: those that neither evaluated samples nor the last of training
    /// used.
    ///
    /// # Errors
    /// Candle cannot read a buffer.
    pub fn diagnose(&self, usage: &[f64], remedy: &str) -> Result<Vec<Diagnostic>> {
        let seen = values(&self.seen)?.first().copied().unwrap_or(0.0);
        let span = seen.min(self.dead_after as f32);
        let idle = self.idle_for(span)?;
        let dead = idle.iter().filter(|&&latent| usage.get(latent as usize) == Some(&0.0)).count();
        let share = dead as f64 / usage.len().max(1) as f64;
        let warning = || {
            format!(
                "{:.0} % of the latents ({dead} of {}) are dead: no evaluated sample and none of the last {span} training \
                 samples used them. {remedy}",
                100.0 * share,
                usage.len()
            )
        };
        Ok(vec![
            Diagnostic::new("active latents a sample", usage.iter().sum()),
            Diagnostic::new("dead latents, share", share).warn(share > usage::POOR, warning),
        ])
    }
}

fn values(buffer: &Buffer) -> Result<Vec<f32>> {
    Ok(buffer.value().to_dtype(DType::F32)?.to_vec1()?)
}

fn update(buffer: &Buffer, values: Vec<f32>) -> Result<Update> {
    let old = buffer.value();
    Ok(Update::new(buffer, Tensor::from_vec(values, old.shape(), old.device())?.to_dtype(old.dtype())?))
}

#[cfg(test)]
mod tests {
    use candle_core::Device;
    use narrows_tensor::Key;

    use super::*;

    #[test]
    fn idle_latents_die_and_are_warned_about_until_they_are_active_again() {
        let scope = Scope::root(Key::new(0), DType::F32, &Device::Cpu);
        let activity = Activity::new(4, 5, &scope).unwrap();
        let parameters = scope.parameters();
        let step = |code: &[[f32; 4]; 3], step: u64| {
            let code = Code::All(Tensor::new(code, &Device::Cpu).unwrap());
            let at = StepContext { step, steps: 9, key: Key::new(0) };
            for update in activity.after(&code, &at).unwrap() {
                parameters.buffer(&update.name).unwrap().set(&update.value).unwrap();
            }
        };
        step(&[[1.0, 0.0, 0.0, 0.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], 0);
        assert!((activity.mean().unwrap() - 2.0 / 3.0).abs() < 1e-6 && activity.dead().unwrap().is_empty());
        // After three samples, whatever was idle for all three counts as dead in an evaluation.
        let found = activity.diagnose(&[0.5, 0.0, 0.0, 0.25], "Do this.").unwrap();
        assert_eq!((found[0].value, found[1].value), (0.75, 0.5));
        let warning = found[1].warning.clone().unwrap();
        assert!(warning.starts_with("50 % of the latents (2 of 4)") && warning.ends_with("Do this."), "{warning}");
        step(&[[1.0, 0.0, 0.0, 3.0], [2.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]], 1);
        assert_eq!(activity.dead().unwrap(), [1, 2]);
        step(&[[0.0, 0.0, 0.5, 0.0]; 3], 2);
        assert_eq!(activity.dead().unwrap(), [1]);
        assert!(activity.diagnose(&[0.0, 0.1, 0.0, 0.0], "").unwrap()[1].warning.is_none());
    }
}
