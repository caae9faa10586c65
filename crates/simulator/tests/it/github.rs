//! GitHub, from outside.

mod api;
mod controls;
mod description;
mod octokit;
mod rest;
mod search;
mod setting;
mod web_flow;
