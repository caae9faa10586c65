use std::time::Instant;

use astralform_domain::chain;
use http::{Method, StatusCode};
use tracing::Level;
use url::Position;

use crate::{EgressError, Outgoing};

/// A request as the log may have it: without path and query, where credentials may stand.
pub(crate) struct Logged {
    method: Method,
    host: String,
    at: Instant,
}

impl Logged {
    /// Remembers what the log says of a request, where it says anything of one.
    pub(crate) fn if_wanted(request: &Outgoing) -> Option<Self> {
        tracing::enabled!(Level::DEBUG).then(|| Self::of(request))
    }

    fn of(request: &Outgoing) -> Self {
        let host = request.url[Position::BeforeHost..Position::AfterPort].to_owned();
        Self { method: request.method.clone(), host, at: Instant::now() }
    }

    /// Writes what was answered, and how many bytes of a body.
    pub(crate) fn answered(self, status: StatusCode, bytes: usize) {
        let ms = self.ms();
        let Self { method, host, at: _ } = self;
        let status = status.as_u16();
        tracing::debug!(%method, host, status, bytes, ms, "a provider answered");
    }

    /// Writes why there is no answer.
    pub(crate) fn failed(self, error: &EgressError) {
        let ms = self.ms();
        let Self { method, host, at: _ } = self;
        let error = chain(error);
        tracing::debug!(%method, host, error, ms, "a provider did not answer");
    }

    fn ms(&self) -> u64 {
        u64::try_from(self.at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
