mod state;

use std::time::Duration;

use crate::{
    AgentId, AuthRequestId, ConnectionId, ConnectorSlug, Owner, ProjectConnectorId, ScopeSet,
    Tenant, Timestamp, text_enum::text_enum,
};
pub use state::AuthRequestState;

/// One prompt to connect an account, to reconnect it, or to grant more scopes: to an end user, or
/// to the member who shares an account with all of a project.
#[derive(Clone, Debug)]
pub struct AuthRequest {
    /// Its id.
    pub id: AuthRequestId,
    /// The project and environment that ask.
    pub tenant: Tenant,
    /// What the account will be connected to.
    pub project_connector: ProjectConnectorId,
    /// The catalogue entry of that.
    pub connector: ConnectorSlug,
    /// Whose the account will be.
    pub owner: Owner,
    /// The agent that needs it.
    pub agent: AgentId,
    /// Why the end user is asked.
    pub reason: AuthReason,
    /// The scopes it asks for.
    pub required_scopes: ScopeSet,
    /// The scopes already granted.
    pub granted_scopes: ScopeSet,
    /// The connection it renews; no other account will do.
    pub renews: Option<ConnectionId>,
    /// The account to use again, as its owner knows it; of a request that renews nothing, the one
    /// that it found connected already.
    pub account_hint: Option<String>,
    /// Where the browser goes afterwards.
    pub return_url: Option<String>,
    /// How far it got.
    pub state: AuthRequestState,
    /// The end of the present phase.
    pub expires_at: Timestamp,
}

text_enum! {
    /// Why the end user is asked.
    AuthReason("reason to ask") {
        /// There is no connection yet.
        NotConnected = "not_connected",
        /// The connection stopped working.
        NeedsReauth = "needs_reauth",
        /// The connection lacks scopes.
        MissingScopes = "missing_scopes",
    }
}

text_enum! {
    /// How far an auth request got.
    AuthStatus("auth request status") {
        /// Waiting for the end user.
        Pending = "pending",
        /// The end user is done; the developer's backend has to vouch for them.
        AwaitingConfirmation = "awaiting_confirmation",
        /// Connected.
        Completed = "completed",
        /// The end user said no.
        Declined = "declined",
        /// The end user did not come in time.
        Expired = "expired",
        /// It went wrong; the failure says how.
        Failed = "failed",
    }
}

text_enum! {
    /// How an auth request went wrong.
    AuthFailure("auth failure") {
        /// The provider answered the authorization request with an error.
        AuthorizationError = "authorization_error",
        /// The flow was finished in another browser than it was started in.
        ForeignBrowser = "foreign_browser",
        /// The answer came from another authorization server than was asked, or did not say from
        /// which (RFC 9207 §2.4).
        IssuerMismatch = "issuer_mismatch",
        /// The answer came back to another redirect URI than was sent.
        RedirectUriMismatch = "redirect_uri_mismatch",
        /// The provider would not exchange the code.
        CodeRejected = "code_rejected",
        /// The provider refused our app's own credentials.
        ClientRejected = "client_rejected",
        /// The provider did not answer, or not in a form that could be read.
        ProviderUnavailable = "provider_unavailable",
        /// The provider gave a token, and did not say whose.
        AccountUnreadable = "account_unreadable",
        /// This server may not call the provider's address, or does not trust its certificate.
        ConnectorMisconfigured = "connector_misconfigured",
        /// The provider granted none of what was needed.
        NothingGranted = "nothing_granted",
        /// The developer's backend named another end user.
        EndUserMismatch = "end_user_mismatch",
        /// Another account was chosen than the one to be renewed.
        OtherAccount = "other_account",
        /// The settings it was made for changed before it was finished.
        SettingsChanged = "settings_changed",
        /// Its link was clicked too often, or too many keys were entered there.
        TooManyAttempts = "too_many_attempts",
        /// An operator froze the project before it was finished.
        Frozen = "frozen",
    }
}

impl AuthRequest {
    /// How long the end user has to click, then to come back, then the backend to confirm.
    pub const PHASE: Duration = Duration::from_mins(10);

    /// How long a developer's backend may make a link wait for its click.
    pub const LONGEST: Duration = Duration::from_hours(7 * 24);

    /// Returns its status as it is stored.
    pub const fn status(&self) -> AuthStatus {
        self.state.status()
    }

    /// Returns its status at `now`: an open request whose phase has ended is expired.
    pub fn status_at(&self, now: Timestamp) -> AuthStatus {
        let status = self.status();
        if status.is_open() && self.expires_at <= now { AuthStatus::Expired } else { status }
    }

    /// Returns the account, as its owner knows it, where one more was asked for and the one that
    /// was chosen is connected already.
    pub fn found_connected(&self) -> Option<&str> {
        let is_new = self.renews.is_none() && self.status() == AuthStatus::Completed;
        self.account_hint.as_deref().filter(|_| is_new)
    }

    /// Returns what it asks for beyond what is granted.
    pub fn missing_scopes(&self) -> ScopeSet {
        self.required_scopes.missing_from(&self.granted_scopes)
    }
}

impl AuthStatus {
    /// Returns whether something can still happen to it.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::AwaitingConfirmation)
    }
}

impl AuthFailure {
    /// Returns what happened, and what to do about it, for the end user and the developer alike.
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::AuthorizationError => {
                "the service answered with an error instead of asking for consent; try again, and check the app's settings at the service if it repeats"
            }
            Self::ForeignBrowser => {
                "the link was finished in another browser than it was started in; open a new link and stay in one browser"
            }
            Self::IssuerMismatch => {
                "the answer came from another service than was asked, or did not say from which; nothing was connected, and the server's log has both issuers"
            }
            Self::RedirectUriMismatch => {
                "the service sent the browser back to another redirect URI than was asked for; its developer has to register the connector's `redirect_uri` at the service, to the letter"
            }
            Self::CodeRejected => {
                "the service would not exchange its code for a token; open a new link and try again"
            }
            Self::ClientRejected => {
                "the service refused the app's own credentials; its developer has to correct client id, client secret or redirect URI"
            }
            Self::ProviderUnavailable => {
                "the service did not answer in a form that could be understood; try again later"
            }
            Self::AccountUnreadable => {
                "the service gave a token, but not whose it is; the connector's developer has to check its `identity` and `api_base_url`, and the server's log says what came"
            }
            Self::ConnectorMisconfigured => {
                "this server may not call the service's address, or does not trust its certificate; the connector's check and the server's log say which it is and which setting allows it"
            }
            Self::NothingGranted => "the service granted none of the permissions that are needed",
            Self::EndUserMismatch => {
                "it was finished by another person than it was made for; nothing was kept"
            }
            Self::OtherAccount => {
                "another account was chosen than the one to be renewed; open a new link and choose the same one, or disconnect it first to connect another"
            }
            Self::SettingsChanged => {
                "the connector's settings changed while the link was open; open a new link"
            }
            Self::TooManyAttempts => "the link was tried too often; open a new link",
            Self::Frozen => "the application was frozen while the link was open; nothing was kept",
        }
    }
}
