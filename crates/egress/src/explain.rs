use std::{error::Error, io};

use http::StatusCode;

use crate::{Answer, EgressError};

impl EgressError {
    /// Returns what happened, in words for the member who manages a connector: where the address
    /// that they entered leads within the operator's network is for the log alone.
    pub fn explain(&self) -> String {
        match self {
            Self::Forbidden(_) | Self::Untrusted(_) => self.to_string(),
            Self::Unreachable(error) => {
                format!("no connection could be made: {}", unreachable(error.as_ref()))
            }
            Self::NoAnswer(_) => "the connection ended without an answer".to_owned(),
            Self::TimedOut => "no answer came in time".to_owned(),
            Self::TooLarge => "its answer is too large to be read".to_owned(),
        }
    }
}

fn unreachable(error: &(dyn Error + Send + Sync + 'static)) -> String {
    match error.downcast_ref::<io::Error>().map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "it was refused".to_owned(),
        Some(io::ErrorKind::TimedOut) => "it was not answered in time".to_owned(),
        Some(io::ErrorKind::NotFound) => "the name leads to no address".to_owned(),
        _ => error.to_string(),
    }
}

impl Answer {
    /// Returns why an answer does not tell what it was asked for.
    pub fn explain(&self) -> String {
        let status = self.status.as_u16();
        let form = match self.unread_coding() {
            Some(coding) if self.body.is_empty() => {
                format!("in the coding `{coding}`, which was not asked for")
            }
            _ if self.status.is_redirection() => {
                "which is a redirect, and redirects are not followed".to_owned()
            }
            _ if self.status == StatusCode::TOO_MANY_REQUESTS => "too often asked".to_owned(),
            _ => "in a form that does not tell".to_owned(),
        };
        format!("it answered with status {status}, {form}")
    }
}
