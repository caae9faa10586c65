use std::sync::Arc;

use astralform_vault::OpenError;
use thiserror::Error;

/// Something that should not happen: the log has the cause, the caller a request id.
#[derive(Debug, Error)]
pub enum Fault {
    /// The database did not answer, or answered what cannot be.
    #[error("the database")]
    Storage(#[from] astralform_storage::Error),
    /// A stored secret does not open where it was found.
    #[error("a stored secret does not open")]
    Integrity(#[from] OpenError),
    /// A refresh that others waited for too broke off.
    #[error("a token could not be refreshed")]
    Refresh(#[source] Arc<Fault>),
    /// What the database holds is contradictory.
    #[error("{0}")]
    Inconsistent(&'static str),
}

impl Fault {
    /// Returns whether a stored secret does not open: it, or its row, was altered or moved.
    pub fn is_integrity(&self) -> bool {
        match self {
            Self::Integrity(_) => true,
            Self::Refresh(fault) => fault.is_integrity(),
            _ => false,
        }
    }

    /// Returns whether the same may succeed later, here or at another node: the database is in
    /// trouble, or this node lacks a key that others have.
    pub(crate) fn may_pass(&self) -> bool {
        matches!(self, Self::Storage(_) | Self::Integrity(OpenError::OtherKey))
    }

    /// Returns whether the database was not reached: the same may succeed later.
    pub fn is_unavailable(&self) -> bool {
        match self {
            Self::Storage(error) => error.is_unavailable(),
            Self::Refresh(fault) => fault.is_unavailable(),
            _ => false,
        }
    }
}
