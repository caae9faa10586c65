//! What the agent, and the API key or session, let a caller use.

use astralform_domain::{ApiKeyId, ProjectConnector, RuntimeCredential};

use super::{Asked, Cause, Held, Step};
use crate::may_use::{Barrier, barrier};

/// Returns the rule that keeps the agent, or what the caller holds, from the tool.
pub(super) fn out_of_reach(asked: &Asked<'_>, settings: &ProjectConnector) -> Option<Cause> {
    let held = asked.question.held.as_ref();
    let Some(agent) = &asked.agent else { return Some(Cause::UnknownAgent) };
    let everything = Held::everything();
    let credential = &held.unwrap_or(&everything).credential;
    let barrier = barrier(credential, agent, settings, asked.tool);
    let rule = barrier.map(|barrier| match barrier {
        Barrier::AgentDisabled => Cause::AgentDisabled,
        Barrier::ConnectorNotAssigned => Cause::NotAssigned,
        Barrier::ToolNotAssigned => Cause::ToolNotAssigned,
        Barrier::NotOffered => Cause::ToolNotOffered,
        Barrier::CredentialLimited => Cause::limited(credential),
    });
    let Some(held) = held else { return rule };
    let of_credential = [
        (!held.is_live, Cause::CredentialOver),
        (held.agent.is_some_and(|bound| bound != agent.id), Cause::OtherAgent),
    ];
    let of_credential = of_credential.into_iter().find(|(is_so, _)| *is_so);
    match rule {
        Some(cause) if cause.step() < Step::Allowed => Some(cause),
        other => of_credential.map(|(_, cause)| cause).or(other),
    }
}

impl Held {
    /// Returns what a key holds that is limited to nothing.
    fn everything() -> Self {
        let id = ApiKeyId::from_bytes([0; 16]);
        let credential = RuntimeCredential::ApiKey { id, agent: None, connectors: None };
        Self { credential, agent: None, is_live: true }
    }
}
