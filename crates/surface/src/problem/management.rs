//! The problems of those who administer.

use astralform_domain::{Role, Stale};
use astralform_management::{
    Denied, Forbidden,
    admin_tokens::AdminTokenError,
    agents::{AgentError, AssignmentError},
    api_keys::ApiKeyError,
    audit_log::AuditError,
    calls::UsageError,
    connections::SelectionError,
    copies::CopyError,
    deletions::DeleteError,
    environments::EnvironmentError,
    logos::LogoError,
    projects::ProjectError,
};
use axum::http::StatusCode;

use super::{Code, Problem};

impl From<Forbidden> for Problem {
    fn from(forbidden: Forbidden) -> Self {
        let detail = forbidden.to_string();
        match forbidden {
            Forbidden::Role { right, .. } if right.lowest_role() == Role::Owner => {
                Self::forbidden(Code::OwnersOnly, detail)
            }
            Forbidden::Role { .. } | Forbidden::NotAdministering(_) => {
                Self::forbidden(Code::AdminsOnly, detail)
            }
            Forbidden::ReadOnly(_) => Self::forbidden(Code::ReadOnlyToken, detail),
        }
    }
}

impl<E: Into<Self>> From<Denied<E>> for Problem {
    fn from(denied: Denied<E>) -> Self {
        match denied {
            Denied::Forbidden(forbidden) => forbidden.into(),
            Denied::Refused(error) => error.into(),
        }
    }
}

impl From<Stale> for Problem {
    fn from(stale: Stale) -> Self {
        Self::new(StatusCode::PRECONDITION_FAILED, Code::VersionChanged, stale.to_string())
    }
}

impl From<ProjectError> for Problem {
    fn from(error: ProjectError) -> Self {
        let detail = error.to_string();
        match error {
            ProjectError::TooMany => Self::conflict(Code::TooManyProjects, detail),
            ProjectError::BadLink { .. } => Self::unprocessable(Code::InvalidLink, detail),
            ProjectError::Unknown => Self::missing(Code::NotFound, detail),
            ProjectError::Stale(stale) => stale.into(),
            ProjectError::Forbidden(forbidden) => forbidden.into(),
            ProjectError::Fault(fault) => fault.into(),
        }
    }
}

impl From<LogoError> for Problem {
    fn from(error: LogoError) -> Self {
        let detail = error.to_string();
        match error {
            LogoError::Unreadable | LogoError::TooLarge { .. } => {
                Self::unprocessable(Code::InvalidLogo, detail)
            }
            LogoError::Forbidden(forbidden) => forbidden.into(),
            LogoError::Fault(fault) => fault.into(),
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
                Self::unprocessable(Code::InvalidReturnUrls, detail)
            }
            EnvironmentError::BadOrigin(_) | EnvironmentError::TooManyOrigins => {
                Self::unprocessable(Code::InvalidAllowedOrigins, detail)
            }
            EnvironmentError::Stale(stale) => stale.into(),
            EnvironmentError::Forbidden(forbidden) => forbidden.into(),
            EnvironmentError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CopyError> for Problem {
    fn from(error: CopyError) -> Self {
        let detail = error.to_string();
        match error {
            CopyError::SameEnvironment => Self::unprocessable(Code::InvalidCopy, detail),
            CopyError::Changed => Self::conflict(Code::CopyChanged, detail),
            CopyError::Environment(error) => error.into(),
            CopyError::Forbidden(forbidden) => forbidden.into(),
            CopyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AssignmentError> for Problem {
    fn from(error: AssignmentError) -> Self {
        let detail = error.to_string();
        match error {
            AssignmentError::UnknownConnector { .. } => {
                Self::unprocessable(Code::UnknownConnector, detail)
            }
            AssignmentError::UnknownTool { .. } => Self::unprocessable(Code::UnknownTool, detail),
            AssignmentError::BadList { .. } => Self::unprocessable(Code::InvalidConnectors, detail),
            AssignmentError::BadTools { .. } | AssignmentError::ToolsAndReadOnly { .. } => {
                Self::unprocessable(Code::InvalidTools, detail)
            }
        }
    }
}

impl From<AgentError> for Problem {
    fn from(error: AgentError) -> Self {
        let detail = error.to_string();
        match error {
            AgentError::Unknown { .. } => Self::missing(Code::UnknownAgent, detail),
            AgentError::NameTaken(_) => Self::conflict(Code::NameTaken, detail),
            AgentError::TooMany => Self::conflict(Code::TooManyAgents, detail),
            AgentError::IsDefault(_) | AgentError::DefaultKeepsName(_) => {
                Self::conflict(Code::DefaultAgent, detail)
            }
            AgentError::IsLastEnabled(_) => Self::conflict(Code::LastEnabledAgent, detail),
            AgentError::HasDependents { .. } => Self::conflict(Code::HasDependents, detail),
            AgentError::Assignment(error) => error.into(),
            AgentError::Stale(stale) => stale.into(),
            AgentError::Forbidden(forbidden) => forbidden.into(),
            AgentError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ApiKeyError> for Problem {
    fn from(error: ApiKeyError) -> Self {
        let detail = error.to_string();
        match error {
            ApiKeyError::Unknown => Self::missing(Code::UnknownApiKey, detail),
            ApiKeyError::Over => Self::conflict(Code::ApiKeyOver, detail),
            ApiKeyError::BadName => Self::unprocessable(Code::InvalidName, detail),
            ApiKeyError::BadExpiry(_) => Self::unprocessable(Code::InvalidExpiresAt, detail),
            ApiKeyError::BadOverlap(_) => Self::unprocessable(Code::InvalidOverlap, detail),
            ApiKeyError::TooMany => Self::conflict(Code::TooManyApiKeys, detail),
            ApiKeyError::Agent(error) => error.into(),
            ApiKeyError::Assignment(error) => error.into(),
            ApiKeyError::Forbidden(forbidden) => forbidden.into(),
            ApiKeyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AdminTokenError> for Problem {
    fn from(error: AdminTokenError) -> Self {
        let detail = error.to_string();
        match error {
            AdminTokenError::Unknown => Self::missing(Code::UnknownAdminToken, detail),
            AdminTokenError::BadName => Self::unprocessable(Code::InvalidName, detail),
            AdminTokenError::BadExpiry(_) | AdminTokenError::OutlivesMaker(_) => {
                Self::unprocessable(Code::InvalidExpiresAt, detail)
            }
            AdminTokenError::ReadOnly => Self::forbidden(Code::ReadOnlyToken, detail),
            AdminTokenError::TooMany => Self::conflict(Code::TooManyAdminTokens, detail),
            AdminTokenError::Fault(fault) => fault.into(),
        }
    }
}

impl From<SelectionError> for Problem {
    fn from(error: SelectionError) -> Self {
        let detail = error.to_string();
        match error {
            SelectionError::Nothing | SelectionError::Contradiction => {
                Self::unprocessable(Code::InvalidSelection, detail)
            }
            SelectionError::Forbidden(forbidden) => forbidden.into(),
            SelectionError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Self {
        let detail = error.to_string();
        match error {
            AuditError::EnvironmentRequired => {
                Self::new(StatusCode::BAD_REQUEST, Code::EnvironmentRequired, detail)
            }
            AuditError::Forbidden(forbidden) => forbidden.into(),
            AuditError::Fault(fault) => fault.into(),
        }
    }
}

impl From<UsageError> for Problem {
    fn from(error: UsageError) -> Self {
        match error {
            UsageError::TooWide => Self::unprocessable(Code::UsageTooWide, error.to_string()),
            UsageError::Fault(fault) => fault.into(),
        }
    }
}

impl From<DeleteError> for Problem {
    fn from(error: DeleteError) -> Self {
        let detail = error.to_string();
        match error {
            DeleteError::UnknownEndUser => Self::missing(Code::UnknownEndUser, detail),
            DeleteError::NotConfirmed => Self::unprocessable(Code::NotConfirmed, detail),
            DeleteError::UnknownProject => Self::missing(Code::NotFound, detail),
            DeleteError::Forbidden(forbidden) => forbidden.into(),
            DeleteError::Fault(fault) => fault.into(),
        }
    }
}
