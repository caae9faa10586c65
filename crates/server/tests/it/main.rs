//! The product over HTTP, with a simulated provider, a browser without JavaScript and a clock that
//! moves when told.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod accounts;
mod api_keys;
mod auth_requests;
mod authentication;
mod bad_input;
mod bots;
mod confirm;
mod connections;
mod consent;
mod consent_meanwhile;
mod destinations;
mod disabling;
mod ending;
mod ending_many;
mod faults;
mod freezing;
mod github_tools;
mod idempotency;
mod life;
mod links;
mod main_job;
mod management;
mod metrics;
mod mix_up;
mod notion_tools;
mod openapi;
mod pages;
mod peer;
mod provider;
mod races;
mod recorder;
mod redirects;
mod refreshing;
mod refreshing_peer;
mod repeating;
mod replaced;
mod retention;
mod revocations;
mod sandboxed_keys;
mod secrets;
mod sessions;
mod settings;
mod several_requests;
mod shared;
mod slack_tools;
mod tampering;
mod tenancy;
mod two_nodes;
mod webhooks;
