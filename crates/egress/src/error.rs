use thiserror::Error;

use crate::{Forbidden, Untrusted};

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The address is not one that may be called. Nothing was sent.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The server there proves itself with a certificate that is not trusted. Nothing was sent.
    #[error(transparent)]
    Untrusted(Untrusted),
    /// No connection was made. Nothing was sent.
    #[error("no connection could be made")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came.
    #[error("no answer came")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
}

impl EgressError {
    /// Returns whether the operator of this server, or the member who entered the address, has to
    /// mend it: trying again changes nothing.
    pub const fn is_ours(&self) -> bool {
        match self {
            Self::Forbidden(_) => true,
            Self::Untrusted(untrusted) => untrusted.is_for_operator(),
            _ => false,
        }
    }

    /// Returns whether nothing was sent.
    pub const fn is_unsent(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Untrusted(_) | Self::Unreachable(_))
    }
}
