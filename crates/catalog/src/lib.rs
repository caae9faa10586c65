//! What exists: connector folders in, validated connectors with compiled jq out.
//!
//! Pure: bytes become a [`Catalog`] and a list of [`Diagnostic`]s, and nothing is read or sent.
//! `astralform connectors lint` reports with the very code that loads. A provider is data: what
//! sets one apart is a named feature of the format in [`Connector`], never a branch on its name.
//! Start there, then read [`load()`].

mod addresses;
mod api_key;
mod builtin;
mod check;
mod connector;
mod diagnostic;
mod errors;
mod expression;
mod format_schema;
mod load;
mod log_part;
mod oauth;
mod placement;
mod revocation;
mod schema;
mod tool;
mod yaml;

pub use addresses::{AddressError, Addresses, OauthAddresses, destination};
pub use api_key::{ApiKeyAuth, KeyField};
pub use builtin::builtin;
pub use connector::{Api, Auth, Connector, ConnectorType, Identity, Method, Setup};
pub use diagnostic::Diagnostic;
pub use errors::{ErrorKind, Errors};
pub use expression::{Expression, ExpressionError, Variables};
pub use load::{Catalog, Folder, load};
pub use log_part::LogPart;
pub use oauth::{
    ClientAuth, Encoding, OAuth, Pkce, RefreshRules, RefreshTokenRotation, ScopeEntry,
    TokenResponse,
};
pub use placement::{Basic, Placement, Template};
pub use revocation::{EndedTokens, RevocationEndpoint, RevocationStyle};
pub use schema::{ArgumentFault, Schema};
pub use tool::{Alternative, Annotations, Tool, ToolRequest};

pub use format_schema::connector_schema;
