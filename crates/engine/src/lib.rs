//! What happens: auth requests, credentials, refreshing, revoking, tool calls.
//!
//! Data flows one way: caller → what it may use → credential → plan (pure) → egress → shape (pure). Start
//! with [`Engine`], then `tools/call.rs` and `auth_requests/`. The map of the whole program:
//!
#![doc = include_str!("../../../ARCHITECTURE.md")]

pub mod audit;
mod auth_requests;
pub mod authentication;
mod base;
pub mod bearer;
mod cache;
mod cache_map;
pub mod calls;
mod connections;
mod connectors;
mod credentials;
mod data_keys;
mod detached;
mod engine;
mod error;
pub mod explain;
mod frozen;
pub mod idempotency;
mod janitor;
mod key_checks;
mod may_use;
pub mod metrics;
mod nearest;
mod not_enabled;
mod origins;
mod own_connections;
pub mod places;
pub mod project_connectors;
mod reach;
mod refresh;
pub mod revocations;
pub mod row_tags;
pub mod sessions;
mod settings;
mod site;
pub mod spans;
mod tools;
mod uses;
pub mod webhooks;

pub use astralform_storage::{RequestMark, charged_to};
pub use auth_requests::{
    BeginError, Callback, ConfirmError, Confirmation, Consent, EnterKeyError, FinishError,
    Patience, Prompt, Started, UndeclaredScope, WantedAccount, WantedError, WantedPrompt,
};
pub use base::Base;
pub use connectors::Unusable;
pub use credentials::CredentialRefusal;
pub use data_keys::open_project_keys;
pub use engine::{Engine, Parts};
pub use error::Fault;
pub use frozen::Frozen;
pub use nearest::Nearest;
pub use not_enabled::NotEnabled;
pub use own_connections::{ChangeError, ConnectionChanges, OwnConnection, OwnConnections};
pub use reach::{NoConnector, NoTool, OutOfReach};
pub use settings::{Credentials, SettingsError};
pub use site::Site;
pub use tools::{Availability, CallRefusal, ListedTool, Outcome, Outside, ToolCall};

pub use astralform_provider::answer::{CallFailure, ToolResult};
