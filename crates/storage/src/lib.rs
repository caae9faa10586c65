//! What is remembered: tables, statements and migrations, on SQLite and PostgreSQL.
//!
//! One module per table, each statement above its one caller, all of them in the SQL that both
//! databases share. Secrets pass through as [`astralform_domain::Sealed`]; this crate cannot open
//! them. Look-ups take the [`astralform_domain::Tenant`] they are confined to. `db` is the only
//! module that names a driver.

pub mod admin_tokens;
pub mod agents;
pub mod api_keys;
pub mod audit;
pub mod auth_requests;
mod bind;
pub mod call_erasures;
pub mod calls;
pub mod changes;
#[cfg(test)]
mod column_limits;
pub mod connection_events;
pub mod connection_uses;
pub mod connections;
pub mod copies;
pub mod data_keys;
mod db;
pub mod end_users;
mod error;
pub mod freezes;
pub mod idempotent_requests;
pub mod managed;
pub mod members;
pub mod meta;
pub mod nodes;
pub mod oauth_states;
pub mod project_connectors;
pub mod project_logos;
pub mod projects;
pub mod refreshes;
pub mod retention;
pub mod revocations;
mod row;
pub mod sealed_columns;
pub mod serving;
pub mod sessions;
mod status_changes;
pub mod tokens;
pub mod webhook_deliveries;
pub mod webhooks;

pub use changes::{Stamp, Topic};
pub use db::{Db, LATE, RequestMark, Run, STATEMENTS_LOGGED_BY, Tx, charged_to};
pub use error::{Error, Result};

#[cfg(test)]
mod testing;
