//! The settings of environments: who vouches for end users, and which browsers may come and go.

mod origins;
mod return_urls;

use std::sync::Arc;

use astralform_domain::{
    Actor, Environment, EnvironmentSettings, Stale, Tenant, VerifyEndUser, limits,
};
use astralform_engine::{
    Base, Engine, Fault,
    audit::Event,
    row_tags::{RowTags, settings_vouched, tagged_settings},
};
use astralform_storage::projects;
use serde_json::{Value, json};
use thiserror::Error;

use crate::{
    Denied, Forbidden, ProjectActor,
    policy::{self, Right},
};
use origins::check_origins;
pub(crate) use origins::is_loopback_origin;
pub(crate) use return_urls::is_loopback_return_url;
use return_urls::{check_own_schemes, check_return_urls};

/// What is to change of an environment; what is `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EnvironmentChange {
    /// Who vouches for the person who finished in the browser.
    pub verify_end_user: Option<VerifyEndUser>,
    /// Where browsers may be sent after a prompt, all of them.
    pub return_urls: Option<Vec<String>>,
    /// The origins whose pages may call, all of them.
    pub allowed_origins: Option<Vec<String>>,
}

/// The settings of an environment, and which version of them it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionedSettings {
    /// The settings.
    pub settings: EnvironmentSettings,
    /// How often they were changed, and once more.
    pub version: i64,
}

/// Why the settings of an environment are not taken.
#[derive(Debug, Error)]
pub enum EnvironmentError {
    /// A browser cannot be sent there.
    #[error(
        "`return_urls` has {0:?}, which cannot be one: a return URL starts with https://, with http:// \
         on loopback, or with an application's own scheme, a domain name from right to left as in \
         com.example.app:/done; it has no user name, no fragment, no spaces and {most} bytes at \
         most",
        most = limits::RETURN_URL.value
    )]
    BadReturnUrl(String),
    /// An application's own scheme, where the backend does not confirm who comes back.
    #[error(
        "`return_urls` has {0:?} with an application's own scheme, which other applications on a device can claim as \
         well: it takes `verify_end_user: confirm`; set that first, or leave this return URL out"
    )]
    OwnSchemeUnconfirmed(String),
    /// Too many.
    #[error("`return_urls` takes {} addresses at most: leave some out", limits::RETURN_URLS.value)]
    TooManyReturnUrls,
    /// It is no origin that can be allowed.
    #[error(
        "`allowed_origins` has {0:?}, which cannot be one: an origin is https://host, with :port \
         where it is not 443, or http:// on loopback; it has no path, no slash at its end, no `*`, \
         and {most} bytes at most",
        most = limits::ALLOWED_ORIGIN.value
    )]
    BadOrigin(String),
    /// Too many.
    #[error("`allowed_origins` takes {} origins at most: leave some out", limits::ALLOWED_ORIGINS.value)]
    TooManyOrigins,
    /// It was changed by somebody else.
    #[error(transparent)]
    Stale(#[from] Stale),
    /// The policy forbids it.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Shows and changes the settings of environments.
#[derive(Clone)]
pub struct Environments {
    base: Arc<Base>,
    row_tags: Arc<RowTags>,
}

impl Environments {
    pub(crate) fn new(engine: &Engine) -> Self {
        Self { base: Arc::clone(engine.base()), row_tags: Arc::clone(&engine.row_tags) }
    }

    /// Returns the settings of an environment.
    ///
    /// # Errors
    /// When they were altered without the key.
    pub async fn settings(
        &self,
        by: &ProjectActor,
        environment: Environment,
    ) -> Result<VersionedSettings, Denied<Fault>> {
        let tenant = by.may(Right::Look)?.tenant(environment);
        self.stored(tenant).await.map_err(Denied::Refused)
    }

    async fn stored(&self, tenant: Tenant) -> Result<VersionedSettings, Fault> {
        let key = self.row_tags.installation_key().await?;
        let stored = projects::environment(self.base.db(), tenant).await?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        Ok(VersionedSettings { settings: settings_vouched(&key, tenant, stored)?, version })
    }

    /// Changes the settings of an environment, where they have the `expected` version, if one is
    /// named, and returns them as they are then. What the change does not name stays as others have
    /// set it meanwhile.
    ///
    /// # Errors
    /// When an address cannot be one, or the actor may not decide it.
    pub async fn change(
        &self,
        by: &ProjectActor,
        environment: Environment,
        change: EnvironmentChange,
        expected: Option<i64>,
    ) -> Result<VersionedSettings, EnvironmentError> {
        check_return_urls(change.return_urls.as_deref().unwrap_or_default())?;
        check_origins(change.allowed_origins.as_deref().unwrap_or_default())?;
        let permit = by.may(Right::Look)?;
        let tenant = permit.tenant(environment);
        let key = self.row_tags.installation_key().await?;
        let chain = self.base.project_chain(permit.project).await?;
        let mut tx = self.base.begin(permit.actor).await.map_err(Fault::from)?;
        let stored = projects::lock_environment(&mut tx, tenant).await.map_err(Fault::from)?;
        let version = stored.as_ref().map_or(0, |stored| stored.version);
        let before = settings_vouched(&key, tenant, stored)?;
        let after = change.applied_to(before.clone());
        check_rights(permit.actor, &before, &after)?;
        Stale::check(expected, version)?;
        check_own_schemes(&after)?;
        if before == after {
            return Ok(VersionedSettings { settings: after, version });
        }
        let new = tagged_settings(&key, tenant, after, version + 1);
        projects::set_environment(&mut tx, tenant, &new).await.map_err(Fault::from)?;
        let event = Event::new("environment.changed", environment).within(environment);
        let event = event.changing(&recorded(&before), &recorded(&new.settings));
        chain.record(&mut tx, &event).await?;
        tx.commit().await.map_err(Fault::from)?;
        warn_if_unverified(tenant, &before, &new.settings);
        Ok(VersionedSettings { settings: new.settings, version: new.version })
    }
}

/// Returns settings as the audit log has them.
pub(crate) fn recorded(settings: &EnvironmentSettings) -> Value {
    json!({
        "verify_end_user": settings.verify_end_user,
        "return_urls": settings.return_urls,
        "allowed_origins": settings.allowed_origins,
    })
}

impl EnvironmentChange {
    fn applied_to(self, before: EnvironmentSettings) -> EnvironmentSettings {
        EnvironmentSettings {
            verify_end_user: self.verify_end_user.unwrap_or(before.verify_end_user),
            return_urls: self.return_urls.unwrap_or(before.return_urls),
            allowed_origins: self.allowed_origins.unwrap_or(before.allowed_origins),
        }
    }
}

/// Checks each setting that changes under its own row of the policy. One that stays needs no right,
/// but changing nothing takes one that changes as well: nobody learns by it what they may.
fn check_rights(
    actor: Actor,
    before: &EnvironmentSettings,
    after: &EnvironmentSettings,
) -> Result<(), Forbidden> {
    let verifies_otherwise = before.verify_end_user != after.verify_end_user;
    if verifies_otherwise {
        policy::check(actor, Right::Verification)?;
    }
    let is_only_verification = verifies_otherwise
        && before.return_urls == after.return_urls
        && before.allowed_origins == after.allowed_origins;
    if is_only_verification { Ok(()) } else { policy::check(actor, Right::BrowserAccess) }
}

fn warn_if_unverified(tenant: Tenant, before: &EnvironmentSettings, after: &EnvironmentSettings) {
    let is_off = |settings: &EnvironmentSettings| settings.verify_end_user == VerifyEndUser::Off;
    if is_off(after) && !is_off(before) {
        let Tenant { project, environment } = tenant;
        tracing::warn!(project.id = %project, %environment, "end users are not verified");
    }
}
