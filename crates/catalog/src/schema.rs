use std::borrow::Cow;

use astralform_domain::{limits, texts::cut};
use jsonschema::{PatternOptions, ValidationError, Validator, error::ValidationErrorKind};
use schemars::{JsonSchema, Schema as JsonSchemaValue, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error as _};
use serde_json::{Map, Number, Value};

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
        let validator = options.build(json).map_err(|error| unusable(&error))?;
        Ok(Self { json: with_properties(json.clone()), validator })
    }

    /// Returns the schema itself.
    pub fn json(&self) -> &Value {
        &self.json
    }

    /// Returns arguments as they are meant: without the nulls that stand for "left out", and with
    /// integers for the numbers that are whole.
    ///
    /// # Errors
    /// With the first faults, where they do not fit.
    pub fn accept<'a>(&self, given: &'a Value) -> Result<Cow<'a, Value>, Vec<ArgumentFault>> {
        let mut meant = Cow::Borrowed(given);
        if !self.validator.is_valid(&meant) {
            meant = Cow::Owned(self.without_nulls(given.clone()));
            let faults = self.faults(&meant);
            if !faults.is_empty() {
                return Err(faults);
            }
        }
        if has_whole_floats(&meant) {
            with_integers(meant.to_mut());
        }
        Ok(meant)
    }

    /// Leaves out what is null and must not be. What the schema takes as null stays null.
    fn without_nulls(&self, mut given: Value) -> Value {
        let short = shortened(&given);
        let errors = self.validator.iter_errors(&short);
        let places = errors.map(|error| error.instance_path().to_string());
        let nulls: Vec<_> =
            places.filter(|at| short.pointer(at).is_some_and(Value::is_null)).collect();
        for place in nulls {
            let Some((parent, name)) = place.rsplit_once('/') else { continue };
            if let Some(Value::Object(members)) = given.pointer_mut(parent) {
                members.shift_remove(&unescaped(name));
            }
        }
        given
    }

    /// Returns the first faults of `value`; none when it fits.
    pub fn faults(&self, value: &Value) -> Vec<ArgumentFault> {
        if self.validator.is_valid(value) {
            return Vec::new();
        }
        // The validator collects every error before it gives the first one, so it sees no more of
        // a list than can be reported.
        let short = shortened(value);
        let errors = self.validator.iter_errors(&short).filter(|error| {
            let list = value.pointer(error.instance_path().as_str());
            list.and_then(Value::as_array).is_none_or(|list| list.len() <= REPORTED)
        });
        let faults: Vec<_> =
            errors.flat_map(|error| faults_of(&error, value)).take(REPORTED).collect();
        if faults.is_empty() {
            let first = self.validator.validate(value).err();
            return first.iter().flat_map(|error| faults_of(error, value)).take(REPORTED).collect();
        }
        faults
    }
}

/// Names the properties of an object that has none: models' providers refuse an object that is
/// silent about them.
fn with_properties(mut json: Value) -> Value {
    if let Some(schema) = json.as_object_mut()
        && schema.get("type").is_some_and(|kind| kind == "object")
    {
        schema.entry("properties").or_insert_with(|| Map::new().into());
    }
    json
}

/// Returns the name that a part of a JSON Pointer stands for (RFC 6901 §4).
fn unescaped(part: &str) -> String {
    part.replace("~1", "/").replace("~0", "~")
}

fn has_whole_floats(value: &Value) -> bool {
    match value {
        Value::Number(number) => whole(number).is_some(),
        Value::Array(items) => items.iter().any(has_whole_floats),
        Value::Object(members) => members.values().any(has_whole_floats),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn with_integers(value: &mut Value) {
    match value {
        Value::Number(number) => {
            if let Some(integer) = whole(number) {
                *number = integer;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(with_integers),
        Value::Object(members) => members.values_mut().for_each(with_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}

/// Returns the integer that a float was written for, digit by digit; nothing where it has a
/// fraction, or too many digits for an integer.
fn whole(number: &Number) -> Option<Number> {
    let float = number.as_f64().filter(|float| number.is_f64() && float.fract() == 0.0)?;
    let digits = float.to_string();
    let signed = digits.parse().map(|integer: i64| integer.into());
    signed.or_else(|_| digits.parse().map(|integer: u64| integer.into())).ok()
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

/// Returns the faults that an error stands for, each at its field: the validator points at the
/// parent of a missing or unknown one.
fn faults_of(error: &ValidationError<'_>, root: &Value) -> Vec<ArgumentFault> {
    let pointer = error.instance_path().to_string();
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            let named = unexpected.iter().take(REPORTED);
            named.map(|name| ArgumentFault::of_field(&pointer, name, SUPERFLUOUS)).collect()
        }
        // Of an object that may have no members at all, the validator names none.
        ValidationErrorKind::FalseSchema
            if error.schema_path().as_str().ends_with("/additionalProperties") =>
        {
            let members = root.pointer(&pointer).and_then(Value::as_object);
            let named = members.into_iter().flat_map(Map::keys).take(REPORTED);
            named.map(|name| ArgumentFault::of_field(&pointer, name, SUPERFLUOUS)).collect()
        }
        ValidationErrorKind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            vec![ArgumentFault::of_field(&pointer, name, "is required")]
        }
        _ => vec![ArgumentFault::new(&pointer, &describe(error))],
    }
}

const SUPERFLUOUS: &str = "is not an argument of this tool";

impl ArgumentFault {
    fn new(pointer: &str, message: &str) -> Self {
        let longest = limits::ARGUMENT_FAULT_TEXT.count();
        Self {
            pointer: cut(pointer, longest).into_owned(),
            message: cut(message, longest).into_owned(),
        }
    }

    fn of_field(parent: &str, name: &str, message: &str) -> Self {
        Self::new(&step(parent, name), message)
    }
}

/// Returns what is expected, in our words: the library's quote the value, which may be a secret.
fn describe(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { kind } => {
            format!("is {}, must be {}", given(error.instance()), types(kind))
        }
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
        Kind::MinProperties { limit } => format!("must have at least {limit} members"),
        Kind::MaxProperties { limit } => format!("must have at most {limit} members"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } => {
            "fits none of the forms that are allowed here".to_owned()
        }
        Kind::OneOfMultipleValid { .. } => {
            "fits several of the forms that are allowed here, must fit one".to_owned()
        }
        Kind::PropertyNames { .. } => "has a member whose name is not allowed".to_owned(),
        other => format!("does not meet the schema's `{}`", other.keyword()),
    }
}

/// Returns why a schema is not valid, and where in it.
fn unusable(error: &ValidationError<'_>) -> String {
    let place = error.instance_path().to_string();
    let why = if place.ends_with("/type") {
        "is no type: write string, integer, number, boolean, array, object or null".to_owned()
    } else {
        describe(error)
    };
    if place.is_empty() { why } else { format!("`{place}` {why}") }
}

/// Returns the kind of a value, in the words of JSON Schema.
fn given(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number with a fraction",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
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
    fn a_schema_that_is_none_says_where_and_why() {
        for (schema, said) in [
            (json!({"type": "strin"}), "`/type` is no type: write string"),
            (json!({"properties": {"a": {"type": 5}}}), "`/properties/a/type` is no type"),
            (
                json!({"properties": {"a": {"minLength": "1"}}}),
                "`/properties/a/minLength` is a string",
            ),
            (json!({"required": "a"}), "`/required` is a string, must be of type array"),
        ] {
            let why = Schema::compile(&schema).err().unwrap();
            assert!(why.contains(said), "{schema}: {why}");
        }
    }

    #[test]
    fn forms_that_do_not_fit_are_told_in_words() {
        let json = json!({"anyOf": [{"required": ["a"]}, {"required": ["b"]}], "minProperties": 1});
        let found = Schema::compile(&json).unwrap().faults(&json!({}));
        let messages: Vec<_> = found.iter().map(|fault| fault.message.as_str()).collect();
        assert!(messages.contains(&"fits none of the forms that are allowed here"), "{messages:?}");
        assert!(messages.contains(&"must have at least 1 members"), "{messages:?}");
    }

    #[test]
    fn every_fault_names_its_place_and_never_the_value() {
        let found =
            faults(&json!({"limit": "xoxp-secret", "kinds": ["public", "xoxp-secret"], "a/b": 1}));
        assert_eq!(found.len(), 4, "{found:?}");
        for expected in [
            fault("/channel", "is required"),
            fault("/a~1b", "is not an argument of this tool"),
            fault("/limit", "is a string, must be of type integer"),
            fault("/kinds/1", "must be one of [\"public\",\"private\"]"),
        ] {
            assert!(found.contains(&expected), "{expected:?} is not in {found:?}");
        }
        assert!(!format!("{found:?}").contains("xoxp-secret"));
    }

    fn accepted(given: &Value) -> String {
        schema().accept(given).unwrap().to_string()
    }

    #[test]
    fn a_whole_number_is_an_integer_however_it_is_written() {
        for (given, meant) in
            [("5.0", "5"), ("5", "5"), ("5e0", "5"), ("0.5e1", "5"), ("1.0E2", "100")]
        {
            let sent =
                serde_json::from_str(&format!(r#"{{"channel":"C1","limit":{given}}}"#)).unwrap();
            assert_eq!(accepted(&sent), format!(r#"{{"channel":"C1","limit":{meant}}}"#));
        }
        assert_eq!(faults(&json!({"channel": "C1", "limit": 5.5})).len(), 1);
    }

    #[test]
    fn no_number_becomes_another_one() {
        let any = Schema::compile(&json!({})).unwrap();
        for (given, meant) in [
            ("9007199254740993", "9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
            ("123456789012345680.0", "123456789012345680"),
            ("-0.0", "0"),
            ("1e300", "1e+300"),
            ("0.1234567890123456", "0.1234567890123456"),
            ("[[5.0],{\"a\":2.0}]", "[[5],{\"a\":2}]"),
        ] {
            let sent: Value = serde_json::from_str(given).unwrap();
            assert_eq!(any.accept(&sent).unwrap().to_string(), meant);
        }
    }

    #[test]
    fn null_stands_for_left_out_where_it_is_not_allowed() {
        let json = json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["text"],
            "properties": {
                "text": {"type": "string"},
                "limit": {"type": "integer"},
                "kind": {"enum": ["a", "b"]},
                "parent": {"type": ["string", "null"]},
                "a/b": {"type": "object", "properties": {"c~d": {"type": "string"}}},
            },
        });
        let schema = Schema::compile(&json).unwrap();
        let sent =
            json!({"text": "x", "limit": null, "kind": null, "parent": null, "a/b": {"c~d": null}});
        let meant = schema.accept(&sent).unwrap();
        assert_eq!(*meant, json!({"text": "x", "parent": null, "a/b": {}}));
        let faults = schema.accept(&json!({"text": null})).unwrap_err();
        assert_eq!(
            (faults[0].pointer.as_str(), faults[0].message.as_str()),
            ("/text", "is required")
        );
        assert_eq!(schema.accept(&Value::Null).unwrap_err()[0].pointer, "");
        let faults = schema.accept(&json!({"text": "x", "limt": null})).unwrap_err();
        assert_eq!(faults[0].pointer, "/limt");
    }

    #[test]
    fn an_object_says_of_its_properties_that_it_has_none() {
        let none =
            Schema::compile(&json!({"type": "object", "additionalProperties": false})).unwrap();
        assert_eq!(none.json()["properties"], json!({}));
        assert_eq!(none.accept(&json!({})).unwrap().to_string(), "{}");
        let faults = none.accept(&json!({"limit": 1, "q": "x"})).unwrap_err();
        let named: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
        assert_eq!(named, ["/limit", "/q"]);
        let many: Map<_, _> = (0..10_000).map(|n| (format!("n{n}"), json!(n))).collect();
        let faults = none.accept(&many.into()).unwrap_err();
        assert_eq!(faults.len(), limits::ARGUMENT_FAULTS.count());
        assert_eq!(
            Schema::compile(&json!({"type": "array"})).unwrap().json().get("properties"),
            None
        );
    }

    #[test]
    fn f3_x3_no_more_faults_are_collected_than_are_reported_whatever_was_sent() {
        let many: Vec<_> = (0..100_000).collect();
        let names: Map<_, _> = (0..10_000).map(|n| (format!("unknown-{n}"), json!(n))).collect();
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

    fn listed(last: &str) -> Value {
        let mut kinds = vec!["public"; 5_000];
        kinds.push(last);
        json!({"channel": "C1", "kinds": kinds})
    }

    #[test]
    fn f3_a_fault_far_into_a_list_is_found_and_a_long_list_alone_is_none() {
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
