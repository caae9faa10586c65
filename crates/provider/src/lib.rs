//! What is said to a service, and how its answers are read.
//!
//! Requests are made and answers are read by pure functions. [`request`] and [`answer`] are about
//! tools, [`oauth`] is about tokens, [`identity`] about the account that a credential opens.
//! [`ProviderApp::send`] sends what is sent in the name of the developer's app.

pub mod answer;
mod app;
pub mod identity;
pub mod oauth;
pub mod request;

pub use app::{AppReply, Budget, ProviderApp, SendError};
