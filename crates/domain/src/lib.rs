//! The values every other crate speaks in: ids, time, names, scopes, states, principals.
//!
//! Values only: nothing here does I/O or is async. The two effects a value needs, the time and
//! randomness, come in as [`Clock`] and [`Entropy`], so that the program that uses this crate
//! chooses them. Start with [`Connection`] and [`AuthRequest`].

mod accent;
mod actor;
mod admin_access;
mod assignment;
mod auth_request;
mod backoff;
mod call;
mod connection;
mod connection_event;
pub mod crash_points;
mod day;
mod end_user;
mod entropy;
mod environment;
mod error_chain;
mod failure;
mod hosts;
mod ids;
pub mod limits;
mod member;
mod names;
mod outcome;
mod owner;
mod patch;
mod principal;
mod project;
mod project_connector;
mod project_name;
mod provider_error;
mod revocation;
mod schema;
mod scopes;
mod sealed;
mod secret;
mod stale;
mod text_enum;
pub mod texts;
mod time;
mod webhook;

pub use accent::Accent;
pub use actor::Actor;
pub use admin_access::AdminAccess;
pub use assignment::{AssignedTools, Assignment};
pub use auth_request::{AuthFailure, AuthReason, AuthRequest, AuthRequestState, AuthStatus};
pub use backoff::Backoff;
pub use call::{CallLine, CallOutcome, CallTimes, UsageBy};
pub use connection::{Account, Connection, ConnectionState, ConnectionStatus, StatusReason};
pub use connection_event::{
    ConnectionEvent, EventPlace, Happening, HappeningKind, InvalidEventPlace, PromptEvent,
    RefreshFailure,
};
pub use day::{Day, InvalidDay};
pub use end_user::{EndUserId, InvalidEndUserId};
pub use entropy::Entropy;
pub use environment::{Environment, EnvironmentSettings, VerifyEndUser};
pub use error_chain::chain;
pub use failure::FailureKind;
pub use hosts::HostSet;
pub use ids::{
    AdminTokenId, AgentId, ApiKeyId, AuthRequestId, CallId, ConnectionId, EndUserKey, InvalidId,
    MemberId, ProjectConnectorId, ProjectId, RequestId, SessionId, TeamId, WebhookId,
};
pub use member::{Email, InvalidEmail, Role};
pub use names::{AgentName, ConnectorSlug, InvalidName, ToolName};
pub use outcome::{DeliveryOutcome, Outbox, RefreshOutcome};
pub use owner::Owner;
pub use patch::Patch;
pub use principal::{Administrator, Caller, Principal, RuntimeCredential, Tenant};
pub use project::ProjectProfile;
pub use project_connector::{
    Endpoints, OauthClient, ProjectConnector, ProjectConnectorState, Retired, SettingsPatch,
};
pub use project_name::{InvalidProjectName, ProjectName};
pub use provider_error::ProviderError;
pub use revocation::{Revocation, RevocationStatus};
pub use scopes::{Scope, ScopeSet};
pub use sealed::Sealed;
pub use secret::{Secret, SecretKey};
pub use stale::Stale;
pub use text_enum::UnknownWord;
pub use time::{Clock, InvalidTimestamp, Timestamp};
pub use webhook::{
    Delivery, DeliveryStatus, Event, Reconnect, StatusChange, Webhook, WebhookDisabled,
};
