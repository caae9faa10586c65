use std::borrow::Cow;

use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, Schema as JsonSchemaValue, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::Value;

use crate::yaml::step;

/// A compiled JSON Schema (2020-12).
pub struct Schema {
    json: Value,
    validator: Validator,
}

/// One fault of some arguments, without their values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArgumentFault {
    /// Where, as a JSON Pointer (RFC 6901).
    pub pointer: String,
    /// What is expected there.
    pub message: String,
}

impl Schema {
    pub(crate) fn compile(json: &Value) -> Result<Self, String> {
        let options = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .with_pattern_options(PatternOptions::regex());
        let validator = options.build(json).map_err(|error| describe(&error))?;
        Ok(Self { json: json.clone(), validator })
    }

    /// The schema itself.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Every fault of `value`; none when it fits.
    pub fn faults(&self, value: &Value) -> Vec<ArgumentFault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        self.validator.iter_errors(value).flat_map(|error| faults_of(&error)).collect()
    }
}

/// The validator points at the parent of a missing or unknown field; the reader wants the field.
fn faults_of(error: &ValidationError<'_>) -> Vec<ArgumentFault> {
    let pointer = error.instance_path().to_string();
    let fault = |name: &str, message: &str| ArgumentFault {
        pointer: step(&pointer, name),
        message: message.to_owned(),
    };
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            unexpected.iter().map(|name| fault(name, "is not an argument of this tool")).collect()
        }
        ValidationErrorKind::Required { property } => {
            vec![fault(property.as_str().unwrap_or_default(), "is required")]
        }
        _ => vec![ArgumentFault { message: describe(error), pointer }],
    }
}

/// What is expected, in our words: the library's quote the value, which may be a secret.
fn describe(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { kind } => format!("must be {}", types(kind)),
        Kind::Enum { options } => format!("must be one of {options}"),
        Kind::Constant { expected_value } => format!("must be {expected_value}"),
        Kind::MinLength { limit } => format!("must have at least {limit} characters"),
        Kind::MaxLength { limit } => format!("must have at most {limit} characters"),
        Kind::Minimum { limit } => format!("must be {limit} or more"),
        Kind::Maximum { limit } => format!("must be {limit} or less"),
        Kind::MinItems { limit } => format!("must have at least {limit} items"),
        Kind::MaxItems { limit } => format!("must have at most {limit} items"),
        Kind::UniqueItems => "must not repeat an item".to_owned(),
        Kind::Pattern { pattern } => format!("must match the pattern {pattern}"),
        Kind::Format { format } => format!("must be a valid {format}"),
        other => format!("does not meet the schema's `{}`", other.keyword()),
    }
}

fn types(kind: &jsonschema::error::TypeKind) -> String {
    use jsonschema::error::TypeKind;
    match kind {
        TypeKind::Single(one) => format!("of type {one}"),
        TypeKind::Multiple(many) => {
            let names: Vec<_> = many.iter().map(|one| one.to_string()).collect();
            format!("of type {}", names.join(" or "))
        }
    }
}

impl<'de> Deserialize<'de> for Schema {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::compile(&Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl JsonSchema for Schema {
    fn schema_name() -> Cow<'static, str> {
        "Schema".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> JsonSchemaValue {
        json_schema!({
            "type": "object",
            "description": "A JSON Schema (2020-12). Nothing outside it is ever fetched."
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Schema {
        let json = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["channel"],
            "properties": {
                "channel": {"type": "string", "minLength": 2},
                "limit": {"type": "integer", "minimum": 1, "maximum": 200},
                "kinds": {"type": "array", "items": {"enum": ["public", "private"]}},
            },
        });
        Schema::compile(&json).unwrap()
    }

    fn faults(value: &Value) -> Vec<(String, String)> {
        schema().faults(value).into_iter().map(|fault| (fault.pointer, fault.message)).collect()
    }

    fn fault(pointer: &str, message: &str) -> (String, String) {
        (pointer.to_owned(), message.to_owned())
    }

    #[test]
    fn good_arguments_have_no_faults() {
        assert!(faults(&json!({"channel": "C1", "limit": 5, "kinds": ["public"]})).is_empty());
    }

    #[test]
    fn every_fault_names_its_place_and_never_the_value() {
        let found =
            faults(&json!({"limit": "xoxp-secret", "kinds": ["public", "xoxp-secret"], "a/b": 1}));
        assert_eq!(found.len(), 4, "{found:?}");
        for expected in [
            fault("/channel", "is required"),
            fault("/a~1b", "is not an argument of this tool"),
            fault("/limit", "must be of type integer"),
            fault("/kinds/1", "must be one of [\"public\",\"private\"]"),
        ] {
            assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
        }
        assert!(!format!("{found:?}").contains("xoxp-secret"));
    }

    #[test]
    fn a_schema_cannot_fetch_another() {
        let remote = json!({"$ref": "https://evil.example.com/schema.json"});
        assert!(Schema::compile(&remote).is_err());
    }
}
