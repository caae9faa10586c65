use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::schema::in_json;

/// One scope, as the provider spells it (RFC 6749 §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(String);

/// A set of scopes, in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(BTreeSet<Scope>);

impl Scope {
    /// The scope a provider spells `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// As the provider spells it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ScopeSet {
    /// Whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `scope` is in it.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// The scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Whether all of `self` is in `granted`.
    pub fn is_within(&self, granted: &Self) -> bool {
        self.0.is_subset(&granted.0)
    }

    /// What of `self` is not in `granted`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }

    /// What both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// The scopes in order with `separator` between them, as an authorization request wants them.
    pub fn join(&self, separator: &str) -> String {
        self.0.iter().map(Scope::as_str).collect::<Vec<_>>().join(separator)
    }
}

impl<S: Into<String>> FromIterator<S> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = S>>(scopes: I) -> Self {
        Self(scopes.into_iter().map(Scope::new).collect())
    }
}

in_json!(Scope, true, {"type": "string"});
in_json!(ScopeSet, true, {"type": "array", "items": {"type": "string"}, "uniqueItems": true});

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.0
    }
}
