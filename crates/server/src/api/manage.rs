//! The management API: for who administers, with an admin token.

pub(crate) mod catalog;
pub(crate) mod connectors;
pub(crate) mod environments;
pub(crate) mod me;
pub(crate) mod shared;
mod views;
