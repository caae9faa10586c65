use std::time::Duration;

use astralform_http::rate::now;

/// A clock for work: returns a time from which others are subtracted.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(pub(crate) fn() -> Duration);

impl Stopwatch {
    /// The time that passes.
    pub(crate) const WALL: Self = Self(|| Duration::from_nanos(now()));
}
