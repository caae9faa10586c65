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
    /// Returns whether a secret bound to this set may go to `host`.
    pub fn contains(&self, host: &str) -> bool {
        self.0.contains(host)
    }

    /// Returns whether these are the hosts that `patterns` name, where a label `*` stands for any
    /// one.
    pub fn are(&self, patterns: &Self) -> bool {
        if self == patterns {
            return true;
        }
        self.0.iter().all(|host| patterns.0.iter().any(|pattern| is_like(host, pattern)))
            && patterns.0.iter().all(|pattern| self.0.iter().any(|host| is_like(host, pattern)))
    }

    /// Returns the hosts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl FromIterator<String> for HostSet {
    fn from_iter<I: IntoIterator<Item = String>>(hosts: I) -> Self {
        Self(hosts.into_iter().collect())
    }
}

fn is_like(host: &str, pattern: &str) -> bool {
    let mut labels = host.split('.');
    let mut wanted = pattern.split('.');
    loop {
        match (labels.next(), wanted.next()) {
            (None, None) => return true,
            (Some(label), Some(wanted)) if label == wanted || wanted == "*" => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(hosts: &[&str]) -> HostSet {
        hosts.iter().map(|&host| host.to_owned()).collect()
    }

    #[test]
    fn hosts_are_those_of_a_pattern_label_by_label() {
        let pattern = set(&["*.example.com", "login.example.org"]);
        assert!(set(&["acme.example.com", "login.example.org"]).are(&pattern));
        for other in [
            &["acme.example.com"][..],
            &["a.b.example.com", "login.example.org"],
            &["acme.example.com.evil.net", "login.example.org"],
            &["acme.example.com:8443", "login.example.org"],
            &["example.com", "login.example.org"],
            &["acme.example.com", "login.example.org", "evil.net"],
            &["acme.example.com", "other.example.com"],
        ] {
            assert!(!set(other).are(&pattern), "{other:?}");
        }
        assert!(pattern.are(&pattern));
        assert!(!set(&["b.example.com"]).are(&set(&["a.example.com"])));
    }
}
