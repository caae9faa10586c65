//! The management API: for administrators, with an admin token.

pub(crate) mod agents;
pub(crate) mod api_keys;
pub(crate) mod audit_log;
pub(crate) mod calls;
pub(crate) mod catalog;
pub(crate) mod connections;
pub(crate) mod connectors;
pub(crate) mod copies;
mod csv;
pub(crate) mod deletions;
pub(crate) mod environments;
pub(crate) mod history;
pub(crate) mod me;
pub(crate) mod projects;
pub(crate) mod revocations;
pub(crate) mod shared;
mod views;
pub(crate) mod webhooks;
