use std::time::Instant;

use astralform_domain::chain;
use http::Method;
use url::Position;

use crate::{Answer, EgressError, Outgoing};

/// A request as the log may have it: without path and query, where credentials may stand.
pub(crate) struct Logged {
    method: Method,
    host: String,
    at: Instant,
}

impl Logged {
    /// Remembers what the log says of a request.
    pub(crate) fn of(request: &Outgoing) -> Self {
        let host = request.url[Position::BeforeHost..Position::AfterPort].to_owned();
        Self { method: request.method.clone(), host, at: Instant::now() }
    }

    /// Writes how it ended.
    pub(crate) fn log(self, answer: &Result<Answer, EgressError>) {
        let Self { method, host, at } = self;
        let ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(Answer { status, body, .. }) => {
                let status = status.as_u16();
                let bytes = body.len();
                tracing::debug!(%method, host, status, bytes, ms, "a provider answered");
            }
            Err(error) => {
                let error = chain(error);
                tracing::debug!(%method, host, error, ms, "a provider did not answer");
            }
        }
    }
}
