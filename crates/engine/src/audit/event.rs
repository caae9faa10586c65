use astralform_domain::{EndUserId, Environment, Owner, limits};
use serde_json::{Map, Value};

/// Something that is to be recorded.
#[derive(Clone, Debug)]
pub struct Event<'a> {
    /// What was done: a noun and what became of it, such as `connector.enabled`.
    pub action: &'static str,
    /// The environment, where it was in one.
    pub environment: Option<Environment>,
    /// What it was done to: an id or a name.
    pub subject: String,
    /// The end user whom it concerns, who is stored under a pseudonym.
    pub end_user: Option<&'a EndUserId>,
    details: Map<String, Value>,
}

impl<'a> Event<'a> {
    /// Returns an event that has nothing to say but what was done to what.
    #[expect(clippy::needless_pass_by_value, reason = "most subjects are ids, which are copied")]
    pub fn new(action: &'static str, subject: impl ToString) -> Self {
        let (environment, end_user) = (None, None);
        Self { action, environment, subject: subject.to_string(), end_user, details: Map::new() }
    }

    /// Returns it in an environment.
    #[must_use]
    pub fn within(self, environment: Environment) -> Self {
        Self { environment: Some(environment), ..self }
    }

    /// Returns it about an end user.
    #[must_use]
    pub fn about(self, end_user: &'a EndUserId) -> Self {
        Self { end_user: Some(end_user), ..self }
    }

    /// Returns it about whomever something belongs to: an end user under a pseudonym, a member by
    /// their id.
    #[must_use]
    pub fn of_owner(self, owner: &'a Owner) -> Self {
        match owner {
            Owner::EndUser(end_user) => self.about(end_user),
            Owner::Member(id) => self.with("member", Value::from(id.to_string())),
            Owner::Project => self.with("shared", Value::from(true)),
        }
    }

    /// Returns it with something more to say, in which there is no secret.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }

    /// Returns it with what has changed: of two objects, the members that differ.
    #[must_use]
    pub fn changing(self, before: &Value, after: &Value) -> Self {
        let (old, new) = differing(before, after);
        self.with("before", old).with("after", new)
    }

    /// Returns it with how many entries could not be written before it.
    pub(super) fn after_unrecorded(self, missed: u64) -> Self {
        if missed == 0 { self } else { self.with("unrecorded_before", missed) }
    }

    pub(super) fn details(&self) -> String {
        let text = Value::Object(self.details.clone()).to_string();
        if !limits::AUDIT_DETAILS.is_exceeded_by(text.len()) {
            return text;
        }
        serde_json::json!({"left_out_bytes": text.len()}).to_string()
    }
}

/// Returns what of two objects differs.
fn differing(before: &Value, after: &Value) -> (Value, Value) {
    let (Value::Object(before), Value::Object(after)) = (before, after) else {
        return (before.clone(), after.clone());
    };
    let one_side = |of: &Map<String, Value>, other: &Map<String, Value>| {
        let own = of.iter().filter(|(name, value)| other.get(*name) != Some(value));
        Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    (one_side(before, after), one_side(after, before))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_change_is_told_by_what_differs() {
        let before = json!({"name": "A", "tools": ["x"], "gone": 1});
        let after = json!({"name": "A", "tools": ["x", "y"], "new": null});
        let event = Event::new("agent.changed", "agent_1").changing(&before, &after);
        let told: Value = serde_json::from_str(&event.details()).unwrap();
        assert_eq!(told["before"], json!({"tools": ["x"], "gone": 1}));
        assert_eq!(told["after"], json!({"tools": ["x", "y"], "new": null}));
    }

    #[test]
    fn details_that_are_too_long_are_left_out_and_said_to_be() {
        let event = Event::new("x", "y").with("long", "z".repeat(limits::AUDIT_DETAILS.count()));
        let told: Value = serde_json::from_str(&event.details()).unwrap();
        assert!(told["left_out_bytes"].as_u64().unwrap() > 16_000);
    }
}
