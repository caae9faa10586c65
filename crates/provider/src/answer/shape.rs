mod no_answer;
mod unusable;

use std::time::Duration;

use astralform_catalog::{Connector, ErrorKind, Tool, Variables};
use astralform_domain::{FailureKind, ScopeSet, Timestamp};
use astralform_egress::Answer;
use astralform_jq::{Document, ParseError, RunError};
use http::StatusCode;
use serde_json::Value;

use super::{CallFailure, ToolResult};
use crate::answer::{is_named, kind, lacking_scopes, text, words};
pub use no_answer::no_answer;

/// What a provider's answer amounts to.
#[derive(Debug, PartialEq)]
pub enum Shaped {
    /// The tool's result.
    Completed(ToolResult),
    /// The token is refused: it is dead if the connector names the error, or may be.
    Reconnect {
        /// Whether the connector names the error.
        is_named: bool,
    },
    /// The token lacks scopes: these, in the provider's spelling, or none where it does not say.
    MissingScopes(ScopeSet),
    /// It went wrong.
    Failed(CallFailure),
}

/// Returns the compact result of a tool from the answers to its requests, in the order in which
/// they were sent; the first that is no success is what the call amounts to. Answers in, result
/// out, nothing else.
pub fn shape(
    connector: &Connector,
    tool: &Tool,
    arguments: &Value,
    answers: &[Answer],
    now: Timestamp,
) -> Shaped {
    let mut first = None;
    let mut others = Vec::new();
    for answer in answers {
        let reading = Reading::new(connector, tool, arguments, answer, now);
        match reading.body() {
            Err(shaped) => return shaped,
            Ok(body) if first.is_none() => first = Some((reading, body)),
            Ok(_) => others.push(value(answer)),
        }
    }
    let (mut reading, body) = first.expect("a tool has a request");
    let also = tool.also.keys().cloned().zip(others).collect();
    let also = Value::Object(also);
    reading.variables.also = &also;
    reading.result(&body)
}

/// Returns whether a request was answered with what was asked for, so that the next may be sent.
pub fn is_success(
    connector: &Connector,
    tool: &Tool,
    arguments: &Value,
    answer: &Answer,
    now: Timestamp,
) -> bool {
    Reading::new(connector, tool, arguments, answer, now).body().is_ok()
}

fn value(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Reads the body; a success without one counts as null.
fn document(answer: &Answer) -> Result<Document<'_>, ParseError> {
    if has_no_body(answer) { Ok(Document::null()) } else { Document::parse(&answer.body) }
}

fn has_no_body(answer: &Answer) -> bool {
    let is_empty = answer.body.trim_ascii().is_empty() && answer.unread_coding().is_none();
    matches!(answer.status, StatusCode::NO_CONTENT | StatusCode::RESET_CONTENT)
        || is_empty && answer.status.is_success()
}

/// One answer, and what is needed to understand it.
struct Reading<'a> {
    connector: &'a Connector,
    tool: &'a Tool,
    answer: &'a Answer,
    variables: Variables<'a>,
    now: Timestamp,
}

impl<'a> Reading<'a> {
    fn new(
        connector: &'a Connector,
        tool: &'a Tool,
        arguments: &'a Value,
        answer: &'a Answer,
        now: Timestamp,
    ) -> Self {
        let status = Some(answer.status.as_u16());
        let variables =
            Variables { arguments, status, also: &Value::Null, headers: Some(&answer.headers) };
        Self { connector, tool, answer, variables, now }
    }

    /// Returns what a success says, or what a refusal amounts to.
    fn body(&self) -> Result<Document<'a>, Shaped> {
        let status = self.answer.status;
        match document(self.answer) {
            Ok(body) if status.is_success() => match self.code(&body) {
                Ok(None) => Ok(body),
                // A provider that says in the body whether it went well has not said so.
                Ok(Some(_)) if has_no_body(self.answer) => Err(self.nonsense("nothing")),
                Ok(Some(code)) => Err(self.refusal(&body, Some(&code))),
                Err(error) => Err(self.unfit(&error)),
            },
            Ok(body) => {
                let code = self.code(&body).ok().flatten();
                Err(self.refusal(&body, code.as_deref()))
            }
            Err(ParseError::TooDeep) if status.is_success() => Err(self.too_large()),
            Err(_) if status.is_client_error() || status.is_redirection() => {
                let said = text(&self.answer.body);
                let body = Document::from_value(&said).unwrap_or_else(|_| Document::null());
                let code = self.code(&body).ok().flatten();
                Err(self.refusal(&body, code.as_deref()))
            }
            Err(_) => Err(self.unreadable()),
        }
    }

    fn result(&self, document: &Document<'_>) -> Shaped {
        match self.tool.result.write(document, self.variables) {
            Ok(result) => Shaped::Completed(ToolResult::new(result)),
            Err(error) => {
                tracing::warn!(tool = %self.tool.name, %error, "an answer did not fit its mapping");
                self.unfit(&error)
            }
        }
    }

    fn code(&self, document: &Document<'_>) -> Result<Option<String>, RunError> {
        self.connector.errors.code_of(document, self.variables)
    }

    /// Reads a refusal of the provider.
    fn refusal(&self, document: &Document<'_>, code: Option<&str>) -> Shaped {
        if self.answer.status.is_redirection() && !is_named(self.connector, code) {
            return self.redirect(document);
        }
        let kind = match kind(self.connector, self.answer, code) {
            ErrorKind::ReconnectNeeded => {
                return Shaped::Reconnect { is_named: is_named(self.connector, code) };
            }
            ErrorKind::MissingScope => return Shaped::MissingScopes(self.missing_scopes(document)),
            ErrorKind::NotFound => FailureKind::NotFound,
            ErrorKind::PermissionDenied => FailureKind::PermissionDenied,
            ErrorKind::RateLimited => FailureKind::RateLimited,
            ErrorKind::ProviderUnavailable => self.trouble(),
            ErrorKind::ProviderRejected => FailureKind::ProviderRejected,
            ErrorKind::Misconfigured => FailureKind::Misconfigured,
        };
        let mut shaped = self.failed(kind, self.message(document, code));
        if let Shaped::Failed(failure) = &mut shaped
            && kind == FailureKind::RateLimited
        {
            failure.retry_after = failure.retry_after.or_else(|| self.limited_for(document));
        }
        shaped
    }

    /// Reads an answer of a server in trouble, which may have made a change all the same.
    fn trouble(&self) -> FailureKind {
        if self.tool.annotations.read_only {
            FailureKind::ProviderUnavailable
        } else {
            FailureKind::OutcomeUnknown
        }
    }

    /// Returns how long the connector says that a limit lasts, a day at most.
    fn limited_for(&self, document: &Document<'_>) -> Option<Duration> {
        let until = self.connector.errors.limited_until.as_ref()?;
        let until = until.read::<Option<i64>>(document, self.variables).ok()??;
        Some(self.now.until(Timestamp::from_secs(until)).min(LONGEST))
    }

    fn missing_scopes(&self, document: &Document<'_>) -> ScopeSet {
        let said = self.connector.errors.missing_scopes.as_ref();
        let said =
            said.and_then(|scopes| scopes.read::<Vec<String>>(document, self.variables).ok());
        let said = said.or_else(|| lacking_scopes(&self.answer.headers));
        said.into_iter().flatten().filter(|scope| !scope.is_empty()).collect()
    }

    fn failed(&self, kind: FailureKind, message: String) -> Shaped {
        Shaped::Failed(CallFailure {
            kind,
            message,
            retry_after: self.answer.retry_after(self.now),
            provider_status: Some(self.answer.status.as_u16()),
        })
    }

    fn message(&self, document: &Document<'_>, code: Option<&str>) -> String {
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

/// The longest that a caller is told to wait.
const LONGEST: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests;
