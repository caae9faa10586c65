//! The management API: for administrators, with an admin token.

pub(crate) mod catalog;
pub(crate) mod connections;
pub(crate) mod connectors;
mod csv;
pub(crate) mod deletions;
pub(crate) mod environments;
pub(crate) mod me;
pub(crate) mod revocations;
pub(crate) mod shared;
mod views;
pub(crate) mod webhooks;
