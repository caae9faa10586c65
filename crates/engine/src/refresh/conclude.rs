//! What a provider's reply means for a connection; purely.

use std::time::Duration;

use astralform_catalog::{OAuth, Rotation};
use astralform_domain::{ProviderError, RefreshOutcome, StatusReason};
use http::StatusCode;
use serde::{Deserialize, Serialize};

use crate::oauth::{Granted, Refreshed, read_refreshed};

/// What came of sending a refresh token.
pub(super) enum Reply {
    /// An answer.
    Answered(RawAnswer, Option<Duration>),
    /// It never left.
    NotSent,
    /// It never left, and will not before somebody changes a setting.
    NotAllowed(String),
    /// It left, or may have, and no answer came.
    Lost,
}

/// An answer as it is kept before it is read.
#[derive(Serialize, Deserialize)]
pub(super) struct RawAnswer {
    pub(super) status: u16,
    pub(super) body: String,
}

/// What follows from a reply.
pub(super) enum Conclusion {
    /// A new token takes the place of the old one.
    Renewed(Box<Granted>),
    /// The connection ends.
    Ended(StatusReason),
    /// The developer's app is refused; connections stay as they are, for as long as that may be an
    /// incident.
    AppRejected(ProviderError),
    /// It is tried again.
    Deferred(Deferral),
    /// It is tried again, though that is of no use before somebody changes a setting.
    NotAllowed(Deferral),
}

impl Conclusion {
    /// Returns the word it is counted by.
    pub(super) const fn outcome(&self) -> RefreshOutcome {
        match self {
            Self::Renewed(_) => RefreshOutcome::Success,
            Self::Ended(StatusReason::RefreshOutcomeUnknown) => RefreshOutcome::CliffUpstream,
            Self::Ended(_) => RefreshOutcome::CorrectInvalidGrant,
            Self::AppRejected(_) => RefreshOutcome::AppRejected,
            Self::Deferred(_) | Self::NotAllowed(_) => RefreshOutcome::Upstream5xx,
        }
    }
}

/// That it is tried again.
pub(super) struct Deferral {
    /// When the provider wants it.
    pub(super) after: Option<Duration>,
    /// Whether the refresh token may have been used up.
    pub(super) casts_doubt: bool,
    /// Whether the provider has refused it for certain, though not in a word that says why.
    pub(super) is_refusal: bool,
    /// For the log.
    pub(super) why: String,
}

/// Decides what follows. `in_doubt` says that the refresh token may have been used up before.
pub(super) fn conclude(oauth: &OAuth, kind: &str, reply: &Reply, in_doubt: bool) -> Conclusion {
    let deferred = |after, casts_doubt, why: &str| {
        let why = why.to_owned();
        let is_refusal = false;
        Conclusion::Deferred(Deferral { after, casts_doubt, is_refusal, why })
    };
    let (answer, after) = match reply {
        Reply::Answered(answer, after) => (answer, *after),
        Reply::NotAllowed(why) => {
            return Conclusion::NotAllowed(Deferral {
                after: None,
                casts_doubt: false,
                is_refusal: false,
                why: why.clone(),
            });
        }
        Reply::NotSent => return deferred(None, false, "the provider could not be reached"),
        Reply::Lost => return deferred(None, true, "the provider did not answer"),
    };
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::BAD_GATEWAY);
    match read_refreshed(oauth, kind, status, answer.body.as_bytes()) {
        Refreshed::Granted(granted) => Conclusion::Renewed(granted),
        Refreshed::Rejected => Conclusion::Ended(ending(oauth, in_doubt)),
        Refreshed::AppRejected(said) => Conclusion::AppRejected(said),
        Refreshed::Refused(said) => Conclusion::Deferred(Deferral {
            after,
            casts_doubt: false,
            is_refusal: after.is_none(),
            why: format!("it answered {said}"),
        }),
        Refreshed::Deferred(code) => deferred(after, false, &format!("it answered {code}")),
        Refreshed::Unclear => Conclusion::Deferred(Deferral {
            after,
            casts_doubt: true,
            is_refusal: status.is_client_error() && after.is_none(),
            why: format!("it answered with status {}", answer.status),
        }),
    }
}

/// Returns why a connection whose refresh token is refused ends. A refresh token that can be used
/// again was not used up by us.
fn ending(oauth: &OAuth, in_doubt: bool) -> StatusReason {
    if in_doubt && oauth.refresh.rotation == Rotation::SingleUse {
        StatusReason::RefreshOutcomeUnknown
    } else {
        StatusReason::RefreshRejected
    }
}

#[cfg(test)]
mod tests;
