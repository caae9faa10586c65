//! Problems (RFC 9457): the one type that knows status codes, and the reference of our errors.

mod management;
mod written;

use std::{borrow::Cow, sync::Arc};

use astralform_catalog::ArgumentFault;
use astralform_engine::{
    CallRefusal, ConfirmError, CredentialRefusal, Fault, Frozen, Unusable,
    authentication::AuthenticationError, chain,
};
use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};

use crate::{
    App,
    served::{Served, on_behalf_of},
};

pub(crate) use written::describe;

/// Why a request was not served, for whoever sent it.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    code: &'static str,
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
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        detail: impl Into<Cow<'static, str>>,
    ) -> Self {
        let detail = detail.into();
        let (errors, is_integrity) = (Vec::new(), false);
        let (retry_after, closes) = (None, false);
        Self { status, code, detail, errors, is_integrity, retry_after, closes }
    }

    /// A caller who asks for more than they may, and when they may again.
    pub(crate) fn too_many(code: &'static str, detail: &'static str, seconds: u32) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, code, detail).retry_after(seconds)
    }

    /// The same problem, which is over after so many seconds.
    pub(crate) fn retry_after(self, seconds: u32) -> Self {
        Self { retry_after: Some(seconds), ..self }
    }

    /// The same problem, after which nothing more is read on its connection.
    pub(crate) fn and_close(self) -> Self {
        Self { closes: true, ..self }
    }

    pub(crate) fn not_found(detail: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", detail)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let detail = "this address does not take this method";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
    }

    pub(crate) fn unauthorized(detail: &'static str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
    }

    pub(crate) fn bad_request(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    pub(crate) fn end_user_required() -> Self {
        CredentialRefusal::EndUserRequired.into()
    }

    pub(crate) fn unknown_project() -> Self {
        Self::not_found("there is no such project, or it is not yours")
    }

    pub(crate) fn admins_only() -> Self {
        let detail = "only an owner or admin of the team may do this";
        Self::new(StatusCode::FORBIDDEN, "admins_only", detail)
    }

    pub(crate) fn owners_only() -> Self {
        let detail = "only an owner of the team may do this";
        Self::new(StatusCode::FORBIDDEN, "owners_only", detail)
    }

    pub(crate) fn backend_only() -> Self {
        let detail = "only the developer's backend may do this: use an API key, not a session";
        Self::new(StatusCode::FORBIDDEN, "backend_only", detail)
    }

    /// Whether what was asked for is known not to have happened.
    pub(crate) fn is_harmless(&self) -> bool {
        !self.status.is_server_error()
    }

    pub(crate) fn unavailable(detail: &'static str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    fn internal(fault: &Fault) -> Self {
        let error = chain(fault);
        if fault.is_unavailable() {
            tracing::warn!(error, "the database is not available");
            return Self::unavailable("the database does not answer; try again");
        }
        let is_integrity = fault.is_integrity();
        if is_integrity {
            tracing::error!(error, "integrity failure: a stored secret does not open");
        } else {
            tracing::error!(error, "a request failed");
        }
        let detail = "something is broken on our side; the log has the cause under the request id";
        let problem = Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal_error", detail);
        Self { is_integrity, ..problem }
    }

    fn conflict(code: &'static str, detail: String) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
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
        match error {
            Error::InvalidToken => {
                Self::unauthorized("the token is not valid here, was revoked, or is over")
            }
            Error::OtherAgent => Self::new(
                StatusCode::FORBIDDEN,
                "other_agent",
                "the token belongs to one agent; leave X-Agent-ID out, or name that one",
            ),
            Error::OtherEndUser => Self::new(
                StatusCode::FORBIDDEN,
                "other_end_user",
                "the session belongs to one end user; leave X-End-User-ID out, or name that one",
            ),
            Error::UnknownAgent => {
                Self::new(StatusCode::NOT_FOUND, "unknown_agent", "the project has no such agent")
            }
            Error::DisabledAgent => {
                Self::new(StatusCode::FORBIDDEN, "agent_disabled", "the agent is disabled")
            }
            Error::Frozen(frozen) => frozen.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<Frozen> for Problem {
    fn from(frozen: Frozen) -> Self {
        Self::new(StatusCode::FORBIDDEN, "frozen", frozen.to_string())
    }
}

impl From<CallRefusal> for Problem {
    fn from(refusal: CallRefusal) -> Self {
        match refusal {
            CallRefusal::UnknownTool => Self::new(
                StatusCode::NOT_FOUND,
                "unknown_tool",
                "this agent has no such tool; GET /v1/tools lists those it has",
            ),
            CallRefusal::InvalidArguments(errors) => Self {
                errors,
                ..Self::new(
                    StatusCode::UNPROCESSABLE_ENTITY,
                    "invalid_arguments",
                    "the arguments do not fit the tool's schema; nothing was sent",
                )
            },
            CallRefusal::Credential(refusal) => refusal.into(),
            CallRefusal::Unusable(why) => why.into(),
            CallRefusal::Fault(fault) => fault.into(),
        }
    }
}

impl From<Unusable> for Problem {
    fn from(why: Unusable) -> Self {
        let code = match why {
            Unusable::Disabled => "connector_disabled",
            Unusable::Paused => "connector_paused",
            Unusable::NeedsCredentials => "connector_needs_credentials",
            Unusable::Misconfigured => "connector_misconfigured",
            Unusable::NoReturnUrl => "return_url_required",
            Unusable::TooManyPrompts => {
                let status = StatusCode::TOO_MANY_REQUESTS;
                return Self::new(status, "too_many_auth_requests", why.to_string());
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
            ConfirmError::Unknown => Self::not_found("this project has no such auth request"),
            ConfirmError::NotAwaiting(_) => Self::conflict("not_awaiting_confirmation", detail),
            ConfirmError::WrongProof => {
                Self::new(StatusCode::FORBIDDEN, "wrong_confirmation", detail)
            }
            ConfirmError::EndUserMismatch => {
                Self::new(StatusCode::FORBIDDEN, "end_user_mismatch", detail)
            }
            ConfirmError::Frozen(frozen) => frozen.into(),
            ConfirmError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CredentialRefusal> for Problem {
    fn from(refusal: CredentialRefusal) -> Self {
        let detail = refusal.to_string();
        match refusal {
            CredentialRefusal::EndUserRequired => Self::bad_request("end_user_required", detail),
            CredentialRefusal::UnknownConnection => {
                Self::new(StatusCode::NOT_FOUND, "unknown_connection", detail)
            }
            CredentialRefusal::NothingShared => {
                Self::conflict("shared_connection_required", detail)
            }
            CredentialRefusal::SharedUnusable => {
                Self::conflict("shared_connection_unusable", detail)
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
pub(crate) async fn with_request_id(
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
        served.note_refusal(problem.code);
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
