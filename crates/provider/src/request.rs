//! Requests to a service's API, made of a connector, arguments and a credential: pure functions.

mod credential;
mod headers;
mod plan;
mod query;

pub use credential::CredentialParts;
pub use headers::default_headers;
pub(crate) use headers::{form, headers_of, secret_header};
pub(crate) use plan::encode;
pub use plan::{PlanError, authorize, plan};
pub(crate) use query::{encoded, extend_query};
