//! What handlers of every surface stand on: the state they share, extractors, problems, requests
//! that may come again, rates, and the machinery of the API's document.
//!
//! Handlers take what they need as extractors, ask the engine, and answer; the one type that knows
//! status codes is [`Problem`].

mod app;
pub mod auth;
mod bodies;
pub mod body;
pub mod cors;
mod detached;
pub mod idempotency;
pub mod openapi;
mod problem;
pub mod served;
mod throttle;
pub mod version;

pub use app::{App, Settings};
pub use detached::run_detached;
pub use problem::{Code, FieldFault, Given, Problem, Refusal, with_request_id};
pub use throttle::{Machine, Rates};
