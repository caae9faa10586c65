//! The binary as its users run it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod access;
mod agents;
mod auditing;
mod backup;
mod browser;
mod calls;
mod canary;
mod catalog;
mod completions;
mod connections;
mod demo;
mod environments;
mod freeze;
mod installation;
mod large_backup;
mod lint;
mod logs;
mod managed;
mod outbox;
mod overload;
mod pooler;
mod printing;
mod program;
mod project_connectors;
mod projects;
mod reload;
mod rotation;
mod settings;
mod setup;
mod soak;
mod start;
mod troubleshooting;
mod tutorial;
