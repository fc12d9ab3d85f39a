//! Decoders of other crates that panic on some damaged files: their panics as errors.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// Whether panics of this thread are being turned into errors, and so are not to be printed.
    static CONTAINED: Cell<bool> = const { Cell::new(false) };
}

/// What `decode` returns, or the message of its panic through `damaged`. The panic is not printed; those of other
/// threads and of anything else are, as before.
pub(super) fn contain<T, E>(decode: impl FnOnce() -> Result<T, E>, damaged: impl FnOnce(String) -> E) -> Result<T, E> {
    static QUIET: Once = Once::new();
    QUIET.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |panic| {
            if !CONTAINED.get() {
                usual(panic);
            }
        }));
    });
    let outer = CONTAINED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(decode));
    CONTAINED.set(outer);
    result.unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        Err(damaged(text.unwrap_or("the decoder failed").to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_become_errors() {
        assert_eq!(contain(|| Ok::<_, String>(3), |text| text), Ok(3));
        assert_eq!(contain(|| Err::<u8, _>("no".to_owned()), |text| text), Err("no".into()));
        let empty: [u8; 0] = [];
        let place = std::hint::black_box(2);
        let error = contain(|| Ok::<_, String>(empty[place]), |text| text).unwrap_err();
        assert!(error.contains("out of bounds"), "{error}");
    }
}
