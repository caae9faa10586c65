//! What a caller may use: the one place where it is decided, for calls, lists, prompts and looks.

use astralform_catalog::{Catalog, Tool};
use astralform_domain::{ConnectorSlug, ProjectConnector, RuntimeCredential};
use astralform_storage::agents::Agent;

/// Returns whether a tool may be called: the project connector offers it, the agent has its
/// connector, and the credential is not limited to others.
pub(crate) fn may_use_tool(
    credential: &RuntimeCredential,
    agent: &Agent,
    settings: &ProjectConnector,
    tool: &Tool,
) -> bool {
    is_assigned(agent, &settings.connector)
        && settings.offers(&tool.name)
        && credential.allows(&tool.name)
}

/// Returns whether an account may be connected to a connector.
pub(crate) fn may_use_connector(
    credential: &RuntimeCredential,
    agent: &Agent,
    catalog: &Catalog,
    connector: &ConnectorSlug,
) -> bool {
    is_assigned(agent, connector) && may_see_connector(credential, catalog, connector)
}

/// Returns whether a credential has to do with a connector at all: one that is limited to some
/// tools, only with those that have them.
pub(crate) fn may_see_connector(
    credential: &RuntimeCredential,
    catalog: &Catalog,
    connector: &ConnectorSlug,
) -> bool {
    match credential.tools() {
        None => true,
        Some(tools) => tools.iter().any(|name| {
            let found = catalog.tool(name.as_str());
            found.is_some_and(|(owner, _)| owner.slug == *connector)
        }),
    }
}

/// Returns whether an agent may act with a connector.
pub(crate) fn is_assigned(agent: &Agent, connector: &ConnectorSlug) -> bool {
    agent.is_enabled && agent.may_use(connector)
}
