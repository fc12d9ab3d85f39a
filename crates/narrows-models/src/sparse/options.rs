//! What sparse variants have in common in their options: sizes where none are given, and checks.

use crate::config::{Active, Samples};
use crate::variant::check_likelihood;
use crate::{DataSpec, Error, Result};

/// Latents for each feature where nobody asks for a number.
const EXPANSION: usize = 8;
/// Active latents by default, where a code has enough.
const ACTIVE: usize = 32;
/// Share of the latents that is active by default, where a code is small.
const SHARE: usize = 8;
/// A latent is dead that was not active while one that is used as often as others was active this many times.
const MISSED: usize = 256;

/// Latents where nobody asks for a number.
pub fn default_latents(data: &DataSpec) -> usize {
    (EXPANSION * data.features()).min(1 << 16)
}

/// Active latents of a sample: those asked for, else 32, in small codes an eighth.
pub fn active(k: Option<&Active>, latents: usize) -> usize {
    k.map_or(ACTIVE.min(latents / SHARE).max(1), |k| *k.get())
}

/// Samples without activity after which a latent counts as dead: those asked for, else those in which a latent that is used
/// as often as the others is active 256 times.
pub fn dead_after(samples: Option<&Samples>, latents: usize, active: usize) -> usize {
    samples.map_or(MISSED * latents.div_ceil(active.max(1)), |samples| *samples.get())
}

/// The data describes itself consistently, and none of the named options counts more latents than there are.
///
/// # Errors
/// One of these does not hold.
pub fn check(
    model: &'static str,
    options: [(&'static str, Option<&Active>); 2],
    latents: usize,
    data: &DataSpec,
) -> Result<()> {
    check_likelihood(data)?;
    for (option, count) in options.into_iter().filter_map(|(option, count)| Some((option, *count?.get()))) {
        if count > latents {
            return Err(Error::Contradiction {
                model,
                option,
                value: count.to_string(),
                other: format!("code = {latents}"),
                reason: format!("there are no more than {latents} latents"),
                remedy: format!("choose {option} of at most {latents}, or a larger code"),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use narrows_core::Dims;

    use super::*;

    #[test]
    fn sizes_follow_from_the_code_and_contradictions_are_refused() {
        assert_eq!([active(None, 6144), active(None, 64), active(None, 3)], [32, 8, 1]);
        assert_eq!(dead_after(None, 6144, 32), 256 * 192);
        let data = DataSpec::gaussian(Dims::new([384]));
        assert_eq!(default_latents(&data), 3072);
        let k = Active::new(33).unwrap();
        for options in [[("k", Some(&k)), ("aux-k", None)], [("k", None), ("aux-k", Some(&k))]] {
            let option = if options[0].1.is_some() { "k" } else { "aux-k" };
            let message = check("top-k", options, 32, &data).unwrap_err().to_string();
            assert!(message.starts_with(&format!("top-k: {option} = 33 contradicts code = 32")), "{message}");
            assert!(message.contains(&format!("choose {option} of at most 32")), "{message}");
            assert!(check("top-k", options, 33, &data).is_ok());
        }
    }
}
