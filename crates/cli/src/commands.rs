mod admin_tokens;
mod agents;
mod api_keys;
mod audit;
mod backup;
mod bootstrap;
mod calls;
mod completions;
mod connections;
mod connectors;
mod demo;
mod doctor;
mod environments;
mod explain;
mod freeze;
mod keys;
mod migrate;
mod project_connectors;
mod projects;
mod restore;
mod serve;
mod usage;

use std::process::ExitCode;

use clap::Subcommand;

/// What the binary can do.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Try the whole product on this machine: a throw-away database and a simulated provider
    Demo(demo::Demo),
    /// Run the server
    Serve(Box<serve::Serve>),
    /// Set an installation up: its first member, team, project, keys and admin token
    Bootstrap(bootstrap::Bootstrap),
    /// Stop everything in a project, or in all, at once
    Freeze(freeze::Freeze),
    /// Let a frozen project go on
    Unfreeze(freeze::Unfreeze),
    /// Look at projects, create, change and delete them
    #[command(subcommand)]
    Projects(projects::ProjectsCommand),
    /// Look at the settings of a project's environments, change and copy them
    #[command(subcommand)]
    Environments(environments::EnvironmentsCommand),
    /// Look at the agents of a project, and say which connectors and tools they may use
    #[command(subcommand)]
    Agents(agents::AgentsCommand),
    /// Look at the connectors enabled in a project, enable, change and disable them
    #[command(subcommand)]
    ProjectConnectors(project_connectors::ProjectConnectorsCommand),
    /// Look at API keys, make and revoke them
    #[command(subcommand)]
    ApiKeys(api_keys::ApiKeys),
    /// Look at admin tokens, make and revoke them
    #[command(subcommand)]
    AdminTokens(admin_tokens::AdminTokens),
    /// Look at the connections of a project, and end them
    #[command(subcommand)]
    Connections(connections::ConnectionsCommand),
    /// Say why an agent can or cannot call a tool, and what to do about it
    Explain(explain::Explain),
    /// Look through a whole installation for what keeps its connectors from working
    Doctor(Box<doctor::Doctor>),
    /// List the tool calls of a project, the newest first, or show one
    Calls(Box<calls::Calls>),
    /// Say how many calls, refreshes and prompts there were, and how they ended
    Usage(usage::Usage),
    /// Look at what was done and by whom, take it along, and see whether it was altered
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Bring a database up to date with this version
    Migrate(migrate::Migrate),
    /// Write everything in the database to a file, while servers run
    Backup(backup::Backup),
    /// Fill an empty database from a backup
    Restore(restore::Restore),
    /// Look at keys and replace them
    #[command(subcommand)]
    Keys(keys::Keys),
    /// Work on the catalogue of connectors
    #[command(subcommand)]
    Connectors(connectors::ConnectorsCommand),
    /// Print what completes commands and flags in a shell
    Completions(completions::Completions),
}

impl Command {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Demo(demo) => demo.run().await,
            Self::Serve(serve) => serve.run().await,
            Self::Bootstrap(bootstrap) => bootstrap.run().await,
            Self::Freeze(freeze) => freeze.run().await,
            Self::Unfreeze(unfreeze) => unfreeze.run().await,
            Self::Projects(projects) => projects.run().await,
            Self::Environments(environments) => environments.run().await,
            Self::Agents(agents) => agents.run().await,
            Self::ProjectConnectors(connectors) => connectors.run().await,
            Self::ApiKeys(api_keys) => api_keys.run().await,
            Self::AdminTokens(admin_tokens) => admin_tokens.run().await,
            Self::Connections(connections) => connections.run().await,
            Self::Explain(explain) => explain.run().await,
            Self::Doctor(doctor) => doctor.run().await,
            Self::Calls(calls) => calls.run().await,
            Self::Usage(usage) => usage.run().await,
            Self::Audit(audit) => audit.run().await,
            Self::Migrate(migrate) => migrate.run().await,
            Self::Backup(backup) => backup.run().await,
            Self::Restore(restore) => restore.run().await,
            Self::Keys(keys) => keys.run().await,
            Self::Connectors(connectors) => connectors.run(),
            Self::Completions(completions) => completions.run(),
        }
    }
}
