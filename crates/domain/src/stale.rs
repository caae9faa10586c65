use thiserror::Error;

/// That what is to be changed is not what the sender has seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "it was changed meanwhile, and has the version {current} now: read it again, and send the \
     version that you saw in If-Match"
)]
pub struct Stale {
    /// The version that there is.
    pub current: i64,
}

impl Stale {
    /// Checks that what is stored has the version that a change is meant for, if it names one.
    ///
    /// # Errors
    /// When it has another.
    pub fn check(expected: Option<i64>, current: i64) -> Result<(), Self> {
        match expected {
            Some(expected) if expected != current => Err(Self { current }),
            _ => Ok(()),
        }
    }
}
