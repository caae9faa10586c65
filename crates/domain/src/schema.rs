/// Declares how a value looks in JSON, for the documents that describe our API.
macro_rules! in_json {
    ($name:ident, $inline:literal, $schema:tt) => {
        impl schemars::JsonSchema for $name {
            fn inline_schema() -> bool {
                $inline
            }

            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!($schema)
            }
        }
    };
}
pub(crate) use in_json;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::{AuthReason, ConnectionId, ConnectorSlug, EndUserId, ScopeSet, Timestamp};

    fn schema<T: schemars::JsonSchema>() -> Value {
        let mut schema = schemars::schema_for!(T).to_value();
        let object = schema.as_object_mut().unwrap();
        object.retain(|key, _| !["$schema", "title"].contains(&key.as_str()));
        schema
    }

    #[test]
    fn values_describe_how_they_look_in_json() {
        let id = json!({"type": "string", "pattern": "^conn_[0-9A-HJKMNP-TV-Z]{26}$"});
        assert_eq!(schema::<ConnectionId>(), id);
        let slug = json!({"type": "string", "pattern": "^[a-z][a-z0-9-]*$", "maxLength": 40});
        assert_eq!(schema::<ConnectorSlug>(), slug);
        let user = json!({"type": "string", "minLength": 1, "maxLength": 255});
        assert_eq!(schema::<EndUserId>(), user);
        assert_eq!(schema::<Timestamp>(), json!({"type": "string", "format": "date-time"}));
        let scopes = json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true});
        assert_eq!(schema::<ScopeSet>(), scopes);
    }

    #[test]
    fn an_enum_lists_its_words_and_explains_each() {
        let found = schema::<AuthReason>();
        assert_eq!(found["enum"], json!(["not_connected", "needs_reauth", "missing_scopes"]));
        let description = found["description"].as_str().unwrap();
        assert!(description.starts_with("Why the end user is asked."), "{description}");
        assert!(
            description.contains("\n- `missing_scopes`: The connection lacks scopes."),
            "{description}"
        );
    }
}
