//! The problems of the engine's own settings: connectors, sessions, connections, webhooks, repeated
//! requests.

use astralform_engine::{
    ChangeError, SettingsError, WantedError, idempotency::RepeatError,
    project_connectors::ShareError, sessions::SessionError, webhooks::WebhookError,
};
use axum::http::StatusCode;

use super::{Code, Problem};

impl From<SettingsError> for Problem {
    fn from(error: SettingsError) -> Self {
        use SettingsError as Error;
        let detail = error.to_string();
        match error {
            Error::UnknownConnector { .. } => Self::missing(Code::UnknownConnector, detail),
            Error::NotEnabled(_) => Self::missing(Code::NotEnabled, detail),
            Error::AlreadyEnabled => Self::conflict(Code::AlreadyEnabled, detail),
            Error::ConfirmationRequired(_) => Self::conflict(Code::ConfirmationRequired, detail),
            Error::ChangedMeanwhile => Self::conflict(Code::ConnectorChanged, detail),
            Error::SandboxInLive | Error::NoSimulator | Error::SandboxWithEndpoints => {
                Self::unprocessable(Code::SandboxUnavailable, detail)
            }
            Error::BadEndpoint(_) | Error::BadAddresses | Error::Forbidden(..) => {
                Self::unprocessable(Code::InvalidEndpoints, detail)
            }
            Error::BadScope(_) | Error::NoScopes(_) | Error::TooManyScopes => {
                Self::unprocessable(Code::InvalidScopes, detail)
            }
            Error::UnknownTool { .. } => Self::unprocessable(Code::UnknownTool, detail),
            Error::BadTools { .. } => Self::unprocessable(Code::InvalidTools, detail),
            Error::BadCredential(_) | Error::UnknownCredential { .. } => {
                Self::unprocessable(Code::InvalidCredentials, detail)
            }
            Error::NothingPays => Self::unprocessable(Code::NoPossibleCredential, detail),
            Error::NotSent(_) => Self::unprocessable(Code::InvalidEndpoints, detail),
            Error::Unverified(_) => {
                Self::new(StatusCode::BAD_GATEWAY, Code::CredentialsUnverified, detail)
            }
            Error::SecretRequired => Self::unprocessable(Code::CredentialsRequired, detail),
            Error::CredentialsRejected(_) => Self::unprocessable(Code::CredentialsRejected, detail),
            Error::EndpointsRequired => Self::unprocessable(Code::EndpointsRequired, detail),
            Error::Unusable(why) => why.into(),
            Error::Stale(stale) => stale.into(),
            Error::Fault(fault) => fault.into(),
        }
    }
}

impl From<SessionError> for Problem {
    fn from(error: SessionError) -> Self {
        let detail = error.to_string();
        match error {
            SessionError::NotABackend => Self::forbidden(Code::BackendOnly, detail),
            SessionError::BadLife(_) => Self::unprocessable(Code::InvalidExpiresIn, detail),
            SessionError::BadTools { .. } => Self::unprocessable(Code::InvalidTools, detail),
            SessionError::UnknownTool { .. } => Self::unprocessable(Code::UnknownTool, detail),
            SessionError::Agent(error) => error.into(),
        }
    }
}

impl From<ChangeError> for Problem {
    fn from(error: ChangeError) -> Self {
        let detail = error.to_string();
        match error {
            ChangeError::Unknown => Self::missing(Code::UnknownConnection, detail),
            ChangeError::BadLabel(_) => Self::unprocessable(Code::InvalidLabel, detail),
            ChangeError::NotUnset => Self::unprocessable(Code::InvalidIsDefault, detail),
            ChangeError::NotUsable => Self::conflict(Code::ConnectionNotUsable, detail),
            ChangeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WantedError> for Problem {
    fn from(error: WantedError) -> Self {
        let detail = error.to_string();
        match error {
            WantedError::NoConnector(why) => why.into(),
            WantedError::NotAllowed(_) => Self::conflict(Code::EndUserAuthNotAllowed, detail),
            WantedError::UnregisteredReturnUrl => {
                Self::unprocessable(Code::ReturnUrlNotRegistered, detail)
            }
            WantedError::UndeclaredScope(_) => Self::unprocessable(Code::InvalidScopes, detail),
            WantedError::BadLife { .. } => Self::unprocessable(Code::InvalidExpiresIn, detail),
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
            ShareError::Settings(error) => error.into(),
            ShareError::ByKey => Self::conflict(Code::TakesApiKeys, detail),
            ShareError::Unusable(why) => why.into(),
            ShareError::Fault(fault) => fault.into(),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Self {
        let detail = error.to_string();
        match error {
            WebhookError::Unknown => Self::missing(Code::UnknownWebhook, detail),
            WebhookError::BadUrl | WebhookError::Forbidden(_) => {
                Self::unprocessable(Code::InvalidUrl, detail)
            }
            WebhookError::TooMany => Self::conflict(Code::TooManyWebhooks, detail),
            WebhookError::Disabled(_) => Self::conflict(Code::WebhookDisabled, detail),
            WebhookError::RotatedLately(_) => Self::conflict(Code::SecretRotatedLately, detail),
            WebhookError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RepeatError> for Problem {
    fn from(error: RepeatError) -> Self {
        let detail = error.to_string();
        match error {
            RepeatError::OtherRequest => Self::unprocessable(Code::IdempotencyKeyReused, detail),
            RepeatError::UnderWay => Self::conflict(Code::IdempotencyKeyInUse, detail),
            RepeatError::Interrupted => Self::conflict(Code::IdempotentRequestInterrupted, detail),
            RepeatError::Fault(fault) => fault.into(),
        }
    }
}
