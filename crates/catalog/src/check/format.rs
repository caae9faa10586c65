//! What the format's JSON Schema says of a document.

use jsonschema::{
    ValidationError, Validator,
    error::{TypeKind, ValidationErrorKind},
};
use serde_json::Value;
use url::Url;

use super::DocumentFault;
use crate::{Expression, Template, connector_schema, yaml::step};

pub(super) fn faults(value: &Value) -> Vec<DocumentFault> {
    validator().iter_errors(value).flat_map(|error| faults_of(&error, value)).collect()
}

fn validator() -> Validator {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_format("jq", |source| Expression::compile(source).is_ok())
        .with_format("template", |text| Template::parse(text).is_some())
        .with_format("endpoint", is_endpoint)
        .with_format("location", |text| is_path(text) || is_endpoint(text))
        .build(&connector_schema())
        .expect("the schema of the format is one")
}

/// Returns whether a text is a path, and not the host of another server (RFC 3986 §4.2).
fn is_path(text: &str) -> bool {
    text.starts_with('/') && !text.starts_with("//")
}

/// Returns whether a text is an https or http address. Only the operator knows which names lead to
/// a private network, where http may be allowed; a server that does not allow it says so when the
/// connector is enabled.
fn is_endpoint(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else {
        return false;
    };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && url.has_host() && matches!(url.scheme(), "https" | "http")
}

fn faults_of(error: &ValidationError<'_>, value: &Value) -> Vec<DocumentFault> {
    use ValidationErrorKind as Kind;
    let pointer = error.instance_path().to_string();
    match error.kind() {
        Kind::AdditionalProperties { unexpected } => {
            let known = known_fields(error);
            unexpected.iter().map(|name| unknown_field(&pointer, name, &known)).collect()
        }
        Kind::Required { property } => {
            let name = property.as_str().unwrap_or_default();
            let message = format!("the field `{name}` is missing");
            vec![DocumentFault::new(pointer, message, format!("add `{name}:` here"))]
        }
        Kind::Format { format } => vec![wrong_format(&pointer, format, value)],
        Kind::Enum { options } => {
            let fix = format!("write one of {options}");
            vec![DocumentFault::new(pointer, "this word is not known here", fix)]
        }
        other => vec![DocumentFault::new(&pointer, unfit(&pointer, other, value), fix(other))],
    }
}

/// Returns a message that names the field, what is wrong with it, and what stands there.
fn unfit(pointer: &str, kind: &ValidationErrorKind, value: &Value) -> String {
    use ValidationErrorKind as Kind;
    let field = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err());
    let field = field.filter(|name| !name.is_empty()).unwrap_or("the connector");
    let found = value.pointer(pointer).unwrap_or(&Value::Null);
    let length = found.as_str().map_or(0, |text| text.chars().count());
    let count = found.as_array().map_or(0, Vec::len);
    match kind {
        Kind::MinLength { .. } => format!("`{field}` is too short: it has {length} characters"),
        Kind::MaxLength { .. } => format!("`{field}` is too long: it has {length} characters"),
        Kind::MinItems { .. } => format!("`{field}` has too few items: {count}"),
        Kind::MaxItems { .. } => format!("`{field}` has too many items: {count}"),
        Kind::MaxProperties { .. } => {
            let count = found.as_object().map_or(0, serde_json::Map::len);
            format!("`{field}` has too many members: {count}")
        }
        Kind::Type { .. } => format!("`{field}` is {}", named(found)),
        Kind::Minimum { .. } | Kind::Maximum { .. } => format!("`{field}` is {found}"),
        Kind::Pattern { .. } => format!("`{field}` is not written as it has to be"),
        Kind::PropertyNames { .. } => format!("a name in `{field}` is not written as it has to be"),
        other => format!("`{field}` does not meet the format's `{}`", other.keyword()),
    }
}

/// Returns what is allowed instead.
fn fix(kind: &ValidationErrorKind) -> String {
    use ValidationErrorKind as Kind;
    match kind {
        Kind::MinLength { limit } => format!("write {limit} or more"),
        Kind::MaxLength { limit } | Kind::MaxProperties { limit } => {
            format!("write {limit} or fewer")
        }
        Kind::MinItems { limit } => format!("list {limit} or more"),
        Kind::MaxItems { limit } => format!("list {limit} or fewer"),
        Kind::Type { kind } => format!("write a value of type {}", types(kind)),
        Kind::Minimum { limit } => format!("write {limit} or more"),
        Kind::Maximum { limit } => format!("write {limit} or less"),
        Kind::Pattern { pattern } => format!("write {}", in_words(pattern)),
        Kind::PropertyNames { error } => fix(error.kind()),
        _ => "docs/connector-format.md describes the field".to_owned(),
    }
}

/// Describes the texts that a pattern of the format matches.
fn in_words(pattern: &str) -> String {
    match pattern {
        "^/" => "a path that starts with `/`".to_owned(),
        "^/[^/]" => "a path that starts with one `/`".to_owned(),
        other => describe_name(other).unwrap_or_else(|| format!("what matches {other}")),
    }
}

fn describe_name(pattern: &str) -> Option<String> {
    let (others, rest) = match pattern.split_once("{0,")? {
        ("^[a-z][a-z0-9_]", rest) => ("_", rest),
        ("^[a-z][a-z0-9-]", rest) => ("-", rest),
        _ => return None,
    };
    let most = rest.strip_suffix("}$")?;
    Some(format!(
        "a lower-case letter, and then at most {most} lower-case letters, digits and `{others}`"
    ))
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(one) => one.to_string(),
        TypeKind::Multiple(many) => {
            many.iter().map(|one| one.to_string()).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn named(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// Returns the names that the schema has beside the one that was refused.
fn known_fields(error: &ValidationError<'_>) -> Vec<String> {
    let schema = connector_schema();
    let path = error.evaluation_path().to_string();
    let absolute = error.schema_path().to_string();
    let properties = [absolute, path].iter().find_map(|path| {
        let (parent, _) = path.rsplit_once('/')?;
        schema.pointer(&format!("{parent}/properties"))?.as_object().cloned()
    });
    properties.map(|found| found.keys().cloned().collect()).unwrap_or_default()
}

fn unknown_field(pointer: &str, name: &str, known: &[String]) -> DocumentFault {
    let near = known.iter().find(|candidate| is_near(candidate, name));
    let fix = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it".to_owned(),
        None => format!("remove it, or use one of: {}", known.join(", ")),
    };
    DocumentFault::new(step(pointer, name), format!("the field `{name}` is not known here"), fix)
}

/// Returns whether two names differ by one typing error: one letter more, less, or other, or two
/// swapped.
pub(super) fn is_near(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let start = one.iter().zip(&other).take_while(|(a, b)| a == b).count();
    let rest = one[start..].iter().rev().zip(other[start..].iter().rev());
    let end = rest.take_while(|(a, b)| a == b).count();
    let left = one.len() - start - end;
    let right = other.len() - start - end;
    left <= 1 && right <= 1
        || left == 2
            && right == 2
            && one[start] == other[start + 1]
            && one[start + 1] == other[start]
}

fn wrong_format(pointer: &str, format: &str, value: &Value) -> DocumentFault {
    let text = value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    match format {
        "jq" => {
            let why = Expression::compile(text).err().map(|error| error.to_string());
            let fix = "correct the expression; docs/connector-format.md lists the language";
            DocumentFault::new(pointer, why.unwrap_or_default(), fix)
        }
        "location" => DocumentFault::new(
            pointer,
            "this is neither an address nor a path",
            "write https://… or a path that starts with `/`, and not with `//`",
        ),
        "template" => DocumentFault::new(
            pointer,
            "a brace does not belong to a name",
            "write `{name}` with lower-case letters, digits and `_`",
        ),
        _ => DocumentFault::new(
            pointer,
            "this is not an address that can be used",
            "write https://…, without user, password or fragment; http:// is for private networks that \
             the operator allows",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_keyboard_is_recognised() {
        for (typed, meant) in
            [("sumary", "summary"), ("toosl", "tools"), ("slugs", "slug"), ("apo", "api")]
        {
            assert!(is_near(typed, meant), "{typed}");
        }
        assert!(!is_near("icon", "tools"));
    }

    #[test]
    fn every_pattern_of_the_format_has_words() {
        fn patterns(schema: &Value, found: &mut Vec<String>) {
            match schema {
                Value::Object(members) => {
                    found.extend(members.get("pattern").and_then(Value::as_str).map(str::to_owned));
                    members.values().for_each(|member| patterns(member, found));
                }
                Value::Array(items) => items.iter().for_each(|item| patterns(item, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        patterns(&connector_schema(), &mut found);
        assert!(found.len() > 3, "{found:?}");
        for pattern in found {
            assert!(!in_words(&pattern).contains("matches"), "{pattern}");
        }
        let slug = "a lower-case letter, and then at most 39 lower-case letters, digits and `-`";
        assert_eq!(in_words("^[a-z][a-z0-9-]{0,39}$"), slug);
    }

    #[test]
    fn endpoints_are_addresses_of_web_servers() {
        for good in [
            "https://a.example.com/x",
            "http://127.0.0.1:8080",
            "http://localhost/a",
            "http://10.1.2.3/a",
            "http://wiki.corp.example",
        ] {
            assert!(is_endpoint(good), "{good}");
        }
        for bad in [
            "ftp://a",
            "javascript:alert(1)",
            "https://u:p@a.example.com",
            "https://a.example.com/#x",
            "/path",
            "",
        ] {
            assert!(!is_endpoint(bad), "{bad}");
        }
    }
}
