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
    /// Whether it can be used, and if not, what is wanted.
    pub status: ConnectionStatus,
    /// Why the status is what it is.
    pub reason: Option<StatusReason>,
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
        /// The provider refused its access token, and there is none to refresh it with.
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
