//! The API: for agents and developers' backends, and below `manage` for administrators.
//!
//! What a handler takes and gives is all that `openapi.json` says of it; nothing is said twice. To
//! add an operation:
//!
//! 1. Write its wire types beside its handler: what is received ends in `Request`, `Query` or
//!    `Path` and derives `Deserialize`, what is sent ends in `View` and derives `Serialize`; both
//!    derive `JsonSchema`. The comments of types and fields are read by API users. A field says
//!    what its type does not: ids, times, words and scopes describe themselves. An `Option` may be
//!    left out of a request without `#[serde(default)]`. No type is both received and sent, unless
//!    it looks the same both ways.
//! 2. Write the handler: `State` first, then the caller (`Acting`, `Backend`, `Managing`, …),
//!    `Path`, `Query`, and `Body` last, each from the crate `surface`; `Result<Json<…View>, Problem>`
//!    comes back, or `Result<NoContent, Problem>`. A `Path` is always a struct, whose fields are
//!    named as in the path.
//! 3. Add a row to the table in `operations.rs`. Its id is for ever: clients call their functions
//!    so. Its comment is the operation's summary and description; the handler needs none.
//! 4. Write `openapi.json` anew and read the difference: the test of that file, in the crate
//!    `server`, says how. The tests' clients hold every answer against it.
//!
//! A new extractor describes itself with `OperationInput`, beside its `FromRequest`.

mod auth_requests;
mod connections;
mod explain;
mod health;
mod manage;
mod metrics;
mod numbers;
mod operations;
mod page;
mod sessions;
mod tools;

use astralform_surface::App;
use axum::{Router, routing::get};

pub use operations::operations;

/// Returns what is served beside the operations, and stands in no document.
pub fn beside_operations() -> Router<App> {
    Router::new().route("/metrics", get(metrics::show))
}
