use crate::{
    ConnectionId, HostSet, Owner, ProjectConnectorId, ScopeSet, Tenant, Timestamp,
    text_enum::text_enum,
};

/// An account at one project connector: an end user's, or the one that a project shares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// Its id; the same account reconnecting keeps it.
    pub id: ConnectionId,
    /// The project and environment it belongs to.
    pub tenant: Tenant,
    /// The project connector it was made through.
    pub project_connector: ProjectConnectorId,
    /// Whose it is.
    pub owner: Owner,
    /// The account at the provider.
    pub account: Account,
    /// What its owner calls it.
    pub label: Option<String>,
    /// Whether it is the one used when a call names none.
    pub is_default: bool,
    /// Whether it can be used, and if not, why.
    pub state: ConnectionState,
    /// What the provider said it granted.
    pub scopes: ScopeSet,
    /// Where its tokens may be sent.
    pub hosts: HostSet,
    /// When it was made.
    pub created_at: Timestamp,
}

/// An account at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The provider's stable id of the account.
    pub id: String,
    /// A name a person recognises it by.
    pub label: String,
}

/// Whether a connection can be used, and if not, why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Sealed and unusable until the developer's backend confirms who finished.
    AwaitingConfirmation,
    /// In use.
    Active {
        /// Whether the provider took scopes away that were granted before.
        lacks_scopes: bool,
    },
    /// The end user has to connect again.
    NeedsReauth(StatusReason),
    /// Ended for good.
    Revoked(StatusReason),
}

impl ConnectionState {
    /// In use, with all that was granted.
    pub const ACTIVE: Self = Self::Active { lacks_scopes: false };

    /// Returns the state of a status and its reason; `None` where they contradict each other.
    pub const fn of(status: ConnectionStatus, reason: Option<StatusReason>) -> Option<Self> {
        match (status, reason) {
            (ConnectionStatus::AwaitingConfirmation, None) => Some(Self::AwaitingConfirmation),
            (ConnectionStatus::Active, None) => Some(Self::ACTIVE),
            (ConnectionStatus::Active, Some(StatusReason::ScopesMissing)) => {
                Some(Self::Active { lacks_scopes: true })
            }
            (ConnectionStatus::NeedsReauth, Some(why)) => Some(Self::NeedsReauth(why)),
            (ConnectionStatus::Revoked, Some(why)) => Some(Self::Revoked(why)),
            _ => None,
        }
    }

    /// Returns its status.
    pub const fn status(self) -> ConnectionStatus {
        match self {
            Self::AwaitingConfirmation => ConnectionStatus::AwaitingConfirmation,
            Self::Active { .. } => ConnectionStatus::Active,
            Self::NeedsReauth(_) => ConnectionStatus::NeedsReauth,
            Self::Revoked(_) => ConnectionStatus::Revoked,
        }
    }

    /// Returns why it is so, where there is something to say.
    pub const fn reason(self) -> Option<StatusReason> {
        match self {
            Self::AwaitingConfirmation | Self::Active { lacks_scopes: false } => None,
            Self::Active { lacks_scopes: true } => Some(StatusReason::ScopesMissing),
            Self::NeedsReauth(why) | Self::Revoked(why) => Some(why),
        }
    }
}

impl Connection {
    /// Returns its status.
    pub const fn status(&self) -> ConnectionStatus {
        self.state.status()
    }

    /// Returns why its status is what it is.
    pub const fn reason(&self) -> Option<StatusReason> {
        self.state.reason()
    }

    /// Notes that the provider took scopes away; says whether that is to be stored. What is not in
    /// use stays as it is.
    pub fn lose_scopes(&mut self) -> bool {
        let is_active = matches!(self.state, ConnectionState::Active { .. });
        if is_active {
            self.state = ConnectionState::Active { lacks_scopes: true };
        }
        is_active
    }
}

text_enum! {
    /// Whether a connection can be used.
    ConnectionStatus("connection status") {
        /// Sealed and unusable until the developer's backend confirms who finished.
        AwaitingConfirmation = "awaiting_confirmation",
        /// In use.
        Active = "active",
        /// The end user has to connect again.
        NeedsReauth = "needs_reauth",
        /// Ended for good.
        Revoked = "revoked",
    }
}

text_enum! {
    /// Why a connection has the status it has.
    StatusReason("status reason") {
        /// The end user disconnected it.
        UserRevoked = "user_revoked",
        /// The provider refused its access token, for good.
        TokenRejected = "token_rejected",
        /// The provider refused its refresh token.
        RefreshRejected = "refresh_rejected",
        /// A refresh was never answered, and its token is of no use any more: the new one is lost.
        RefreshOutcomeUnknown = "refresh_outcome_unknown",
        /// The provider took scopes away that were granted before.
        ScopesMissing = "scopes_missing",
        /// Its access token ran out.
        Expired = "expired",
        /// The connector was disabled.
        ConnectorDisabled = "connector_disabled",
        /// The developer's app, or where it talks to, was replaced.
        ClientChanged = "client_changed",
        /// The developer's backend named another end user than the prompt was for.
        EndUserMismatch = "end_user_mismatch",
        /// The developer's backend did not confirm in time who finished.
        NotConfirmed = "not_confirmed",
        /// An administrator ended it.
        AdminRevoked = "admin_revoked",
        /// Its end user was deleted.
        EndUserDeleted = "end_user_deleted",
        /// Its project was deleted.
        ProjectDeleted = "project_deleted",
        /// It never was of use: what the provider gave was not what was asked for, or came too late.
        NotKept = "not_kept",
        /// Its account was connected already: the connection there was goes on.
        Merged = "merged",
        /// It stands for tokens that a new consent replaced; the connection they belonged to goes on.
        Replaced = "replaced",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_of_its_status_and_reason_and_nonsense_is_none() {
        for &status in ConnectionStatus::ALL {
            for reason in StatusReason::ALL.iter().copied().map(Some).chain([None]) {
                if let Some(state) = ConnectionState::of(status, reason) {
                    assert_eq!((state.status(), state.reason()), (status, reason));
                }
            }
        }
        let nonsense = [
            (ConnectionStatus::Active, Some(StatusReason::UserRevoked)),
            (ConnectionStatus::AwaitingConfirmation, Some(StatusReason::Expired)),
            (ConnectionStatus::NeedsReauth, None),
            (ConnectionStatus::Revoked, None),
        ];
        for (status, reason) in nonsense {
            assert_eq!(ConnectionState::of(status, reason), None, "{status} {reason:?}");
        }
    }
}
