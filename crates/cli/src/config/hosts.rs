//! The names that a server is called by.

use anyhow::Context as _;
use astralform_http::{AllowedHost, AllowedHosts};

/// Returns the hosts of a list; what is empty counts as left out.
pub(super) fn read(listed: Option<Vec<String>>) -> anyhow::Result<AllowedHosts> {
    let listed = listed.unwrap_or_default();
    let named = listed.iter().map(|host| host.trim()).filter(|host| !host.is_empty());
    let hosts: Result<AllowedHosts, _> = named.map(str::parse::<AllowedHost>).collect();
    hosts.context("allowed_hosts")
}
