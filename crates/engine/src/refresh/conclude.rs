//! What a provider's reply means for a connection. Pure.

use std::time::Duration;

use astralform_catalog::{OAuth, RefreshTokenRotation};
use astralform_domain::{ProviderError, RefreshFailure, RefreshOutcome, StatusReason};
use astralform_provider::{
    AppReply,
    oauth::{Granted, Refreshed, read_refreshed},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};

/// What came of sending a refresh token.
pub(super) enum Reply {
    /// An answer.
    Answered(Answered),
    /// It never left.
    NotSent,
    /// It never left, and will not before a setting changes.
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

/// An answer, read once.
pub(super) struct Answered {
    pub(super) raw: RawAnswer,
    pub(super) read: Refreshed,
    /// When the provider wants to be asked again.
    pub(super) after: Option<Duration>,
}

impl Answered {
    /// Reads an answer to a refresh of a token of that kind.
    pub(super) fn read(oauth: &OAuth, kind: &str, raw: RawAnswer, after: Option<Duration>) -> Self {
        let read = read_refreshed(oauth, kind, raw.status(), raw.body.as_bytes());
        Self { raw, read, after }
    }
}

impl AppReply for Answered {
    fn refuses_app(&self) -> bool {
        self.read.refuses_app()
    }
}

impl RawAnswer {
    fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::BAD_GATEWAY)
    }
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
}

impl Conclusion {
    /// Returns the word it is counted by.
    pub(super) const fn outcome(&self) -> RefreshOutcome {
        match self {
            Self::Renewed(_) => RefreshOutcome::Success,
            Self::Ended(StatusReason::RefreshOutcomeUnknown) => RefreshOutcome::CliffUpstream,
            Self::Ended(_) => RefreshOutcome::CorrectInvalidGrant,
            Self::AppRejected(_) => RefreshOutcome::AppRejected,
            Self::Deferred(_) => RefreshOutcome::Upstream5xx,
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
    /// Whether that is of no use before a setting changes.
    pub(super) needs_setting: bool,
    /// For the connection's history.
    pub(super) failure: RefreshFailure,
    /// For the log.
    pub(super) why: String,
}

impl Deferral {
    fn new(failure: RefreshFailure, after: Option<Duration>, why: impl Into<String>) -> Self {
        let why = why.into();
        Self { after, casts_doubt: false, is_refusal: false, needs_setting: false, failure, why }
    }
}

/// Decides what follows. `in_doubt` says that the refresh token may have been used up before.
pub(super) fn conclude(oauth: &OAuth, reply: &Reply, in_doubt: bool) -> Conclusion {
    let answered = match reply {
        Reply::Answered(answered) => answered,
        Reply::NotAllowed(why) => {
            let deferral = Deferral::new(RefreshFailure::NotAllowed, None, why);
            return Conclusion::Deferred(Deferral { needs_setting: true, ..deferral });
        }
        Reply::NotSent => {
            let why = "the provider could not be reached";
            return Conclusion::Deferred(Deferral::new(RefreshFailure::Unreachable, None, why));
        }
        Reply::Lost => {
            let why = "the provider did not answer";
            let deferral = Deferral::new(RefreshFailure::NoAnswer, None, why);
            return Conclusion::Deferred(Deferral { casts_doubt: true, ..deferral });
        }
    };
    let Answered { raw, read, after } = answered;
    match read {
        Refreshed::Granted(granted) => Conclusion::Renewed(granted.clone()),
        Refreshed::Rejected => Conclusion::Ended(ending(oauth, in_doubt)),
        Refreshed::AppRejected(said) => Conclusion::AppRejected(said.clone()),
        Refreshed::Refused(said) => Conclusion::Deferred(Deferral {
            is_refusal: after.is_none(),
            ..Deferral::new(RefreshFailure::Refused, *after, format!("it answered {said}"))
        }),
        Refreshed::Deferred(code) => {
            let why = format!("it answered {code}");
            Conclusion::Deferred(Deferral::new(RefreshFailure::Unavailable, *after, why))
        }
        Refreshed::Unclear => {
            let status = raw.status();
            let is_down = status.is_server_error();
            let failure =
                if is_down { RefreshFailure::Unavailable } else { RefreshFailure::Unreadable };
            Conclusion::Deferred(Deferral {
                casts_doubt: true,
                is_refusal: status.is_client_error() && after.is_none(),
                ..Deferral::new(failure, *after, format!("it answered with status {}", raw.status))
            })
        }
    }
}

/// Returns why a connection whose refresh token is refused ends. A refresh token that can be used
/// again was not used up by us.
fn ending(oauth: &OAuth, in_doubt: bool) -> StatusReason {
    if in_doubt && oauth.refresh.rotation == RefreshTokenRotation::SingleUse {
        StatusReason::RefreshOutcomeUnknown
    } else {
        StatusReason::RefreshRejected
    }
}

#[cfg(test)]
mod tests;
