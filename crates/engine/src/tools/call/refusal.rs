use astralform_catalog::ArgumentFault;
use thiserror::Error;

use crate::{CredentialRefusal, Fault, NoTool, Unusable};

/// Why a call is not even tried.
#[derive(Debug, Error)]
pub enum CallRefusal {
    /// The caller has no such tool.
    #[error(transparent)]
    NoTool(#[from] NoTool),
    /// The arguments do not fit the tool's schema.
    #[error("the arguments do not fit the tool's schema, and nothing was sent: {}", first(.0))]
    InvalidArguments(Vec<ArgumentFault>),
    /// No credential can be had.
    #[error(transparent)]
    Credential(#[from] CredentialRefusal),
    /// The connector cannot be used at present.
    #[error(transparent)]
    Unusable(#[from] Unusable),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Returns what the first fault is, and how many there are besides.
fn first(faults: &[ArgumentFault]) -> String {
    let Some((ArgumentFault { pointer, message }, others)) = faults.split_first() else {
        return String::new();
    };
    let more = match others.len() {
        0 => String::new(),
        more => format!(" (and {more} more, in `errors`)"),
    };
    format!("`arguments{pointer}` {message}{more}")
}
