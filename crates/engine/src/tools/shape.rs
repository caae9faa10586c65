use std::time::Duration;

use astralform_catalog::{Connector, ErrorKind, Tool, Variables, jq::Document};
use astralform_domain::ScopeSet;
use http::{StatusCode, header};
use serde_json::Value;

use super::{CallFailure, FailureKind};
use crate::egress::{Answer, EgressError};

/// What a provider's answer amounts to.
#[derive(Debug, PartialEq)]
pub(crate) enum Shaped {
    /// The tool's result.
    Completed(Value),
    /// The token is dead.
    Reconnect,
    /// The token lacks scopes: these, or those the tool is known to need.
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
    let Ok(document) = Document::parse(&answer.body) else {
        return Shaped::Failed(unreadable(connector, answer));
    };
    let variables = Variables { arguments, status: Some(answer.status.as_u16()) };
    let code = match &connector.errors.code {
        Some(code) => code.run(&document, variables).unwrap_or(Value::Null),
        None => Value::Null,
    };
    let code = code.as_str();
    if code.is_some() || !answer.status.is_success() {
        let error = ProviderError { connector, tool, answer, document: &document, variables, code };
        return error.shaped();
    }
    match tool.result.run(&document, variables) {
        Ok(result) => Shaped::Completed(result),
        Err(error) => {
            tracing::warn!(tool = %tool.name, %error, "an answer did not fit its mapping");
            let message = format!("{} answered in an unexpected form.", connector.name);
            Shaped::Failed(CallFailure {
                provider_status: Some(answer.status.as_u16()),
                ..CallFailure::new(FailureKind::ProviderUnavailable, message)
            })
        }
    }
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

/// An answer that says no.
struct ProviderError<'a> {
    connector: &'a Connector,
    tool: &'a Tool,
    answer: &'a Answer,
    document: &'a Document,
    variables: Variables<'a>,
    code: Option<&'a str>,
}

impl ProviderError<'_> {
    fn shaped(&self) -> Shaped {
        match self.kind() {
            ErrorKind::ReconnectNeeded => Shaped::Reconnect,
            ErrorKind::MissingScope => Shaped::MissingScopes(self.missing_scopes()),
            ErrorKind::NotFound => self.failed(FailureKind::NotFound),
            ErrorKind::PermissionDenied => self.failed(FailureKind::PermissionDenied),
            ErrorKind::RateLimited => self.failed(FailureKind::RateLimited),
            ErrorKind::ProviderUnavailable if self.may_have_happened() => {
                self.failed(FailureKind::OutcomeUnknown)
            }
            ErrorKind::ProviderUnavailable => self.failed(FailureKind::ProviderUnavailable),
            ErrorKind::ProviderRejected => self.failed(FailureKind::ProviderRejected),
            ErrorKind::Misconfigured => self.failed(FailureKind::Misconfigured),
        }
    }

    /// The connector's word for the code, or else what the status says.
    fn kind(&self) -> ErrorKind {
        let kinds = &self.connector.errors.kinds;
        let named = self.code.and_then(|code| {
            kinds.iter().find(|(_, codes)| codes.iter().any(|known| known == code))
        });
        named.map_or_else(|| by_status(self.answer.status), |(kind, _)| *kind)
    }

    /// A server that fails in the middle of a change may have made it.
    fn may_have_happened(&self) -> bool {
        !self.tool.annotations.read_only
    }

    fn missing_scopes(&self) -> ScopeSet {
        let said = self.connector.errors.missing_scopes.as_ref();
        let said =
            said.and_then(|scopes| scopes.read::<Vec<String>>(self.document, self.variables).ok());
        let said: ScopeSet = said.into_iter().flatten().filter(|scope| !scope.is_empty()).collect();
        if said.is_empty() { self.tool.scopes.clone() } else { said }
    }

    fn failed(&self, kind: FailureKind) -> Shaped {
        Shaped::Failed(CallFailure {
            kind,
            message: self.message(),
            retry_after: retry_after(self.answer),
            provider_status: Some(self.answer.status.as_u16()),
        })
    }

    fn message(&self) -> String {
        let name = &self.connector.name;
        if let Some(hint) = self.code.and_then(|code| self.connector.errors.hints.get(code)) {
            return hint.clone();
        }
        let said = self.connector.errors.message.as_ref();
        let said = said.and_then(|message| {
            message.read::<Option<String>>(self.document, self.variables).ok().flatten()
        });
        match said.map(|said| plain(&said)) {
            Some(said) if !said.is_empty() => format!("{name} refused the request: {said}"),
            _ => format!("{name} refused the request with status {}.", self.answer.status.as_u16()),
        }
    }
}

fn unreadable(connector: &Connector, answer: &Answer) -> CallFailure {
    let kind = match by_status(answer.status) {
        ErrorKind::RateLimited => FailureKind::RateLimited,
        _ => FailureKind::ProviderUnavailable,
    };
    let message = format!(
        "{} answered with something that is not JSON (status {}). Try again later.",
        connector.name,
        answer.status.as_u16()
    );
    CallFailure {
        retry_after: retry_after(answer),
        provider_status: Some(answer.status.as_u16()),
        ..CallFailure::new(kind, message)
    }
}

fn by_status(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        401 => ErrorKind::ReconnectNeeded,
        403 => ErrorKind::PermissionDenied,
        404 | 410 => ErrorKind::NotFound,
        429 => ErrorKind::RateLimited,
        500.. => ErrorKind::ProviderUnavailable,
        _ => ErrorKind::ProviderRejected,
    }
}

/// `Retry-After` in seconds (RFC 9110 §10.2.3), a day at most.
fn retry_after(answer: &Answer) -> Option<Duration> {
    const LONGEST: u64 = 86_400;
    let seconds: u64 =
        answer.headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST)))
}

/// A provider's words without control characters, 500 characters at most.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(500).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests;
