//! The binary as its users run it.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected fails")]

mod browser;
mod demo;
mod lint;
mod program;
mod start;
