use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::{limits, schema::in_json};

/// One scope, as the provider spells it (RFC 6749 §3.3).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(String);

/// A set of scopes, in a stable order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ScopeSet(BTreeSet<Scope>);

impl Scope {
    /// Returns the scope a provider spells `text`.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Returns it as the provider spells it.
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
    /// Returns whether nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns whether `scope` is in it.
    pub fn contains(&self, scope: &Scope) -> bool {
        self.0.contains(scope)
    }

    /// Returns the scopes in order.
    pub fn iter(&self) -> impl Iterator<Item = &Scope> {
        self.0.iter()
    }

    /// Returns whether all of `self` is in `granted`.
    pub fn is_within(&self, granted: &Self) -> bool {
        self.0.is_subset(&granted.0)
    }

    /// Returns what of `self` is not in `granted`.
    #[must_use]
    pub fn missing_from(&self, granted: &Self) -> Self {
        Self(self.0.difference(&granted.0).cloned().collect())
    }

    /// Returns whether there are more of them, or longer ones, than may be stored.
    pub fn exceeds_limits(&self) -> bool {
        limits::SCOPES.is_exceeded_by(self.0.len())
            || limits::SCOPES_WEIGHT.is_exceeded_by(self.weight())
    }

    /// Returns the size of all of them together, in bytes.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|scope| scope.0.len()).sum()
    }

    /// Returns these scopes and, in order, those of `others` that the limits leave room for.
    #[must_use]
    pub fn filled_with(mut self, others: &Self) -> Self {
        let mut weight = self.weight();
        for scope in &others.0 {
            let heavier = weight + scope.0.len();
            let has_room = !limits::SCOPES.is_exceeded_by(self.0.len() + 1)
                && !limits::SCOPES_WEIGHT.is_exceeded_by(heavier);
            if has_room && self.0.insert(scope.clone()) {
                weight = heavier;
            }
        }
        self
    }

    /// Returns what both sets have.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self(self.0.intersection(&other.0).cloned().collect())
    }

    /// Returns both sets together.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self(self.0.union(&other.0).cloned().collect())
    }

    /// Returns the scopes in order with `separator` between them, as an authorization request wants
    /// them.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn numbered(count: usize) -> ScopeSet {
        (0..count).map(|n| format!("scope-{n:05}")).collect()
    }

    fn heavy(length: usize) -> ScopeSet {
        ScopeSet::from_iter(["a".repeat(length), "b".repeat(96)])
    }

    #[test]
    fn f4_scopes_are_limited_in_number_and_in_weight() {
        assert!(!numbered(100).exceeds_limits());
        assert!(numbered(101).exceeds_limits());
        assert!(!heavy(4_000).exceeds_limits());
        assert!(heavy(4_001).exceeds_limits());
    }

    #[test]
    fn f4_what_is_added_to_scopes_stays_within_the_limits_and_takes_none_away() {
        let filled = ScopeSet::from_iter(["zz-wanted"]).filled_with(&numbered(5_000));
        assert!(filled.contains(&Scope::new("zz-wanted")) && !filled.exceeds_limits());
        assert_eq!(filled.iter().count(), 100);
        let long = ScopeSet::from_iter(["x".repeat(5_000), "short".to_owned()]);
        assert_eq!(ScopeSet::default().filled_with(&long), ScopeSet::from_iter(["short"]));
        let many = numbered(150);
        assert_eq!(many.clone().filled_with(&long), many, "what was asked for is kept");
    }
}
