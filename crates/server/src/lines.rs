//! One line of the log for each tool call and each refusal: which it was, how it ended and how long
//! it took, and nothing of what was sent or got.

use std::sync::Arc;

use astralform_domain::ToolName;
use astralform_surface::served::{self, Served};
use axum::{
    extract::{MatchedPath, Request},
    http::{Method, StatusCode},
};
use tokio::time::Instant;

/// The target of lines about requests of callers whose credential is good. There are more of these
/// than of other lines ([`limits::CALL_LINES`](astralform_domain::limits::CALL_LINES)).
pub const CALLS: &str = "calls";

/// A request until its line is written.
pub(crate) struct LogLine {
    served: Arc<Served>,
    began: Instant,
    method: Method,
    /// The address as the table of operations has it: a real one may hold a secret.
    route: Option<MatchedPath>,
    has_ended: bool,
}

impl LogLine {
    pub(crate) fn begin(served: &Arc<Served>, request: &Request) -> Self {
        Self {
            served: Arc::clone(served),
            began: Instant::now(),
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            has_ended: false,
        }
    }

    /// Writes the line of a request that was answered, where it has one.
    pub(crate) fn end(mut self, status: StatusCode) {
        self.has_ended = true;
        if status.is_client_error() || status.is_server_error() {
            self.write_refusal(status.as_u16());
        } else {
            self.write_call();
        }
    }

    fn write_call(&self) {
        let Some(call) = self.served.call() else { return };
        served::as_of(&self.served, || {
            tracing::info!(
                target: CALLS,
                tool = call.tool.as_str(),
                outcome = call.outcome,
                ms = self.milliseconds(),
                call.id = call.id.map(tracing::field::display),
                "tool called"
            );
        });
    }

    fn write_refusal(&self, status: u16) {
        let ms = self.milliseconds();
        let method = self.method.as_str();
        let route = self.route.as_ref().map(MatchedPath::as_str);
        let code = self.served.refusal();
        let tool = self.served.call().map(|call| call.tool);
        let tool = tool.as_ref().map(ToolName::as_str);
        // A flood of requests without a credential must not crowd out the lines of callers.
        served::as_of(&self.served, || {
            if self.served.is_admitted() {
                tracing::info!(target: CALLS, tool, code, status, ms, method, route, "refused");
            } else {
                tracing::info!(code, status, ms, method, route, "refused");
            }
        });
    }

    fn milliseconds(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        if !self.has_ended && self.served.call().is_some() {
            self.served.note_outcome("caller_gone", None);
            self.write_call();
        }
    }
}
