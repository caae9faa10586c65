use serde::{Deserialize, Deserializer};

/// What a change says of a value that may be absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Patch<T> {
    /// Nothing: it stays.
    #[default]
    Keep,
    /// It goes; null in JSON.
    Clear,
    /// It is replaced.
    Set(T),
}

impl<T> Patch<T> {
    /// Returns the new value, where there is one.
    pub fn value(&self) -> Option<&T> {
        match self {
            Self::Keep | Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }

    /// Returns the value after the change.
    pub fn applied_to(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Clear => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// A value that is left out stays.
impl<T> From<Option<T>> for Patch<T> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Keep, Self::Set)
    }
}

/// Used with `#[serde(default)]`, which makes a field left out [`Patch::Keep`].
impl<'de, T: Deserialize<'de>> Deserialize<'de> for Patch<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Option::deserialize(deserializer)?.map_or(Self::Clear, Self::Set))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_told_from_nothing_said() {
        #[derive(Deserialize)]
        struct Change {
            #[serde(default)]
            label: Patch<String>,
        }
        for (json, expected) in [
            ("{}", Some("before")),
            (r#"{"label": null}"#, None),
            (r#"{"label": "after"}"#, Some("after")),
        ] {
            let change: Change = serde_json::from_str(json).unwrap();
            let after = change.label.applied_to(Some("before".to_owned()));
            assert_eq!(after.as_deref(), expected, "{json}");
        }
    }
}
