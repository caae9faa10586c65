//! HTTP: the runtime API, the end users' pages, authentication.
//!
//! Handlers take what they need as extractors, ask the engine, and answer; the one type that knows
//! status codes is [`Problem`]. Start with [`router()`], the whole table of what is served.

mod api;
mod app;
mod auth;
mod bodies;
mod body;
mod cookies;
mod detached;
mod guard;
mod hosts;
mod idempotency;
mod lines;
mod listen;
mod numbers;
mod openapi;
mod origin;
mod pages;
mod problem;
mod rate;
mod router;
mod served;
mod throttle;

pub use app::{App, Settings};
pub use hosts::{AllowedHost, AllowedHosts, InvalidHost};
pub use lines::CALLS;
pub use listen::{Limits, serve, serve_then};
pub use origin::Proxies;
pub use problem::{Code, FieldFault, Given, Problem, Refusal};
pub use rate::Rate;
pub use router::{openapi, router};
pub use served::request_id;
pub use throttle::{Machine, Rates};
