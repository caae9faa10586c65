use astralform_domain::{AgentName, ConnectorSlug, Environment, ToolName};
use thiserror::Error;

use crate::{NotEnabled, nearest::Nearest};

/// Why a connector is out of a caller's reach.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OutOfReach {
    /// It is not enabled.
    #[error(transparent)]
    NotEnabled(#[from] NotEnabled),
    /// The agent has a list of connectors, and this one is not on it.
    #[error(
        "the agent `{agent}` has not been assigned the connector `{connector}`: name an agent that \
         has it in X-Agent-ID, or have it assigned to this one"
    )]
    NotAssigned {
        /// The agent that the request acts as.
        agent: AgentName,
        /// The connector that was asked for.
        connector: ConnectorSlug,
    },
}

/// Why a caller has no tool of a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoTool {
    /// There is none, as far as the caller may know.
    #[error("there is no tool `{name}` here{nearest}: GET /v1/tools lists the tools there are")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// Its connector is out of reach.
    #[error("`{tool}` cannot be called: {why}")]
    OutOfReach {
        /// The tool that was asked for.
        tool: ToolName,
        /// Why its connector is.
        why: OutOfReach,
    },
    /// The agent has a part of the connector's tools, and this one is not of it.
    #[error(
        "the agent `{agent}` has not been assigned `{tool}`, only other tools of its connector: \
         name an agent that has it in X-Agent-ID, or have it assigned to this one"
    )]
    NotAssigned {
        /// The tool that was asked for.
        tool: ToolName,
        /// The agent that the request acts as.
        agent: AgentName,
    },
    /// The project connector has a list of tools, and this one is not on it.
    #[error(
        "`{tool}` is not among the `tools` that the connector `{connector}` offers in the \
         environment `{environment}`: add it with PATCH \
         /v1/projects/{{project}}/connectors/{connector}"
    )]
    NotOffered {
        /// The tool that was asked for.
        tool: ToolName,
        /// Its connector.
        connector: ConnectorSlug,
        /// Where it is enabled.
        environment: Environment,
    },
}

/// Why a caller cannot connect an account to a connector of a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoConnector {
    /// There is none, as far as the caller may know.
    #[error(
        "there is no connector `{name}` here{nearest}: its name is the first part of the names of \
         its tools, which GET /v1/tools lists"
    )]
    Unknown {
        /// What was asked for.
        name: ConnectorSlug,
        /// What may have been meant.
        nearest: Nearest,
    },
    /// It is out of reach.
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
}
