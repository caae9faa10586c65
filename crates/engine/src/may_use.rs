//! What a caller may use: the one place where it is decided, for calls, lists, prompts and looks.

use astralform_catalog::{Catalog, Tool};
use astralform_domain::{ConnectorSlug, ProjectConnector, RuntimeCredential};
use astralform_storage::agents::Agent;

/// The first rule that keeps a caller from a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Barrier {
    /// The agent is disabled.
    AgentDisabled,
    /// The agent does not have the connector.
    ConnectorNotAssigned,
    /// The agent has the connector, and not this tool of it.
    ToolNotAssigned,
    /// The project connector does not offer the tool.
    NotOffered,
    /// The API key or session is limited to others.
    CredentialLimited,
}

/// Returns the first rule that keeps a caller from a tool of a project connector.
pub(crate) fn barrier(
    credential: &RuntimeCredential,
    agent: &Agent,
    settings: &ProjectConnector,
    tool: &Tool,
) -> Option<Barrier> {
    if !agent.is_enabled {
        return Some(Barrier::AgentDisabled);
    }
    let Some(assigned) = agent.assigned(&settings.connector) else {
        return Some(Barrier::ConnectorNotAssigned);
    };
    let is_allowed =
        credential.allows(&tool.name) && credential.allows_connector(&settings.connector);
    let rules = [
        (assigned.has(&tool.name, tool.annotations.read_only), Barrier::ToolNotAssigned),
        (settings.offers(&tool.name), Barrier::NotOffered),
        (is_allowed, Barrier::CredentialLimited),
    ];
    rules.into_iter().find(|(holds, _)| !holds).map(|(_, barrier)| barrier)
}

/// Returns whether a tool may be called.
pub(crate) fn may_use_tool(
    credential: &RuntimeCredential,
    agent: &Agent,
    settings: &ProjectConnector,
    tool: &Tool,
) -> bool {
    barrier(credential, agent, settings, tool).is_none()
}

/// Returns whether an account may be connected to a connector.
pub(crate) fn may_use_connector(
    credential: &RuntimeCredential,
    agent: &Agent,
    catalog: &Catalog,
    connector: &ConnectorSlug,
) -> bool {
    agent.is_enabled
        && agent.assigned(connector).is_some()
        && may_see_connector(credential, catalog, connector)
}

/// Returns whether a credential has to do with a connector at all: one that is limited to some
/// connectors or tools, only with those.
pub(crate) fn may_see_connector(
    credential: &RuntimeCredential,
    catalog: &Catalog,
    connector: &ConnectorSlug,
) -> bool {
    let has_tool = credential.tools().is_none_or(|tools| {
        tools.iter().any(|name| {
            let found = catalog.tool(name.as_str());
            found.is_some_and(|(owner, _)| owner.slug == *connector)
        })
    });
    has_tool && credential.allows_connector(connector)
}
