//! What copying would change, decided purely.

use astralform_catalog::{Auth, Catalog};
use astralform_domain::{ConnectorSlug, Patch, ProjectConnector, SettingsPatch};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::environments::{VersionedSettings, is_loopback_origin, is_loopback_return_url};

/// What there is in an environment.
pub(super) struct Side {
    pub(super) settings: VersionedSettings,
    pub(super) connectors: Vec<ProjectConnector>,
}

/// What copying would change in the environment that is copied to.
#[derive(Clone, Debug)]
pub struct CopyPlan {
    /// The return URLs that are added.
    pub return_urls: Vec<String>,
    /// The allowed origins that are added.
    pub allowed_origins: Vec<String>,
    /// The connectors that are enabled or changed.
    pub connectors: Vec<ConnectorCopy>,
    /// What differs and is not copied, with the reason, for people.
    pub left_out: Vec<String>,
    pub(super) return_urls_after: Vec<String>,
    pub(super) allowed_origins_after: Vec<String>,
    /// The version of the environment that it was made for.
    pub(super) version: i64,
}

/// What copying does to one connector.
#[derive(Clone, Debug)]
pub struct ConnectorCopy {
    /// Which one.
    pub connector: ConnectorSlug,
    /// What is done.
    pub action: CopyAction,
    /// Each setting that is not as it was, before and after.
    pub changes: Vec<CopySetting>,
    pub(super) settings: SettingsPatch,
}

/// What is done to a connector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyAction {
    /// It is enabled, and waits for credentials of its own.
    Enable,
    /// Its settings are changed.
    Change,
}

/// A setting that copying changes.
#[derive(Clone, Debug, PartialEq)]
pub struct CopySetting {
    /// Its name.
    pub name: &'static str,
    /// What it is; null for its default.
    pub before: Value,
    /// What it becomes.
    pub after: Value,
}

impl CopyPlan {
    /// Returns what stands for the plan: another plan has another digest.
    pub fn digest(&self) -> String {
        let connectors: Vec<_> = self.connectors.iter().map(ConnectorCopy::described).collect();
        let text = json!([
            self.return_urls_after,
            self.allowed_origins_after,
            connectors,
            self.left_out,
            self.version
        ]);
        URL_SAFE_NO_PAD.encode(&Sha256::digest(text.to_string())[..16])
    }

    pub(super) fn changes_addresses(&self) -> bool {
        !self.return_urls.is_empty() || !self.allowed_origins.is_empty()
    }
}

impl ConnectorCopy {
    fn described(&self) -> Value {
        let changes =
            self.changes.iter().map(|change| json!([change.name, change.before, change.after]));
        let is_new = self.action == CopyAction::Enable;
        json!([self.connector, is_new, changes.collect::<Vec<_>>()])
    }
}

/// Returns what copying from a source changes in a target.
pub(super) fn plan(source: &Side, target: &Side, catalog: &Catalog) -> CopyPlan {
    let (from, to) = (&source.settings.settings, &target.settings.settings);
    let return_urls = added(&from.return_urls, &to.return_urls, is_loopback_return_url);
    let allowed_origins = added(&from.allowed_origins, &to.allowed_origins, is_loopback_origin);
    let mut left_out = Vec::new();
    let mut connectors = Vec::new();
    for there in &source.connectors {
        let here = target.connectors.iter().find(|here| here.connector == there.connector);
        match here {
            Some(here) => connectors.extend(change(there, here, &mut left_out)),
            None => connectors.extend(enable(there, catalog, &mut left_out)),
        }
    }
    CopyPlan {
        return_urls_after: [to.return_urls.as_slice(), &return_urls].concat(),
        allowed_origins_after: [to.allowed_origins.as_slice(), &allowed_origins].concat(),
        return_urls,
        allowed_origins,
        connectors,
        left_out,
        version: target.settings.version,
    }
}

fn added(from: &[String], to: &[String], is_loopback: fn(&str) -> bool) -> Vec<String> {
    from.iter().filter(|one| !to.contains(one) && !is_loopback(one)).cloned().collect()
}

fn enable(
    there: &ProjectConnector,
    catalog: &Catalog,
    left_out: &mut Vec<String>,
) -> Option<ConnectorCopy> {
    let connector = &there.connector;
    let entry = catalog.connector(connector)?;
    let needs_key = matches!(entry.auth(), Auth::ApiKey(_)) && !there.allow_end_user_auth;
    if needs_key {
        left_out
            .push(format!("{connector}: it has to be enabled with a key, and keys are not copied"));
        return None;
    }
    let mut settings = common(there);
    if !there.sandbox {
        settings.endpoints = Some(there.endpoints.clone());
    }
    let mut changes = vec![
        setting("require_auth", Value::Null, there.require_auth),
        setting("allow_end_user_auth", Value::Null, there.allow_end_user_auth),
        setting("scopes", Value::Null, json!(there.scopes)),
        setting("tools", Value::Null, json!(there.tools)),
    ];
    if !there.sandbox && !there.endpoints.is_empty() {
        changes.push(setting("endpoints", Value::Null, json!(there.endpoints)));
    }
    changes.retain(|change| change.before != change.after);
    let connector = connector.clone();
    Some(ConnectorCopy { connector, action: CopyAction::Enable, changes, settings })
}

fn change(
    there: &ProjectConnector,
    here: &ProjectConnector,
    left_out: &mut Vec<String>,
) -> Option<ConnectorCopy> {
    let connector = &there.connector;
    if !there.sandbox && !here.sandbox && there.endpoints != here.endpoints {
        left_out.push(format!(
            "{connector}: `endpoints` differ, and another address takes the app's secret again"
        ));
    }
    let mut changes = vec![
        setting("require_auth", json!(here.require_auth), there.require_auth),
        setting("allow_end_user_auth", json!(here.allow_end_user_auth), there.allow_end_user_auth),
        setting("scopes", json!(here.scopes), json!(there.scopes)),
        setting("tools", json!(here.tools), json!(there.tools)),
    ];
    changes.retain(|change| change.before != change.after);
    let settings = common(there);
    let connector = connector.clone();
    let copy = ConnectorCopy { connector, action: CopyAction::Change, changes, settings };
    (!copy.changes.is_empty()).then_some(copy)
}

/// Returns the settings that are copied to a connector in either case. Whether it is paused is no
/// setting to be copied: it is how it is run.
fn common(there: &ProjectConnector) -> SettingsPatch {
    SettingsPatch {
        is_enabled: None,
        require_auth: Some(there.require_auth),
        allow_end_user_auth: Some(there.allow_end_user_auth),
        scopes: there.scopes.clone().map_or(Patch::Clear, Patch::Set),
        tools: there.tools.clone().map_or(Patch::Clear, Patch::Set),
        endpoints: None,
        sandbox: None,
    }
}

fn setting(name: &'static str, before: Value, after: impl Into<Value>) -> CopySetting {
    CopySetting { name, before, after: after.into() }
}
