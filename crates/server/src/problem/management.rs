//! The problems of managing: settings, sessions, connections, repeated requests.

use astralform_engine::{
    ChangeError, SettingsError, WantedError, deletions::DeleteError, idempotency::RepeatError,
    managed::SelectionError, members::EnvironmentError, project_connectors::ShareError,
    sessions::SessionError, webhooks::WebhookError,
};
use axum::http::StatusCode;

use super::Problem;

fn unprocessable(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, code, detail)
}

fn missing(code: &'static str, detail: String) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, code, detail)
}

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        use SettingsError as Error;
        let detail = error.to_string();
        match error {
            Error::UnknownConnector => missing("unknown_connector", detail),
            Error::NotEnabled => missing("not_enabled", detail),
            Error::AlreadyEnabled => Self::conflict("already_enabled", detail),
            Error::ConfirmationRequired(_) => Self::conflict("confirmation_required", detail),
            Error::SandboxInLive | Error::NoSimulator | Error::SandboxWithEndpoints => {
                unprocessable("sandbox_unavailable", detail)
            }
            Error::BadEndpoint(_) | Error::BadAddresses | Error::Forbidden(..) => {
                unprocessable("invalid_endpoints", detail)
            }
            Error::BadScope(_) | Error::NoScopes(_) | Error::TooManyScopes => {
                unprocessable("invalid_scopes", detail)
            }
            Error::UnknownTool(_) => unprocessable("unknown_tool", detail),
            Error::BadTools => unprocessable("invalid_tools", detail),
            Error::BadCredential(_) | Error::UnknownCredential { .. } => {
                unprocessable("invalid_credentials", detail)
            }
            Error::NothingPays => unprocessable("no_possible_credential", detail),
            Error::NotSent(_) => unprocessable("invalid_endpoints", detail),
            Error::Unverified(_) => {
                Self::new(StatusCode::BAD_GATEWAY, "credentials_unverified", detail)
            }
            Error::SecretRequired => unprocessable("credentials_required", detail),
            Error::CredentialsRejected(_) => unprocessable("credentials_rejected", detail),
            Error::EndpointsRequired => unprocessable("endpoints_required", detail),
            Error::Unusable(why) => why.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        let detail = error.to_string();
        match error {
            SessionError::NotABackend => Self::backend_only(),
            SessionError::BadLife => unprocessable("invalid_expires_in", detail),
            SessionError::BadTools => unprocessable("invalid_tools", detail),
            SessionError::UnknownTool(_) => unprocessable("unknown_tool", detail),
            SessionError::Agent(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::Unknown => missing("unknown_connection", detail),
            ChangeError::BadLabel => unprocessable("invalid_label", detail),
            ChangeError::NotUnset => unprocessable("invalid_is_default", detail),
            ChangeError::NotUsable => Self::conflict("connection_not_usable", detail),
            ChangeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WantedError> for Problem {
    fn from(error: WantedError) -> Self {
        let detail = error.to_string();
        match error {
            WantedError::UnknownConnector => missing("unknown_connector", detail),
            WantedError::NotAllowed => Self::conflict("end_user_auth_not_allowed", detail),
            WantedError::UnregisteredReturnUrl => {
                unprocessable("return_url_not_registered", detail)
            }
            WantedError::UndeclaredScope(_) => unprocessable("invalid_scopes", detail),
            WantedError::BadLife => unprocessable("invalid_expires_in", detail),
            WantedError::Settings(error) => error.into(),
            WantedError::Credential(refusal) => refusal.into(),
            WantedError::Unusable(why) => why.into(),
            WantedError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ShareError> for Problem {
    fn from(error: ShareError) -> Self {
        let detail = error.to_string();
        match error {
            ShareError::NotEnabled => missing("not_enabled", detail),
            ShareError::ByKey => Self::conflict("takes_api_keys", detail),
            ShareError::Unusable(why) => why.into(),
            ShareError::Fault(fault) => fault.into(),
        }
    }
}

impl From<EnvironmentError> for Problem {
    fn from(error: EnvironmentError) -> Self {
        let detail = error.to_string();
        match error {
            EnvironmentError::BadReturnUrl(_)
            | EnvironmentError::TooManyReturnUrls
            | EnvironmentError::OwnSchemeUnconfirmed(_) => {
                unprocessable("invalid_return_urls", detail)
            }
            EnvironmentError::OwnersOnly => Self::new(StatusCode::FORBIDDEN, "owners_only", detail),
            EnvironmentError::Fault(fault) => fault.into(),
        }
    }
}

impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        let detail = error.to_string();
        match error {
            SelectionError::Nothing | SelectionError::Contradiction => {
                unprocessable("invalid_selection", detail)
            }
            SelectionError::Fault(fault) => fault.into(),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Self {
        let detail = error.to_string();
        match error {
            DeleteError::UnknownEndUser => missing("unknown_end_user", detail),
            DeleteError::NotConfirmed => unprocessable("not_confirmed", detail),
            DeleteError::UnknownProject => Self::unknown_project(),
            DeleteError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::Unknown => missing("unknown_webhook", detail),
            WebhookError::BadUrl | WebhookError::Forbidden(_) => {
                unprocessable("invalid_url", detail)
            }
            WebhookError::TooMany => Self::conflict("too_many_webhooks", detail),
            WebhookError::Disabled(_) => Self::conflict("webhook_disabled", detail),
            WebhookError::RotatedLately(_) => Self::conflict("secret_rotated_lately", detail),
            WebhookError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RepeatError> for Problem {
    fn from(error: RepeatError) -> Self {
        let detail = error.to_string();
        match error {
            RepeatError::OtherRequest => unprocessable("idempotency_key_reused", detail),
            RepeatError::UnderWay => Self::conflict("idempotency_key_in_use", detail),
            RepeatError::Interrupted => Self::conflict("idempotent_request_interrupted", detail),
            RepeatError::Fault(fault) => fault.into(),
        }
    }
}
