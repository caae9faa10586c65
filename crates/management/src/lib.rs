//! What those who administer see and change: projects, environments, keys, agents, connectors,
//! connections.
//!
//! Every way in (REST, the command line, pages) calls the same functions. Each takes who acts, a
//! [`ProjectActor`] or [`TeamActor`], and has the project or team from it by naming the [`Right`]
//! that it takes: [`policy`] is one table. Start with [`Management`].

mod acting;
pub mod admin_tokens;
pub mod agents;
pub mod api_keys;
pub mod audit_log;
pub mod calls;
pub mod connections;
pub mod connectors;
pub mod copies;
pub mod deletions;
pub mod environments;
pub mod explanations;
pub mod logos;
mod management;
pub mod members;
pub mod policy;
pub mod projects;
pub mod provisioning;
pub mod webhooks;

pub use acting::{Denied, Permit, ProjectActor, TeamActor, TeamPermit};
pub use management::Management;
pub use policy::{Forbidden, Right};
