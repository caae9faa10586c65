use std::time::Duration;

use astralform_catalog::{
    Connector, ErrorKind, Tool, Variables,
    jq::{Document, RunError},
};
use astralform_domain::{FailureKind, ScopeSet};
use http::{StatusCode, header};
use serde_json::Value;

use super::CallFailure;
use crate::{
    egress::{Answer, EgressError},
    refusal::{kind, words},
};

/// What a provider's answer amounts to.
#[derive(Debug, PartialEq)]
pub(crate) enum Shaped {
    /// The tool's result.
    Completed(Value),
    /// The token is dead.
    Reconnect,
    /// The token lacks scopes: these, in the provider's spelling, or none where it does not say.
    MissingScopes(ScopeSet),
    /// It went wrong.
    Failed(CallFailure),
}

/// Reads a provider's answer: answer in, result out, nothing else.
pub(crate) fn shape(
    connector: &Connector,
    tool: &Tool,
    arguments: &Value,
    answer: &Answer,
) -> Shaped {
    let variables = Variables { arguments, status: Some(answer.status.as_u16()) };
    let reading = Reading { connector, tool, answer, variables };
    match (document(answer), answer.status.is_success()) {
        (Some(document), true) => reading.success(&document),
        (Some(document), false) => {
            let code = reading.code(&document).ok().flatten();
            reading.refusal(&document, code.as_deref())
        }

        (None, false) if answer.status.is_client_error() => {
            reading.refusal(&Document::null(), None)
        }
        (None, _) => reading.nonsense("something that is not JSON"),
    }
}

/// The body, where there is one that can be read; an answer that has none says null.
fn document(answer: &Answer) -> Option<Document> {
    let has_no_body = matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT);
    if has_no_body { Some(Document::null()) } else { Document::parse(&answer.body).ok() }
}

/// What it means that no answer came. A change that may have arrived may have happened.
pub(crate) fn no_answer(connector: &Connector, tool: &Tool, error: &EgressError) -> CallFailure {
    let name = &connector.name;
    let changes = !tool.annotations.read_only;
    let (kind, message) = match error {
        EgressError::Forbidden => (
            FailureKind::Misconfigured,
            format!(
                "The address of {name} may not be called from here; its operator has to check the connector's endpoints and ALLOW_PRIVATE_NETWORKS."
            ),
        ),
        EgressError::Unreachable(_) => (
            FailureKind::ProviderUnavailable,
            format!("{name} could not be reached. Try again later."),
        ),
        EgressError::TooLarge if changes => (
            FailureKind::ResponseTooLarge,
            format!(
                "The answer of {name} is too large to read. It was probably done: check before trying again."
            ),
        ),
        EgressError::TooLarge => (
            FailureKind::ResponseTooLarge,
            format!("The answer of {name} is too large. Ask for less at a time."),
        ),
        EgressError::NoAnswer(_) | EgressError::TimedOut if changes => (
            FailureKind::OutcomeUnknown,
            format!("{name} did not answer. It may have been done: check before trying again."),
        ),
        EgressError::NoAnswer(_) => {
            (FailureKind::ProviderUnavailable, format!("{name} did not answer. Try again later."))
        }
        EgressError::TimedOut => {
            (FailureKind::Timeout, format!("{name} did not answer in time. Try again later."))
        }
    };
    CallFailure::new(kind, message)
}

/// One answer, and what is needed to understand it.
struct Reading<'a> {
    connector: &'a Connector,
    tool: &'a Tool,
    answer: &'a Answer,
    variables: Variables<'a>,
}

impl Reading<'_> {
    fn success(&self, document: &Document) -> Shaped {
        match self.code(document) {
            Ok(None) => {}
            Ok(Some(code)) => return self.refusal(document, Some(&code)),
            Err(_) => return self.nonsense("something unexpected"),
        }
        match self.tool.result.run(document, self.variables) {
            Ok(result) => Shaped::Completed(result),
            Err(error) => {
                tracing::warn!(tool = %self.tool.name, %error, "an answer did not fit its mapping");
                self.nonsense("something unexpected")
            }
        }
    }

    fn code(&self, document: &Document) -> Result<Option<String>, RunError> {
        self.connector.errors.code_of(document, self.variables)
    }

    /// The provider says no.
    fn refusal(&self, document: &Document, code: Option<&str>) -> Shaped {
        let kind = match kind(self.connector, self.answer.status, code) {
            ErrorKind::ReconnectNeeded => return Shaped::Reconnect,
            ErrorKind::MissingScope => return Shaped::MissingScopes(self.missing_scopes(document)),
            ErrorKind::NotFound => FailureKind::NotFound,
            ErrorKind::PermissionDenied => FailureKind::PermissionDenied,
            ErrorKind::RateLimited => FailureKind::RateLimited,
            ErrorKind::ProviderUnavailable => self.trouble(),
            ErrorKind::ProviderRejected => FailureKind::ProviderRejected,
            ErrorKind::Misconfigured => FailureKind::Misconfigured,
        };
        self.failed(kind, self.message(document, code))
    }

    /// The provider says yes in a form that cannot be read.
    fn nonsense(&self, what: &str) -> Shaped {
        let (name, status) = (&self.connector.name, self.answer.status.as_u16());
        let advice = match self.trouble() {
            FailureKind::OutcomeUnknown => "It may have been done: check before trying again.",
            _ => "Try again later.",
        };
        self.failed(
            self.trouble(),
            format!("{name} answered with {what} (status {status}). {advice}"),
        )
    }

    /// A server in trouble may have made a change all the same.
    fn trouble(&self) -> FailureKind {
        if self.tool.annotations.read_only {
            FailureKind::ProviderUnavailable
        } else {
            FailureKind::OutcomeUnknown
        }
    }

    fn missing_scopes(&self, document: &Document) -> ScopeSet {
        let said = self.connector.errors.missing_scopes.as_ref();
        let said =
            said.and_then(|scopes| scopes.read::<Vec<String>>(document, self.variables).ok());
        said.into_iter().flatten().filter(|scope| !scope.is_empty()).collect()
    }

    fn failed(&self, kind: FailureKind, message: String) -> Shaped {
        Shaped::Failed(CallFailure {
            kind,
            message,
            retry_after: retry_after(self.answer),
            provider_status: Some(self.answer.status.as_u16()),
        })
    }

    fn message(&self, document: &Document, code: Option<&str>) -> String {
        let name = &self.connector.name;
        if let Some(hint) = code.and_then(|code| self.connector.errors.hints.get(code)) {
            return hint.clone();
        }
        match words(self.connector, document, self.variables) {
            Some(said) => format!("{name} refused the request: {said}"),
            None => {
                format!("{name} refused the request with status {}.", self.answer.status.as_u16())
            }
        }
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), a day at most.
fn retry_after(answer: &Answer) -> Option<Duration> {
    const LONGEST: u64 = 86_400;
    let seconds: u64 =
        answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

#[cfg(test)]
mod tests;
