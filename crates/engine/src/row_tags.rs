//! Rows that grant something carry a tag which only a holder of the master key can make: a process
//! that can merely write to the database grants nothing by it. What ends, revokes or freezes needs
//! no key.

use std::sync::Arc;

use astralform_domain::{AgentId, ConnectorSlug, EnvironmentSettings, Tenant, Timestamp, ToolName};
use astralform_storage::{
    admin_tokens::AdminToken,
    api_keys::{Access, ApiKey},
    projects::{self, StoredSettings},
    sessions::Session,
};
use astralform_vault::{OpenError, Purpose, TagKey};
use subtle::ConstantTimeEq as _;

use crate::{Fault, base::Base};

/// A row that grants something to the holder of its secret.
pub trait Granting {
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
        let Access { tenant, agent, connectors, .. } = &self.access;
        let agent = agent.map(AgentId::to_bytes);
        let values: [&[u8]; 7] = [
            &self.id.to_bytes(),
            &tenant.project.to_bytes(),
            tenant.environment.as_str().as_bytes(),
            agent.as_ref().map_or(&[], <[u8; 16]>::as_slice),
            &listed(connectors.as_deref(), ConnectorSlug::as_str),
            &self.secret_hash,
            &moment(self.expires_at),
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
        let values: [&[u8]; 9] = [
            &self.id.to_bytes(),
            &self.tenant.project.to_bytes(),
            self.tenant.environment.as_str().as_bytes(),
            &self.agent.to_bytes(),
            self.end_user.as_str().as_bytes(),
            &listed(self.connectors.as_deref(), ConnectorSlug::as_str),
            &listed(self.tools.as_deref(), ToolName::as_str),
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
        let values: [&[u8]; 5] = [
            &self.id.to_bytes(),
            &self.member.to_bytes(),
            self.access.as_str().as_bytes(),
            &self.secret_hash,
            &moment(self.expires_at),
        ];
        key.tag_of(Purpose::AdminTokenRow, &values)
    }
}

/// Returns a list as the bytes that its row's tag is made of; what is not limited differs from any
/// list.
fn listed<T>(list: Option<&[T]>, name: fn(&T) -> &str) -> Vec<u8> {
    let Some(list) = list else { return b"*".to_vec() };
    list.iter().flat_map(|one| [name(one).as_bytes(), b","]).collect::<Vec<_>>().concat()
}

fn moment(at: Option<Timestamp>) -> Vec<u8> {
    at.map_or_else(Vec::new, |at| at.as_micros().to_be_bytes().to_vec())
}

fn settings_tag(key: &TagKey, of: Tenant, settings: &EnvironmentSettings) -> [u8; 32] {
    let project = of.project.to_bytes();
    let mut values: Vec<&[u8]> = vec![
        &project,
        of.environment.as_str().as_bytes(),
        settings.verify_end_user.as_str().as_bytes(),
    ];
    values.extend(settings.return_urls.iter().map(String::as_bytes));
    // Neither a return URL nor an origin is empty.
    values.push(b"");
    values.extend(settings.allowed_origins.iter().map(String::as_bytes));
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
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn installation_key(&self) -> Result<Arc<TagKey>, Fault> {
        self.base.keys.of_installation(&self.base.db).await
    }

    /// Returns a row that was found, unless it has ended or was made or altered without the key;
    /// the log tells of the latter.
    pub(crate) async fn vouched<T: Granting>(&self, found: Option<T>) -> Result<Option<T>, Fault> {
        let Some(row) = found else { return Ok(None) };
        let key = self.installation_key().await?;
        if is_vouched(&row, &key) {
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
///
/// # Errors
/// When they were altered without the key.
pub fn settings_vouched(
    key: &TagKey,
    of: Tenant,
    found: Option<StoredSettings>,
) -> Result<EnvironmentSettings, Fault> {
    let found = found.ok_or(Fault::Inconsistent("a project has no environment settings"))?;
    let StoredSettings { settings, tag, .. } = found;
    let is_default = settings == EnvironmentSettings::default_for(of.environment);
    if is_default || is_same(tag, settings_tag(key, of, &settings)) {
        Ok(settings)
    } else {
        Err(OpenError::Refused.into())
    }
}

/// Returns settings with their tag, as they are stored.
pub fn tagged_settings(
    key: &TagKey,
    of: Tenant,
    settings: EnvironmentSettings,
    version: i64,
) -> StoredSettings {
    let tag = Some(settings_tag(key, of, &settings));
    StoredSettings { settings, version, tag }
}

/// Returns whether a row was made with the key, and has not been altered since.
pub fn is_vouched(row: &impl Granting, key: &TagKey) -> bool {
    is_same(row.tag(), row.tag_by(key))
}

fn is_same(stored: Option<[u8; 32]>, wanted: [u8; 32]) -> bool {
    stored.is_some_and(|stored| stored.ct_eq(&wanted).into())
}
