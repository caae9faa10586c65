//! Problems (RFC 9457): the one type that knows status codes, and the reference of our errors.

mod code;
mod field;
mod management;
mod refusal;
mod settings;
mod written;

use std::{borrow::Cow, sync::Arc};

use astralform_catalog::ArgumentFault;
use astralform_domain::chain;
use astralform_engine::{
    CallRefusal, ConfirmError, CredentialRefusal, Fault, Frozen, NoConnector, NoTool, OutOfReach,
    Unusable, authentication::AuthenticationError,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    App,
    served::{Served, on_behalf_of},
};

pub use code::Code;
pub use field::FieldFault;
pub(crate) use field::{FieldLocation, Wrong};
pub use refusal::{Given, Refusal};
pub(crate) use written::describe;

/// Why a request was not served, for the client that sent it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: Code,
    detail: Cow<'static, str>,
    errors: Vec<ArgumentFault>,
    /// Whether it is a stored secret that does not open.
    is_integrity: bool,
    /// After how many seconds it makes sense to try again.
    retry_after: Option<u32>,
    /// Whether nothing more is read on its connection.
    closes: bool,
}

impl Problem {
    fn new(status: StatusCode, code: Code, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        let errors = Vec::new();
        let is_integrity = false;
        let retry_after = None;
        let closes = false;
        Self { status, code, detail, errors, is_integrity, retry_after, closes }
    }

    /// Returns its HTTP status.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns its stable name.
    pub fn code(&self) -> Code {
        self.code
    }

    /// Returns what is wrong and what to do.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// Makes the problem one that is over after so many seconds.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// Makes the problem one after which nothing more is read on its connection.
    #[must_use]
    pub fn and_close(self) -> Self {
        Self { closes: true, ..self }
    }

    /// Returns whether what was asked for is known not to have happened.
    pub(crate) fn is_harmless(&self) -> bool {
        !self.status.is_server_error()
    }

    fn internal(fault: &Fault) -> Self {
        let error = chain(fault);
        if fault.is_unavailable() {
            tracing::warn!(error, "the database is not available");
            return Refusal::DatabaseAway.into();
        }
        let is_integrity = fault.is_integrity();
        if is_integrity {
            tracing::error!(error, "integrity failure: a stored secret does not open");
        } else {
            tracing::error!(error, "a request failed");
        }
        Self { is_integrity, ..Refusal::Internal.into() }
    }

    pub(crate) fn forbidden(code: Code, detail: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, code, detail)
    }

    fn missing(code: Code, detail: String) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    fn conflict(code: Code, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    fn unprocessable(code: Code, detail: String) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Self::internal(&fault)
    }
}

impl From<AuthenticationError> for Problem {
    fn from(error: AuthenticationError) -> Self {
        use AuthenticationError as Error;
        let detail = error.to_string();
        match error {
            Error::InvalidToken(_) | Error::WrongKind { .. } | Error::ForeignToken { .. } => {
                Self::new(StatusCode::UNAUTHORIZED, Code::Unauthorized, detail)
            }
            Error::OtherAgent => Self::forbidden(Code::OtherAgent, detail),
            Error::OtherEndUser => Self::forbidden(Code::OtherEndUser, detail),
            Error::UnknownAgent(_) => Self::missing(Code::UnknownAgent, detail),
            Error::DisabledAgent(_) => Self::forbidden(Code::AgentDisabled, detail),
            Error::Frozen(frozen) => frozen.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<Frozen> for Problem {
    fn from(frozen: Frozen) -> Self {
        Self::forbidden(Code::Frozen, frozen.to_string())
    }
}

impl From<NoTool> for Problem {
    fn from(why: NoTool) -> Self {
        let code = match &why {
            NoTool::Unknown { .. } => Code::UnknownTool,
            NoTool::OutOfReach { why, .. } => code_of(why),
            NoTool::NotAssigned { .. } => Code::NotAssigned,
            NoTool::NotOffered { .. } => Code::ToolNotOffered,
        };
        Self::missing(code, why.to_string())
    }
}

impl From<NoConnector> for Problem {
    fn from(why: NoConnector) -> Self {
        let code = match &why {
            NoConnector::Unknown { .. } => Code::UnknownConnector,
            NoConnector::OutOfReach(why) => code_of(why),
        };
        Self::missing(code, why.to_string())
    }
}

fn code_of(why: &OutOfReach) -> Code {
    match why {
        OutOfReach::NotEnabled(_) => Code::NotEnabled,
        OutOfReach::NotAssigned { .. } => Code::NotAssigned,
    }
}

impl From<CallRefusal> for Problem {
    fn from(refusal: CallRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            CallRefusal::NoTool(why) => why.into(),
            CallRefusal::InvalidArguments(errors) => {
                Self { errors, ..Self::unprocessable(Code::InvalidArguments, detail) }
            }
            CallRefusal::Credential(refusal) => refusal.into(),
            CallRefusal::Unusable(why) => why.into(),
            CallRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<Unusable> for Problem {
    fn from(why: Unusable) -> Self {
        let code = match why {
            Unusable::Disabled => Code::ConnectorDisabled,
            Unusable::Paused => Code::ConnectorPaused,
            Unusable::NeedsCredentials => Code::ConnectorNeedsCredentials,
            Unusable::Misconfigured => Code::ConnectorMisconfigured,
            Unusable::NoReturnUrl => Code::ReturnUrlRequired,
            Unusable::TooManyPrompts => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                return Self::new(status, Code::TooManyAuthRequests, why.to_string());
            }
            Unusable::Frozen(frozen) => return frozen.into(),
        };
        Self::conflict(code, why.to_string())
    }
}

impl From<ConfirmError> for Problem {
    fn from(error: ConfirmError) -> Self {
        let detail = error.to_string();
        match error {
            ConfirmError::Unknown => Self::missing(Code::NotFound, detail),
            ConfirmError::NotAwaiting(_) => Self::conflict(Code::NotAwaitingConfirmation, detail),
            ConfirmError::WrongProof => Self::forbidden(Code::WrongConfirmation, detail),
            ConfirmError::EndUserMismatch => Self::forbidden(Code::EndUserMismatch, detail),
            ConfirmError::Frozen(frozen) => frozen.into(),
            ConfirmError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CredentialRefusal> for Problem {
    fn from(refusal: CredentialRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            CredentialRefusal::EndUserRequired => {
                Self::new(StatusCode::BAD_REQUEST, Code::EndUserRequired, detail)
            }
            CredentialRefusal::AwaitingConfirmation => {
                Self::conflict(Code::AwaitingConfirmation, detail)
            }
            CredentialRefusal::UnknownConnection => Self::missing(Code::UnknownConnection, detail),
            CredentialRefusal::NothingShared => {
                Self::conflict(Code::SharedConnectionRequired, detail)
            }
            CredentialRefusal::SharedUnusable => {
                Self::conflict(Code::SharedConnectionUnusable, detail)
            }
        }
    }
}

/// A problem on its way out, until it learns the id of its request.
#[derive(Clone)]
struct Pending(Arc<Problem>);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(Pending(Arc::new(self)));
        response
    }
}

/// Serves a request under its id, and writes out the problem it ended in.
pub async fn with_request_id(
    app: &App,
    served: &Arc<Served>,
    serving: impl Future<Output = Response>,
) -> Response {
    let id = served.id.to_string();
    let mut response = on_behalf_of(Some(Arc::clone(served)), serving).await;
    if let Some(Pending(problem)) = response.extensions_mut().remove() {
        if problem.is_integrity {
            app.engine().metrics().integrity_failed();
        }
        served.note_refusal(problem.code.as_str());
        let allow = response.headers_mut().remove(header::ALLOW);
        response = problem.written(&id);
        if let Some(allow) = allow {
            response.headers_mut().insert(header::ALLOW, allow);
        }
    }
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", value);
    }
    response
}

#[cfg(test)]
mod tests {
    use astralform_domain::Environment;

    use super::*;

    #[test]
    fn the_call_log_names_a_refusal_as_its_caller_was_told_it() {
        let unusable = [
            Unusable::Disabled,
            Unusable::Paused,
            Unusable::NeedsCredentials,
            Unusable::Misconfigured,
            Unusable::NoReturnUrl,
            Unusable::TooManyPrompts,
            Unusable::Frozen(Frozen),
        ];
        let credential = [
            CredentialRefusal::EndUserRequired,
            CredentialRefusal::UnknownConnection,
            CredentialRefusal::AwaitingConfirmation,
            CredentialRefusal::NothingShared,
            CredentialRefusal::SharedUnusable,
        ];
        let tool = || "notes_list".parse().unwrap();
        let agent = || "writer".parse().unwrap();
        let connector = || "notes".parse().unwrap();
        let why = OutOfReach::NotAssigned { agent: agent(), connector: connector() };
        let environment = Environment::Test;
        let no_tool = [
            NoTool::OutOfReach { tool: tool(), why },
            NoTool::NotAssigned { tool: tool(), agent: agent() },
            NoTool::NotOffered { tool: tool(), connector: connector(), environment },
        ];
        let refusals = unusable.map(CallRefusal::from).into_iter();
        let refusals = refusals.chain(credential.map(CallRefusal::from));
        let refusals = refusals.chain(no_tool.map(CallRefusal::from));
        for refusal in refusals.chain([CallRefusal::InvalidArguments(Vec::new())]) {
            let logged = refusal.code();
            assert_eq!(Problem::from(refusal).code.as_str(), logged);
        }
    }
}
