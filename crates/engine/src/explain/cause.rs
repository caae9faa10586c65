//! What can keep a tool from being called, each with the step at which a call meets it.

use astralform_domain::{Environment, RuntimeCredential, ScopeSet, StatusReason, Timestamp};

use crate::Nearest;

/// What has to be so before a tool can be called, in the order in which it is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// The catalogue has the tool.
    Known,
    /// Its connector is enabled in the environment.
    Enabled,
    /// The connector can be used.
    Ready,
    /// The agent is there, and may act.
    Agent,
    /// The connector is assigned to it.
    Assigned,
    /// The tool is on the lists of the agent and of the connector.
    Listed,
    /// The API key or session allows it.
    Allowed,
    /// There is an account to call with.
    Connected,
    /// It was granted the scopes that the tool needs.
    Scopes,
    /// Its token can be sent.
    Token,
    /// The provider has not refused it since.
    Provider,
}

/// The first thing that keeps a tool from being called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The catalogue has no such tool.
    UnknownTool(Nearest),
    /// Its connector is enabled nowhere.
    NotEnabled,
    /// Its connector is enabled in the other environment only.
    OtherEnvironment(Environment),
    /// The project is frozen.
    Frozen,
    /// The connector is paused.
    Paused,
    /// The developer's app is not entered yet.
    CredentialsMissing,
    /// The provider refuses the developer's app, since then.
    CredentialsRejected(Timestamp),
    /// The connector's settings do not go together with its catalogue entry any more.
    Misconfigured,
    /// An address of the connector may not be called.
    AddressNotAllowed(String),
    /// No end user can be confirmed.
    NoReturnUrl,
    /// There is no such agent.
    UnknownAgent,
    /// The agent is disabled.
    AgentDisabled,
    /// The agent has not been assigned the connector.
    NotAssigned,
    /// The agent has been assigned other tools of the connector.
    ToolNotAssigned,
    /// The project connector offers other tools.
    ToolNotOffered,
    /// The API key or session has ended.
    CredentialOver,
    /// The API key or session is bound to another agent.
    OtherAgent,
    /// The API key is bound to other connectors.
    KeyLimited,
    /// The session is limited to other tools or connectors.
    SessionLimited,
    /// Nobody is named whose account could be used.
    EndUserRequired,
    /// The end user has not connected an account.
    NotConnected,
    /// The account that they connected is to be confirmed by the developer's backend.
    AwaitingConfirmation,
    /// End users connect no accounts of their own, and the project shares none.
    NothingShared,
    /// What the project shares has stopped working.
    SharedUnusable,
    /// The connection lacks these scopes.
    ScopesMissing(ScopeSet),
    /// The connection has to be connected again.
    NeedsReauth(StatusReason),
    /// The token has ended, and the provider does not give a new one, since then or for a while.
    RefreshFailing(Option<Timestamp>),
    /// The provider refuses the token since then.
    TokenRefused(Timestamp),
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 11] = [
        Self::Known,
        Self::Enabled,
        Self::Ready,
        Self::Agent,
        Self::Assigned,
        Self::Listed,
        Self::Allowed,
        Self::Connected,
        Self::Scopes,
        Self::Token,
        Self::Provider,
    ];

    /// Returns the word it travels as.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Known => "known",
            Self::Enabled => "enabled",
            Self::Ready => "ready",
            Self::Agent => "agent",
            Self::Assigned => "assigned",
            Self::Listed => "listed",
            Self::Allowed => "allowed",
            Self::Connected => "connected",
            Self::Scopes => "scopes",
            Self::Token => "token",
            Self::Provider => "provider",
        }
    }
}

impl Cause {
    /// Returns what kept a credential from a tool that it is limited against.
    pub(super) fn limited(credential: &RuntimeCredential) -> Self {
        match credential {
            RuntimeCredential::ApiKey { .. } => Self::KeyLimited,
            RuntimeCredential::Session { .. } => Self::SessionLimited,
        }
    }

    /// Returns the step at which a call meets it.
    pub const fn step(&self) -> Step {
        match self {
            Self::UnknownTool(_) => Step::Known,
            Self::NotEnabled | Self::OtherEnvironment(_) => Step::Enabled,
            Self::Frozen
            | Self::Paused
            | Self::CredentialsMissing
            | Self::CredentialsRejected(_)
            | Self::Misconfigured
            | Self::AddressNotAllowed(_) => Step::Ready,
            Self::UnknownAgent | Self::AgentDisabled => Step::Agent,
            Self::NotAssigned => Step::Assigned,
            Self::ToolNotAssigned | Self::ToolNotOffered => Step::Listed,
            Self::CredentialOver | Self::OtherAgent | Self::KeyLimited | Self::SessionLimited => {
                Step::Allowed
            }
            Self::NoReturnUrl
            | Self::EndUserRequired
            | Self::NotConnected
            | Self::AwaitingConfirmation
            | Self::NothingShared
            | Self::SharedUnusable => Step::Connected,
            Self::ScopesMissing(_) | Self::NeedsReauth(StatusReason::ScopesMissing) => Step::Scopes,
            Self::NeedsReauth(_) | Self::RefreshFailing(_) => Step::Token,
            Self::TokenRefused(_) => Step::Provider,
        }
    }

    /// Returns whether the end user can mend it, so that whoever acts for them alone may know.
    pub const fn is_for_end_user(&self) -> bool {
        matches!(
            self,
            Self::NotConnected
                | Self::AwaitingConfirmation
                | Self::ScopesMissing(_)
                | Self::NeedsReauth(_)
        )
    }

    /// Returns the word it travels as. Of a connection that has to be connected again, that is the
    /// reason of its status.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownTool(_) => "unknown_tool",
            Self::NotEnabled => "not_enabled",
            Self::OtherEnvironment(_) => "other_environment",
            Self::Frozen => "frozen",
            Self::Paused => "connector_paused",
            Self::CredentialsMissing => "credentials_missing",
            Self::CredentialsRejected(_) => "credentials_rejected",
            Self::Misconfigured => "connector_misconfigured",
            Self::AddressNotAllowed(_) => "address_not_allowed",
            Self::NoReturnUrl => "no_return_url",
            Self::UnknownAgent => "unknown_agent",
            Self::AgentDisabled => "agent_disabled",
            Self::NotAssigned => "not_assigned",
            Self::ToolNotAssigned => "tool_not_assigned",
            Self::ToolNotOffered => "tool_not_offered",
            Self::CredentialOver => "credential_over",
            Self::OtherAgent => "bound_to_other_agent",
            Self::KeyLimited => "key_limited",
            Self::SessionLimited => "session_limited",
            Self::EndUserRequired => "end_user_required",
            Self::NotConnected => "not_connected",
            Self::AwaitingConfirmation => "awaiting_confirmation",
            Self::NothingShared => "nothing_shared",
            Self::SharedUnusable => "shared_unusable",
            Self::ScopesMissing(_) => "scopes_missing",
            Self::NeedsReauth(why) => why.as_str(),
            Self::RefreshFailing(_) => "refresh_failing",
            Self::TokenRefused(_) => "token_refused",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_a_row_for_each_cause() {
        let document = include_str!("../../../../docs/troubleshooting.md");
        let moment = Timestamp::from_secs(0);
        for cause in [
            Cause::UnknownTool(Nearest::default()),
            Cause::NotEnabled,
            Cause::OtherEnvironment(Environment::Live),
            Cause::Frozen,
            Cause::Paused,
            Cause::CredentialsMissing,
            Cause::CredentialsRejected(moment),
            Cause::Misconfigured,
            Cause::AddressNotAllowed(String::new()),
            Cause::NoReturnUrl,
            Cause::UnknownAgent,
            Cause::AgentDisabled,
            Cause::NotAssigned,
            Cause::ToolNotAssigned,
            Cause::ToolNotOffered,
            Cause::CredentialOver,
            Cause::OtherAgent,
            Cause::KeyLimited,
            Cause::SessionLimited,
            Cause::EndUserRequired,
            Cause::NotConnected,
            Cause::AwaitingConfirmation,
            Cause::NothingShared,
            Cause::SharedUnusable,
            Cause::ScopesMissing(ScopeSet::default()),
            Cause::NeedsReauth(StatusReason::ClientChanged),
            Cause::RefreshFailing(None),
            Cause::TokenRefused(moment),
        ] {
            let row = format!("`{}` | `{}` |", cause.code(), cause.step().as_str());
            let line = document.lines().find(|line| line.contains(&row));
            let line = line.unwrap_or_else(|| panic!("docs/troubleshooting.md lacks {row}"));
            assert_eq!(line.ends_with("| ✓ |"), cause.is_for_end_user(), "{line}");
        }
    }
}
