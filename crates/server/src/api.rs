//! The runtime API, for agents and developers' backends.

pub(crate) mod auth_requests;
pub(crate) mod health;
pub(crate) mod tools;
