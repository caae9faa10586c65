use astralform_domain::{ConnectorSlug, Tenant};
use astralform_storage::{auth_requests, freezes, tokens};

use super::{
    ProjectConnectors, Verdict,
    check::Checked,
    findings::{Facts, Finding, findings},
};
use crate::{Fault, connectors::requested_scopes, settings::SettingsError};

/// What is known of a project connector by looking and asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Examination {
    /// What the provider makes of the credentials.
    pub verdict: Verdict,
    /// What has to be registered at the provider.
    pub redirect_uri: String,
    /// What is wrong besides, or will be.
    pub findings: Vec<Finding>,
}

impl ProjectConnectors {
    /// Asks the provider whether it takes a project connector's credentials, and looks at all that
    /// keeps, or will keep, its tools from being called.
    ///
    /// # Errors
    /// When the connector is not enabled, or its settings do not fit its catalogue entry.
    pub async fn examine(
        &self,
        tenant: Tenant,
        slug: &ConnectorSlug,
    ) -> Result<Examination, SettingsError> {
        let settings = self.offers.enabled(tenant, slug).await?;
        let known = self.base.catalog.connector(slug);
        let connector = known.ok_or_else(|| self.offers.not_in_catalog(slug))?;
        let Checked { verdict, provider_time } =
            self.app_checks.check_credentials(settings.clone()).await?;
        let environment = self.row_tags.environment_settings(tenant).await?;
        let redirect_uri = self.connectors.redirect_uri(&settings);
        let db = &self.base.db;
        let frozen = freezes::is_frozen(db, tenant.project).await;
        let now = self.base.now();
        let returns = auth_requests::returns(db, settings.id, now).await;
        let lacks = tokens::any_without_refresh(db, settings.id).await;
        let facts = Facts {
            requested_scopes: &requested_scopes(&settings, connector),
            settings: &settings,
            connector,
            environment: &environment,
            is_frozen: frozen.map_err(Fault::from)?,
            public_url: self.site.public_url(),
            redirect_uri: &redirect_uri,
            returns: returns.map_err(Fault::from)?,
            lacks_refresh_token: lacks.map_err(Fault::from)?,
            now,
            provider_time,
        };
        let findings = findings(&facts);
        Ok(Examination { verdict, redirect_uri, findings })
    }
}
