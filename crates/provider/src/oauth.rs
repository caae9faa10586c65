//! The OAuth 2.0 client (RFC 6749): what is sent to a provider, and how its answers are read.

mod answer;
mod authorize;
mod client;
mod refresh;
mod revoke;
mod token;

pub use authorize::{AuthorizationRequest, CodeVerifier};
pub use client::Client;
pub use refresh::{Refreshed, read_refreshed};
pub use revoke::{Revoked, read_revocation, revocation_request};
pub use token::{Grant, Granted, TokenError, read_tokens, refresh_request, token_request};
