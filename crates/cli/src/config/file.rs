//! The settings file.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Deserialize;

use super::empty::without_empty_entries;

const FILE: &str = "astralform.toml";

/// What the settings file can hold.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SettingsFile {
    pub(super) trusted_proxies: Option<Vec<String>>,
    pub(super) allowed_hosts: Option<Vec<String>>,
    pub(super) end_user_rate: Option<u32>,
    pub(super) key_rate: Option<u32>,
    pub(super) project_rate: Option<u32>,
    pub(super) listen: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) database_url: Option<String>,
    pub(super) data_dir: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
    pub(super) key_file_group_readable: Option<bool>,
    pub(super) catalog_dirs: Option<Vec<PathBuf>>,
    pub(super) allow_private_networks: Option<Vec<String>>,
    pub(super) extra_roots: Option<Vec<String>>,
    pub(super) call_log_days: Option<u32>,
    pub(super) call_log_gib: Option<u32>,
    pub(super) node: Option<String>,
    pub(super) metrics_token: Option<String>,
    pub(super) otlp_url: Option<String>,
    pub(super) otlp_header: Option<String>,
    pub(super) sandbox: Option<bool>,
    pub(super) sandbox_listen: Option<String>,
    pub(super) log: Option<String>,
}

/// Reads the settings file. One that was named must be there; the default one may be missing.
pub(super) fn read(named: Option<&Path>) -> anyhow::Result<SettingsFile> {
    let path = named.unwrap_or(Path::new(FILE));
    let text = match std::fs::read_to_string(path) {
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(SettingsFile::default());
        }
        other => other.with_context(|| format!("{} cannot be read", path.display()))?,
    };
    parse(&text).with_context(|| format!("{} is not in order", path.display()))
}

pub(super) fn parse(text: &str) -> Result<SettingsFile, toml::de::Error> {
    if !text.contains("\"\"") && !text.contains("''") {
        // Read as it stands, a fault has its line.
        return toml::from_str(text);
    }
    without_empty_entries(toml::from_str(text)?).try_into()
}
