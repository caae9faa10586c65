use super::{AuthFailure, AuthStatus};
use crate::{ConnectionId, ProviderError};

/// How far an auth request got, with what there is to say of that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuthRequestState {
    /// Waiting for the end user.
    Pending,
    /// The end user is done; the developer's backend has to vouch for them.
    AwaitingConfirmation {
        /// The connection that becomes usable then.
        connection: ConnectionId,
    },
    /// Connected.
    Completed {
        /// The connection it led to.
        connection: ConnectionId,
    },
    /// The end user said no.
    Declined {
        /// What the provider said of it, where it was the provider who told.
        said: Option<ProviderError>,
    },
    /// The end user did not come in time.
    Expired,
    /// It went wrong.
    Failed {
        /// How.
        why: AuthFailure,
        /// What the provider said of it, where it refused.
        said: Option<ProviderError>,
    },
}

impl AuthRequestState {
    /// Returns the state of a status and what is stored beside it; `None` where they contradict
    /// each other. One that ended without success may still name the connection that waited.
    pub fn of(
        status: AuthStatus,
        failure: Option<AuthFailure>,
        said: Option<ProviderError>,
        connection: Option<ConnectionId>,
    ) -> Option<Self> {
        match (status, failure, said, connection) {
            (AuthStatus::Pending, None, None, None) => Some(Self::Pending),
            (AuthStatus::AwaitingConfirmation, None, None, Some(connection)) => {
                Some(Self::AwaitingConfirmation { connection })
            }
            (AuthStatus::Completed, None, None, Some(connection)) => {
                Some(Self::Completed { connection })
            }
            (AuthStatus::Declined, None, said, _) => Some(Self::Declined { said }),
            (AuthStatus::Expired, None, None, _) => Some(Self::Expired),
            (AuthStatus::Failed, Some(why), said, _) => Some(Self::Failed { why, said }),
            _ => None,
        }
    }

    /// Returns its status.
    pub const fn status(&self) -> AuthStatus {
        match self {
            Self::Pending => AuthStatus::Pending,
            Self::AwaitingConfirmation { .. } => AuthStatus::AwaitingConfirmation,
            Self::Completed { .. } => AuthStatus::Completed,
            Self::Declined { .. } => AuthStatus::Declined,
            Self::Expired => AuthStatus::Expired,
            Self::Failed { .. } => AuthStatus::Failed,
        }
    }

    /// Returns how it went wrong, once it has.
    pub const fn failure(&self) -> Option<AuthFailure> {
        match self {
            Self::Failed { why, .. } => Some(*why),
            _ => None,
        }
    }

    /// Returns what the provider said of it, where it refused.
    pub const fn provider_error(&self) -> Option<&ProviderError> {
        match self {
            Self::Declined { said } | Self::Failed { said, .. } => said.as_ref(),
            _ => None,
        }
    }

    /// Returns the connection it led to.
    pub const fn connection(&self) -> Option<ConnectionId> {
        match self {
            Self::AwaitingConfirmation { connection } | Self::Completed { connection } => {
                Some(*connection)
            }
            _ => None,
        }
    }

    /// Returns the state after the end user has connected an account, which is usable at once or
    /// has to be confirmed; `None` where the end user was not waited for.
    pub fn connected(&self, connection: ConnectionId, is_usable: bool) -> Option<Self> {
        match self {
            Self::Pending if is_usable => Some(Self::Completed { connection }),
            Self::Pending => Some(Self::AwaitingConfirmation { connection }),
            _ => None,
        }
    }

    /// Returns the state after the end user, or the provider for them, has said no; `None` where
    /// the end user was not waited for.
    pub fn declined(&self, said: ProviderError) -> Option<Self> {
        matches!(self, Self::Pending).then_some(Self::Declined { said: Some(said) })
    }

    /// Returns the state after something went wrong; `None` where nothing can happen any more.
    pub fn failed(&self, why: AuthFailure, said: Option<ProviderError>) -> Option<Self> {
        self.status().is_open().then_some(Self::Failed { why, said })
    }

    /// Returns the state after its time has passed; `None` where nothing can happen any more.
    pub fn expired(&self) -> Option<Self> {
        self.status().is_open().then_some(Self::Expired)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Clock, Entropy, Timestamp};

    fn connection() -> ConnectionId {
        ConnectionId::new(&Clock::manual(Timestamp::from_secs(1)), &Entropy::seeded(1))
    }

    fn said() -> ProviderError {
        ProviderError::new("access_denied", None)
    }

    fn all() -> Vec<AuthRequestState> {
        let connection = connection();
        let why = AuthFailure::CodeRejected;
        vec![
            AuthRequestState::Pending,
            AuthRequestState::AwaitingConfirmation { connection },
            AuthRequestState::Completed { connection },
            AuthRequestState::Declined { said: None },
            AuthRequestState::Declined { said: Some(said()) },
            AuthRequestState::Expired,
            AuthRequestState::Failed { why, said: None },
            AuthRequestState::Failed { why, said: Some(said()) },
        ]
    }

    #[test]
    fn a_state_is_of_what_is_stored_of_it_and_nonsense_is_none() {
        for state in all() {
            let said = state.provider_error().cloned();
            let stored = (state.status(), state.failure(), said, state.connection());
            let read = AuthRequestState::of(stored.0, stored.1, stored.2, stored.3);
            assert_eq!(read, Some(state));
        }
        let failure = Some(AuthFailure::CodeRejected);
        let led_to = Some(connection());
        for (status, failure, said, connection) in [
            (AuthStatus::Pending, failure, None, None),
            (AuthStatus::Pending, None, Some(said()), None),
            (AuthStatus::Pending, None, None, led_to),
            (AuthStatus::AwaitingConfirmation, None, None, None),
            (AuthStatus::AwaitingConfirmation, failure, None, led_to),
            (AuthStatus::Completed, None, None, None),
            (AuthStatus::Completed, None, Some(said()), led_to),
            (AuthStatus::Declined, failure, None, None),
            (AuthStatus::Expired, failure, None, None),
            (AuthStatus::Failed, None, Some(said()), None),
        ] {
            let read = AuthRequestState::of(status, failure, said, connection);
            assert_eq!(read, None, "{status} {failure:?} {connection:?}");
        }
    }

    #[test]
    fn what_has_ended_goes_on_to_nothing_and_what_awaits_confirmation_is_not_asked_again() {
        let why = AuthFailure::EndUserMismatch;
        for state in all() {
            let is_pending = state.status() == AuthStatus::Pending;
            assert_eq!(state.connected(connection(), true).is_some(), is_pending);
            assert_eq!(state.connected(connection(), false).is_some(), is_pending);
            assert_eq!(state.declined(said()).is_some(), is_pending);
            let is_open = state.status().is_open();
            assert_eq!(state.failed(why, None).is_some(), is_open);
            assert_eq!(state.expired().is_some(), is_open);
        }
    }
}
