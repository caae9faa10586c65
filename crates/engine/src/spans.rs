//! OpenTelemetry spans of tool calls, one for each call and one below it for each of its parts, sent by
//! OTLP over HTTP in JSON (OTLP 1.x, "OTLP/HTTP"), by the same way out as everything else.
//!
//! They are made of the lines of the call log: no secret, no content and no end user is in them. The
//! format is written here: the library's exporter would bring a way out of its own.

mod encode;

use std::{sync::Arc, time::Duration};

use astralform_domain::{CallLine, Secret, chain};
use astralform_egress::{Allowance, Egress, Outgoing, Reach, Secrets};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use thiserror::Error;
use url::Url;

use crate::{Engine, base::Base};
use encode::request;

/// Where spans are sent.
pub struct Collector {
    /// The whole address, such as `http://127.0.0.1:4318/v1/traces`.
    pub url: Url,
    /// A header that goes with them, such as an API key of the collector.
    pub header: Option<(HeaderName, Secret)>,
    /// What this server is called among those that share the database.
    pub node: String,
}

/// Why spans were not taken.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The collector was not reached.
    #[error("the collector of spans was not reached: {0}")]
    Unanswered(String),
    /// It answered with something else than a success.
    #[error("the collector of spans answered {0}")]
    Refused(StatusCode),
    /// The header cannot be sent.
    #[error("the header for the collector of spans has characters that no header can have")]
    Header,
}

/// Sends the spans of calls.
pub struct SpanExporter {
    base: Arc<Base>,
    egress: Egress,
    to: Collector,
}

/// How many calls are told of in one request.
const BATCH: usize = 500;
/// How long the collector may take.
const WITHIN: Duration = Duration::from_secs(10);
/// How much of its answer is read.
const AT_MOST: usize = 64 * 1024;

impl SpanExporter {
    /// Returns one, and has calls noted for it from now on.
    pub fn new(engine: &Engine, egress: Egress, to: Collector) -> Self {
        let base = Arc::clone(engine.base());
        base.calls.keep_for_spans();
        Self { base, egress, to }
    }

    /// Sends what there is. To be called every second. What the collector may take later waits on,
    /// as long as there is room.
    ///
    /// # Errors
    /// When the collector does not take it.
    pub async fn export(&self) -> Result<(), ExportError> {
        loop {
            let lines = self.base.calls.take_for_spans(BATCH);
            if lines.is_empty() {
                return Ok(());
            }
            if let Err(error) = self.send(&lines).await {
                if error.is_passing() {
                    self.base.calls.put_back_for_spans(lines);
                }
                return Err(error);
            }
        }
    }

    async fn send(&self, lines: &[CallLine]) -> Result<(), ExportError> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let mut secrets = Secrets::none();
        if let Some((name, value)) = &self.to.header {
            let mut text =
                HeaderValue::from_str(value.expose()).map_err(|_| ExportError::Header)?;
            text.set_sensitive(true);
            headers.insert(name.clone(), text);
            secrets.add(value);
        }
        let body = Bytes::from(request(lines, &self.to.node));
        let url = self.to.url.clone();
        let outgoing = Outgoing { method: Method::POST, url, headers, body, secrets };
        let allowance = Allowance { reach: Reach::Network, within: WITHIN, at_most: AT_MOST };
        let answer = self.egress.send(outgoing, allowance).await;
        let answer = answer.map_err(|error| ExportError::Unanswered(chain(&error)))?;
        if answer.status.is_success() { Ok(()) } else { Err(ExportError::Refused(answer.status)) }
    }
}

impl ExportError {
    /// Returns whether the same may be taken later (OTLP, "Retryable Response Codes").
    fn is_passing(&self) -> bool {
        match self {
            Self::Unanswered(_) => true,
            Self::Refused(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            Self::Header => false,
        }
    }
}
