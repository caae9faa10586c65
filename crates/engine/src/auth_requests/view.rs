use astralform_catalog::ApiKeyAuth;
use astralform_domain::{AuthFailure, AuthReason, AuthRequest, AuthRequestId, AuthStatus, Tenant};
use astralform_storage::{agents, auth_requests, projects};

use crate::{Fault, Unusable, auth_requests::Prompts};

/// An auth request as agents and backends see it.
#[derive(Clone, Debug)]
pub struct Prompt {
    /// The request.
    pub request: AuthRequest,
    /// Its status now.
    pub status: AuthStatus,
    /// The link for the end user.
    pub url: String,
    /// A sentence that an agent can pass on.
    pub message: String,
}

/// An auth request as the end user sees it.
pub struct Consent<'a> {
    /// The request.
    pub request: AuthRequest,
    /// Its status now.
    pub status: AuthStatus,
    /// The service, by its name.
    pub connector: String,
    /// The application that asks, by its name.
    pub project: String,
    /// The agent that asks, by its name.
    pub agent: String,
    /// What the agent will be able to do, in plain words.
    pub scopes: Vec<String>,
    /// What is entered here, where an API key is what connects the account.
    pub key: Option<&'a ApiKeyAuth>,
    /// Whether the simulator stands in for the provider.
    pub is_sandbox: bool,
    /// Why there is nothing to consent to at present.
    pub unusable: Option<Unusable>,
}

impl Prompts {
    /// Returns the auth request of that id, for a caller confined to `tenant`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn prompt(&self, tenant: Tenant, id: AuthRequestId) -> Result<Option<Prompt>, Fault> {
        match auth_requests::find(&self.base.db, tenant, id).await? {
            Some(request) => Ok(Some(self.prompt_of(request).await?)),
            None => Ok(None),
        }
    }

    pub(super) async fn prompt_of(&self, request: AuthRequest) -> Result<Prompt, Fault> {
        let status = request.status_at(self.base.now());
        let url = self.address_of_link(&request).await?;
        let name = self.connector_name(&request);
        let message = message(&request, status, &name, &url);
        Ok(Prompt { request, status, url, message })
    }

    /// Returns what the page behind a link shows; `None` when the link is not one of ours.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn consent(&self, link: &str) -> Result<Option<Consent<'_>>, Fault> {
        let Some(request) = self.request_of_link(link).await? else {
            return Ok(None);
        };
        let tenant = request.tenant;
        let project = projects::name(&self.base.db, tenant.project).await?;
        let agent =
            agents::named(&self.base.db, tenant.project, &request.agent.to_string()).await?;
        let frozen = self.cache.ensure_not_frozen(tenant.project).await?.err().map(Unusable::from);
        let ready = self.connectors.load_ready(tenant, request.project_connector).await?;
        let unusable = frozen.or_else(|| ready.as_ref().err().copied());
        Ok(Some(Consent {
            status: request.status_at(self.base.now()),
            connector: self.connector_name(&request),
            project: project.map_or_else(String::new, |name| name.0),
            agent: agent.map_or_else(String::new, |agent| agent.name.to_string()),
            scopes: self.scope_labels(&request),
            key: self.base.catalog.connector(&request.connector).and_then(|c| c.api_key.as_ref()),
            is_sandbox: ready.is_ok_and(|ready| ready.settings.sandbox),
            unusable,
            request,
        }))
    }

    fn connector_name(&self, request: &AuthRequest) -> String {
        let connector = self.base.catalog.connector(&request.connector);
        connector.map_or_else(|| request.connector.to_string(), |found| found.name.clone())
    }

    fn scope_labels(&self, request: &AuthRequest) -> Vec<String> {
        let connector = self.base.catalog.connector(&request.connector);
        let scopes = request.required_scopes.iter();
        match connector {
            Some(known) => scopes.map(|scope| known.scope_label(scope).to_owned()).collect(),
            None => scopes.map(ToString::to_string).collect(),
        }
    }
}

fn message(request: &AuthRequest, status: AuthStatus, name: &str, url: &str) -> String {
    if request.owner.end_user().is_none() && status.is_open() {
        return for_members(status, name, url);
    }
    match (status, request.reason) {
        (AuthStatus::Pending, AuthReason::NotConnected) => {
            format!(
                "The user has to connect their {name} account first. Ask them to open {url} and try again when they are done."
            )
        }
        (AuthStatus::Pending, AuthReason::NeedsReauth) => {
            format!(
                "The user's {name} connection has stopped working. Ask them to open {url} to renew it and try again when they are done."
            )
        }
        (AuthStatus::Pending, AuthReason::MissingScopes) => {
            let missing = request.missing_scopes().join(", ");
            format!(
                "The user's {name} connection lacks a permission ({missing}). Ask them to open {url} to grant it and try again when they are done."
            )
        }
        (AuthStatus::AwaitingConfirmation, _) => {
            format!(
                "The user is done at {name}. The application has to confirm who they are before the connection can be used."
            )
        }
        (AuthStatus::Completed, _) if request.found_connected().is_some() => {
            format!(
                "The user chose a {name} account that is already connected, so no account was added. To add another one, they have to sign in to {name} with that one first."
            )
        }
        (AuthStatus::Completed, _) => format!("The user's {name} account is connected."),
        (AuthStatus::Declined, _) => {
            format!("The user declined to connect {name}. Do not ask again unless they want to.")
        }
        (AuthStatus::Expired, _) => {
            format!("The link to connect {name} has expired. Try again to get a new one.")
        }
        (AuthStatus::Failed, _) => {
            let why = request.state.failure();
            let why = why.map_or("something went wrong", AuthFailure::explanation);
            format!("{name} could not be connected: {why}.")
        }
    }
}

/// Returns what a member who shares an account is told.
fn for_members(status: AuthStatus, name: &str, url: &str) -> String {
    match status {
        AuthStatus::AwaitingConfirmation => format!(
            "{name} was connected. Confirm it with the code that the browser shows, and all users of the project share the account."
        ),
        _ => format!(
            "Open {url} to connect the {name} account that all users of the project are to share."
        ),
    }
}
