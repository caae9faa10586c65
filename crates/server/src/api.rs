//! The REST API: for agents and developers' backends, and below `manage` for who administers.

pub(crate) mod auth_requests;
pub(crate) mod connections;
pub(crate) mod health;
pub(crate) mod manage;
mod page;
pub(crate) mod sessions;
pub(crate) mod tools;
