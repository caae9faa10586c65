//! The simulator from outside: over its router, as clients and browsers meet it.

mod chat;
mod consent;
mod control;
mod conversations;
mod exchange;
mod faults;
mod github;
mod harness;
mod hostile;
mod notion;
mod notion_api;
mod notion_client;
mod notion_description;
mod notion_oauth;
mod official_client;
mod official_description;
mod peer;
mod rotation;
mod search;
mod tavily;
mod token;
mod web_api;
