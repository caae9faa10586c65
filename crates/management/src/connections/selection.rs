//! Which connections are to be revoked, and what that amounts to.

use astralform_domain::{ConnectorSlug, EndUserId, Timestamp};
use astralform_engine::Fault;
use astralform_storage::connections::ConnectionSelection;
use thiserror::Error;

use crate::Forbidden;

/// Which connections are to be revoked; each that is named has to fit.
#[derive(Clone, Default)]
pub struct Selection {
    /// Those of this connector.
    pub connector: Option<ConnectorSlug>,
    /// Those of this end user.
    pub end_user: Option<EndUserId>,
    /// Those that were used since then.
    pub used_since: Option<Timestamp>,
    /// Whether all are meant, where nothing is named.
    pub all: bool,
}

/// What revoking connections amounts to, at one connector.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// The connector.
    pub connector: ConnectorSlug,
    /// How many connections.
    pub connections: u64,
    /// How many tokens its provider lets an app end in a minute.
    pub per_minute: u32,
}

/// Why nothing is revoked.
#[derive(Debug, Error)]
pub enum SelectionError {
    /// It does not say what.
    #[error(
        "the body names no connections: say which with `connector`, `end_user_id` or `used_since`, \
         or say `all: true`"
    )]
    Nothing,
    /// It asks for all connections and names some.
    #[error("`all` goes with `dry_run` alone: leave it out, or leave out what else is named")]
    Contradiction,
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl Selection {
    pub(super) fn check(&self) -> Result<(), SelectionError> {
        let Self { connector, end_user, used_since, all } = self;
        let names = connector.is_some() || end_user.is_some() || used_since.is_some();
        match (names, all) {
            (false, false) => Err(SelectionError::Nothing),
            (true, true) => Err(SelectionError::Contradiction),
            _ => Ok(()),
        }
    }

    pub(super) fn which(&self) -> ConnectionSelection<'_> {
        ConnectionSelection { end_user: self.end_user.as_ref(), used_since: self.used_since }
    }

    pub(super) fn names(&self, connector: &ConnectorSlug) -> bool {
        self.connector.as_ref().is_none_or(|named| named == connector)
    }
}

impl Extent {
    /// Returns how long its provider takes at least, in seconds.
    pub fn seconds(&self) -> u64 {
        (self.connections * 60).div_ceil(u64::from(self.per_minute.max(1)))
    }
}
