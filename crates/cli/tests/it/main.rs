//! The binary as its users run it.

mod browser;
mod demo;
mod lint;
mod program;
mod start;
