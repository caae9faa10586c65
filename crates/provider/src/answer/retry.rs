//! Whether a request is sent once more: pure functions.

use std::time::Duration;

use astralform_catalog::Tool;
use astralform_domain::FailureKind;
use astralform_egress::EgressError;
use http::StatusCode;

use super::Shaped;

/// How one sending of a request ended, besides what its answer amounts to.
#[derive(Clone, Copy, Debug)]
pub struct Sending {
    /// The answer's status, where there was one.
    pub status: Option<StatusCode>,
    /// Whether sending it again could only end the same way.
    pub is_final: bool,
}

impl Sending {
    /// Returns a sending that an answer of that status came to.
    pub const fn answered(status: Option<StatusCode>) -> Self {
        Self { status, is_final: false }
    }

    /// Returns a sending that no answer came to.
    pub const fn unanswered(error: &EgressError) -> Self {
        let is_final = error.is_ours() || matches!(error, EgressError::TooLarge);
        Self { status: None, is_final }
    }
}

/// The longest that a throttle is waited out inside a call; a longer one is the caller's to plan.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a provider in trouble is left alone.
const PAUSE: Duration = Duration::from_millis(250);

/// Returns after how long the request is sent once more, if at all.
///
/// A throttle says that nothing was done, so its time is waited out for every request. After any
/// other failure the request is sent again only where sending it twice is like sending it once.
pub fn retry_delay(tool: &Tool, shaped: &Shaped, sending: Sending) -> Option<Duration> {
    let Shaped::Failed(failure) = shaped else { return None };
    match failure.kind {
        FailureKind::RateLimited => failure.retry_after.filter(|after| *after <= PATIENCE),
        _ if sending.is_final || !tool.annotations.is_repeatable() => None,
        _ => match sending.status {
            None => (failure.kind != FailureKind::Timeout).then_some(PAUSE),
            Some(status) => is_passing(status).then_some(PAUSE),
        },
    }
}

/// Returns whether a status tells of a server's trouble that may be over in a moment.
fn is_passing(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

#[cfg(test)]
mod tests;
