//! Connectors enabled in a project, and how they are managed.

mod change;
mod check;
mod disable;
mod enable;
mod examine;
mod findings;
mod key;
mod shared;
mod status;

use std::sync::Arc;

use astralform_domain::ProjectConnector;
use serde_json::{Value, json};

use crate::{
    Site,
    auth_requests::Prompts,
    base::Base,
    connectors::{Connectors, Sandbox},
    key_checks::KeyChecks,
    reach::Offers,
    row_tags::RowTags,
};

pub use change::ConnectorChange;
pub use check::AppChecks;
pub use check::Verdict;
pub use enable::Enable;
pub use examine::Examination;
pub use findings::{Finding, Severity};
pub use key::ProjectKey;
pub use shared::ShareError;
pub use status::{KeyShown, Overview, ProjectConnectorStatus};

/// Enables, changes, checks and disables connectors of projects.
#[derive(Clone)]
pub struct ProjectConnectors {
    base: Arc<Base>,
    site: Arc<Site>,
    offers: Arc<Offers>,
    app_checks: Arc<AppChecks>,
    project_key: Arc<ProjectKey>,
    connectors: Arc<Connectors>,
    sandbox: Arc<Sandbox>,
    key_checks: Arc<KeyChecks>,
    prompts: Arc<Prompts>,
    row_tags: Arc<RowTags>,
}

impl ProjectConnectors {
    pub(crate) fn new(
        site: &Arc<Site>,
        app_checks: &Arc<AppChecks>,
        prompts: &Arc<Prompts>,
    ) -> Self {
        Self {
            base: Arc::clone(&prompts.base),
            site: Arc::clone(site),
            offers: Arc::clone(&app_checks.offers),
            app_checks: Arc::clone(app_checks),
            project_key: Arc::clone(&app_checks.project_key),
            connectors: Arc::clone(&app_checks.connectors),
            sandbox: Arc::clone(&app_checks.sandbox),
            key_checks: Arc::clone(&app_checks.key_checks),
            prompts: Arc::clone(prompts),
            row_tags: Arc::clone(&prompts.row_tags),
        }
    }
}

/// Returns a project connector as the audit log has it: which app, and when its secret was entered,
/// and nothing of the secret.
fn recorded(settings: &ProjectConnector) -> Value {
    let client = settings.client.as_ref();
    json!({
        "is_enabled": settings.state.is_enabled(),
        "require_auth": settings.require_auth,
        "allow_end_user_auth": settings.allow_end_user_auth,
        "scopes": settings.scopes,
        "tools": settings.tools,
        "endpoints": settings.endpoints,
        "sandbox": settings.sandbox,
        "client_id": client.map(|client| client.id.as_str()),
        "client_secret_set_at": client.map(|client| client.set_at),
    })
}
