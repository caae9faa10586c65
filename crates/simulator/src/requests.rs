use std::collections::VecDeque;

use serde::Serialize;

const KEPT: usize = 1_000;
const REDACTED: &str = "[redacted]";
const SECRET_PARAMETERS: &[&str] = &[
    "access_token",
    "assertion",
    "client_secret",
    "code",
    "code_verifier",
    "refresh_token",
    "state",
    "token",
];

/// What is remembered of one request; never a secret, never a body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// Counts up from 1; gaps mean that older requests were forgotten.
    pub number: u64,
    /// When it arrived, in microseconds since 1970.
    pub at_micros: i64,
    /// The HTTP method.
    pub method: String,
    /// The path as it was requested.
    pub path: String,
    /// The short name faults use too, such as `conversations.list` or `oauth/v2/authorize`.
    pub endpoint: String,
    /// The query's parameters in order, values of secret ones redacted.
    pub query: Vec<(String, String)>,
    /// The first word of the `Authorization` header.
    pub authorization_scheme: Option<String>,
    /// The app that called, as far as the request or its token told.
    pub client_id: Option<String>,
    /// The grant type, for calls of the token endpoint.
    pub grant_type: Option<String>,
    /// The error code of the answer.
    pub error: Option<String>,
    /// The fault that struck.
    pub fault: Option<String>,
    /// The HTTP status; none when no answer was sent, or not yet.
    pub status: Option<u16>,
}

/// What only the handler knows about a request; it travels as an extension of the response.
#[derive(Debug, Clone, Default)]
pub(crate) struct Noted {
    pub(crate) client_id: Option<String>,
    pub(crate) grant_type: Option<String>,
    pub(crate) error: Option<String>,
}

/// The last thousand requests.
#[derive(Default)]
pub(crate) struct RequestLog {
    next: u64,
    kept: VecDeque<RecordedRequest>,
}

// === impl RequestLog ===

impl RequestLog {
    /// Remembers a request on arrival and returns its number.
    pub(crate) fn begin(&mut self, mut request: RecordedRequest) -> u64 {
        self.next += 1;
        request.number = self.next;
        self.kept.push_back(request);
        if self.kept.len() > KEPT {
            self.kept.pop_front();
        }
        self.next
    }

    /// Completes a request; one already forgotten stays forgotten.
    pub(crate) fn finish(&mut self, number: u64, noted: Noted, status: Option<u16>) {
        let Some(request) = self.kept.iter_mut().find(|request| request.number == number) else {
            return;
        };
        request.client_id = noted.client_id.or(request.client_id.take());
        request.grant_type = noted.grant_type;
        request.error = noted.error;
        request.status = status;
    }

    pub(crate) fn all(&self) -> Vec<RecordedRequest> {
        self.kept.iter().cloned().collect()
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// Returns the query's parameters with everything that could be a secret redacted.
pub(crate) fn redacted_query(query: &str, token_marks: &[&str]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(query.as_bytes())
        .map(|(name, value)| {
            let marked = token_marks.iter().any(|mark| value.contains(mark));
            let secret = SECRET_PARAMETERS.contains(&&*name) || marked;
            let value = if secret { REDACTED.to_owned() } else { value.into_owned() };
            (name.into_owned(), value)
        })
        .collect()
}
