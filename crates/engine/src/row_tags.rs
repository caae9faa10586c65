//! Rows that grant something carry a tag which only a holder of the master key can make: a process
//! that can merely write to the database grants nothing by it. What ends, revokes or freezes needs
//! no key.

use std::sync::Arc;

use astralform_domain::{EnvironmentSettings, Tenant};
use astralform_storage::{
    admin_tokens::AdminToken,
    api_keys::ApiKey,
    projects::{self, StoredSettings},
    sessions::Session,
};
use astralform_vault::{OpenError, Purpose, TagKey};
use subtle::ConstantTimeEq as _;

use crate::{Fault, base::Base};

/// A row that grants something to the holder of its secret.
pub(crate) trait Granting {
    /// Returns what its table is called and its id.
    fn name(&self) -> (&'static str, String);

    /// Returns the tag that is stored with it.
    fn tag(&self) -> Option<[u8; 32]>;

    /// Returns the tag that it should have.
    fn tag_by(&self, key: &TagKey) -> [u8; 32];
}

impl Granting for ApiKey {
    fn name(&self) -> (&'static str, String) {
        ("api_keys", self.id.to_string())
    }

    fn tag(&self) -> Option<[u8; 32]> {
        self.tag
    }

    fn tag_by(&self, key: &TagKey) -> [u8; 32] {
        let agent = self.agent.map(astralform_domain::AgentId::to_bytes);
        let values: [&[u8]; 5] = [
            &self.id.to_bytes(),
            &self.tenant.project.to_bytes(),
            self.tenant.environment.as_str().as_bytes(),
            agent.as_ref().map_or(&[], <[u8; 16]>::as_slice),
            &self.secret_hash,
        ];
        key.tag_of(Purpose::ApiKeyRow, &values)
    }
}

impl Granting for Session {
    fn name(&self) -> (&'static str, String) {
        ("sessions", self.id.to_string())
    }

    fn tag(&self) -> Option<[u8; 32]> {
        self.tag
    }

    fn tag_by(&self, key: &TagKey) -> [u8; 32] {
        let tools = self.tools.iter().flatten();
        let tools = tools.flat_map(|tool| [tool.as_str().as_bytes(), b","]);
        let tools = tools.collect::<Vec<_>>().concat();
        let values: [&[u8]; 8] = [
            &self.id.to_bytes(),
            &self.tenant.project.to_bytes(),
            self.tenant.environment.as_str().as_bytes(),
            &self.agent.to_bytes(),
            self.end_user.as_str().as_bytes(),
            if self.tools.is_some() { &tools } else { b"*" },
            &self.secret_hash,
            &self.expires_at.as_micros().to_be_bytes(),
        ];
        key.tag_of(Purpose::SessionRow, &values)
    }
}

impl Granting for AdminToken {
    fn name(&self) -> (&'static str, String) {
        ("admin_tokens", self.id.to_string())
    }

    fn tag(&self) -> Option<[u8; 32]> {
        self.tag
    }

    fn tag_by(&self, key: &TagKey) -> [u8; 32] {
        let values: [&[u8]; 3] = [&self.id.to_bytes(), &self.member.to_bytes(), &self.secret_hash];
        key.tag_of(Purpose::AdminTokenRow, &values)
    }
}

fn settings_tag(key: &TagKey, of: Tenant, settings: &EnvironmentSettings) -> [u8; 32] {
    let project = of.project.to_bytes();
    let mut values: Vec<&[u8]> = vec![
        &project,
        of.environment.as_str().as_bytes(),
        settings.verify_end_user.as_str().as_bytes(),
    ];
    values.extend(settings.return_urls.iter().map(String::as_bytes));
    key.tag_of(Purpose::EnvironmentRow, &values)
}

/// Tags of rows: what a row grants counts only while its tag fits.
#[derive(Clone)]
pub struct RowTags {
    base: Arc<Base>,
}

impl RowTags {
    pub(crate) fn new(base: &Arc<Base>) -> Self {
        Self { base: Arc::clone(base) }
    }

    /// Returns the key that makes the tags of rows. It is read before a transaction begins.
    pub(crate) async fn installation_key(&self) -> Result<Arc<TagKey>, Fault> {
        self.base.keys.of_installation(&self.base.db).await
    }

    /// Returns a row that was found, unless it has ended or was made or altered without the key;
    /// the log tells of the latter.
    pub(crate) async fn vouched<T: Granting>(&self, found: Option<T>) -> Result<Option<T>, Fault> {
        let Some(row) = found else { return Ok(None) };
        let key = self.installation_key().await?;
        if is_same(row.tag(), row.tag_by(&key)) {
            return Ok(Some(row));
        }
        if row.tag().is_some() {
            let (table, id) = row.name();
            self.base.metrics.integrity_failed();
            tracing::error!(
                table,
                id,
                "integrity failure: a row was made or altered without the key"
            );
        }
        Ok(None)
    }

    /// Returns the settings of an environment.
    ///
    /// # Errors
    /// When the database does not answer, or they were altered without the key.
    pub async fn environment_settings(&self, tenant: Tenant) -> Result<EnvironmentSettings, Fault> {
        let key = self.installation_key().await?;
        settings_vouched(&key, tenant, projects::environment(&self.base.db, tenant).await?)
    }
}

/// Returns the settings of an environment as they are stored. Those that every environment begins
/// with need no tag: they grant nothing.
pub(crate) fn settings_vouched(
    key: &TagKey,
    of: Tenant,
    found: Option<StoredSettings>,
) -> Result<EnvironmentSettings, Fault> {
    let found = found.ok_or(Fault::Inconsistent("a project has no environment settings"))?;
    let StoredSettings { settings, tag } = found;
    let is_default = settings == EnvironmentSettings::default_for(of.environment);
    if is_default || is_same(tag, settings_tag(key, of, &settings)) {
        Ok(settings)
    } else {
        Err(OpenError::Refused.into())
    }
}

/// Returns settings with their tag, as they are stored.
pub(crate) fn tagged_settings(
    key: &TagKey,
    of: Tenant,
    settings: EnvironmentSettings,
) -> StoredSettings {
    let tag = Some(settings_tag(key, of, &settings));
    StoredSettings { settings, tag }
}

fn is_same(stored: Option<[u8; 32]>, wanted: [u8; 32]) -> bool {
    stored.is_some_and(|stored| stored.ct_eq(&wanted).into())
}
