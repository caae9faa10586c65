use std::borrow::Cow;

use astralform_domain::{limits, texts::cut};
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

    /// Returns the first faults of `value`; none when it fits.
    pub fn faults(&self, value: &Value) -> Vec<ArgumentFault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        // The validator collects every error before it gives the first one, so it sees no more of
        // a list than can be reported.
        let short = shortened(value);
        let is_whole = |error: &ValidationError<'_>| {
            let list = value.pointer(error.instance_path().as_str());
            list.and_then(Value::as_array).is_none_or(|list| list.len() <= REPORTED)
        };
        let errors = self.validator.iter_errors(&short).filter(is_whole);
        let faults: Vec<_> = errors.flat_map(|error| faults_of(&error)).take(REPORTED).collect();
        if faults.is_empty() {
            let first = self.validator.validate(value).err();
            return first.iter().flat_map(faults_of).take(REPORTED).collect();
        }
        faults
    }
}

const REPORTED: usize = limits::ARGUMENT_FAULTS.count();

/// Returns the value with no more of each list than its first items.
fn shortened(value: &Value) -> Value {
    match value {
        Value::Array(items) => items.iter().take(REPORTED).map(shortened).collect(),
        Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), shortened(member))).collect()
        }
        other => other.clone(),
    }
}

/// The validator points at the parent of a missing or unknown field; the reader wants the field.
fn faults_of(error: &ValidationError<'_>) -> Vec<ArgumentFault> {
    let pointer = error.instance_path().to_string();
    let fault = |name: &str, message: &str| ArgumentFault::new(&step(&pointer, name), message);
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let named = unexpected.iter().take(REPORTED);
            named.map(|name| fault(name, "is not an argument of this tool")).collect()
        }
        ValidationErrorKind::Required { property } => {
            vec![fault(property.as_str().unwrap_or_default(), "is required")]
        }
        _ => vec![ArgumentFault::new(&pointer, &describe(error))],
    }
}

impl ArgumentFault {
    fn new(pointer: &str, message: &str) -> Self {
        let longest = limits::ARGUMENT_FAULT_TEXT.count();
        Self {
            pointer: cut(pointer, longest).into_owned(),
            message: cut(message, longest).into_owned(),
        }
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
    fn f3_x3_no_more_faults_are_collected_than_are_reported_whatever_was_sent() {
        let many: Vec<_> = (0..100_000).collect();
        let names: serde_json::Map<_, _> =
            (0..10_000).map(|n| (format!("unknown-{n}"), json!(n))).collect();
        let mut with_channel = names.clone();
        with_channel.insert("channel".to_owned(), json!("C1"));
        for sent in [
            json!({"channel": "C1", "kinds": many}),
            json!({"channel": "C1", "kinds": many, "also": names}),
            Value::Object(with_channel),
        ] {
            let found = faults(&sent);
            let most = limits::ARGUMENT_FAULTS.count();
            assert!((1..=most).contains(&found.len()), "{} faults", found.len());
        }
        let long = json!({"channel": "C1", "n".repeat(200_000): 1});
        let found = faults(&long);
        assert_eq!(found.len(), 1);
        assert!(found[0].0.len() < 1_000, "{} bytes of the name are repeated", found[0].0.len());
    }

    #[test]
    fn f3_a_fault_far_into_a_list_is_found_and_a_long_list_alone_is_none() {
        let listed = |last: &str| {
            let mut kinds = vec!["public"; 5_000];
            kinds.push(last);
            json!({"channel": "C1", "kinds": kinds})
        };
        assert_eq!(faults(&listed("public")), []);
        let expected = fault("/kinds/5000", "must be one of [\"public\",\"private\"]");
        assert_eq!(faults(&listed("none")), [expected]);
        let of_names = json!({
            "type": "object",
            "properties": {"few": {"type": "array", "maxItems": 30, "uniqueItems": true}},
        });
        let of_names = Schema::compile(&of_names).unwrap();
        let found = of_names.faults(&json!({"few": (0..31).collect::<Vec<_>>()}));
        assert_eq!(found[0].message, "must have at most 30 items");
        let found = of_names.faults(&json!({"few": [0, 0]}));
        assert_eq!(found[0].message, "must not repeat an item");
    }

    #[test]
    fn a_schema_cannot_fetch_another() {
        let remote = json!({"$ref": "https://evil.example.com/schema.json"});
        assert!(Schema::compile(&remote).is_err());
    }
}
