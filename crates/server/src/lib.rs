//! HTTP: the runtime API, the end users' pages, authentication.
//!
//! Handlers take what they need as extractors, ask the engine, and answer; the one type that knows
//! status codes is [`Problem`]. Start with [`router()`], the whole table of what is served.

mod api;
mod app;
mod auth;
mod body;
mod cookies;
mod finish;
mod listen;
mod once;
mod openapi;
mod pages;
mod problem;
mod request_id;
mod router;

pub use app::App;
pub use listen::{Limits, serve, serve_then};
pub use problem::Problem;
pub use request_id::request_id;
pub use router::{openapi, router};
