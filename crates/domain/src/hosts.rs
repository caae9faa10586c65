use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// The hosts a secret may be sent to, each `host` or `host:port` for https and `http://host:port`
/// otherwise, in a stable order.
///
/// The set is part of what a sealed secret is bound to: a row whose hosts were edited does not
/// open.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostSet(BTreeSet<String>);

impl HostSet {
    /// Whether a secret bound to this set may go to `host`.
    pub fn contains(&self, host: &str) -> bool {
        self.0.contains(host)
    }

    /// The hosts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for HostSet {
    fn from_iter<I: IntoIterator<Item = String>>(hosts: I) -> Self {
        Self(hosts.into_iter().collect())
    }
}
