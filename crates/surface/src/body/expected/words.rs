//! Schemas and values in words that a new user understands.

use serde_json::Value;

/// Returns what a schema allows, as the end of a sentence. That a value may be null is not said.
pub(super) fn allowed(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        let words = words.iter().filter(|word| !word.is_null());
        return in_words(&words.map(quoted).collect::<Vec<_>>(), "or");
    }
    if let Some(word) = schema.get("const") {
        return quoted(word);
    }
    for of in ["anyOf", "oneOf"] {
        if let Some(choices) = schema[of].as_array() {
            let choices = choices.iter().filter(|choice| choice["type"] != "null");
            return in_words(&choices.map(allowed).collect::<Vec<_>>(), "or");
        }
    }
    match &schema["type"] {
        Value::String(kind) => of_type(kind, schema),
        Value::Array(kinds) => {
            let kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            in_words(&kinds.map(|kind| of_type(kind, schema)).collect::<Vec<_>>(), "or")
        }
        _ => "something else".to_owned(),
    }
}

fn of_type(kind: &str, schema: &Value) -> String {
    match kind {
        "string" if schema["format"] == "date-time" => {
            "a time as in 2026-07-28T09:30:00Z".to_owned()
        }
        "string" => "a text".to_owned() + &lengths(schema),
        "integer" => "a whole number".to_owned() + &bounds(schema),
        "number" => "a number".to_owned() + &bounds(schema),
        "boolean" => "`true` or `false`".to_owned(),
        "array" => format!("a list, each item of it {}", allowed(&schema["items"])),
        "object" => "an object".to_owned(),
        other => other.to_owned(),
    }
}

fn lengths(schema: &Value) -> String {
    match (schema["minLength"].as_u64(), schema["maxLength"].as_u64()) {
        (Some(least), Some(most)) => format!(" of {least} to {most} characters"),
        (None, Some(most)) => format!(" of {most} characters at most"),
        (Some(least), None) => format!(" of {least} characters or more"),
        (None, None) => String::new(),
    }
}

fn bounds(schema: &Value) -> String {
    let least = schema["minimum"].as_i64();
    let most = schema["maximum"].as_i64();
    match (least, most) {
        (Some(least), Some(most)) => format!(" from {least} to {most}"),
        (Some(least), None) => format!(", {least} or more"),
        (None, Some(most)) => format!(", {most} or less"),
        (None, None) => String::new(),
    }
}

/// Returns what was given, as the middle of a sentence. A text is repeated where it was to be one
/// of a few words, a number where it was to be a number: anything else may be a secret that stands
/// in the wrong place.
pub(super) fn given(value: &Value, schema: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("`{flag}`"),
        Value::Number(number) if is_numeric(schema) => number.to_string(),
        Value::Number(_) => "a number".to_owned(),
        Value::String(text) if text.is_empty() => "an empty text".to_owned(),
        Value::String(text) => format!("`{}`", shown(text)),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    }
}

/// Returns a text as it is repeated: as much of it as names things, and too little of a secret.
fn shown(text: &str) -> String {
    const LONGEST: usize = 24;
    const OF_LONGER: usize = 6;
    let is_short = text.chars().count() <= LONGEST;
    let begin = text.chars().take(if is_short { LONGEST } else { OF_LONGER });
    let shown: String = begin.map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if is_short { shown } else { shown + "…" }
}

/// Returns whether a schema takes texts whose rule it cannot say in words, such as an id.
pub(super) fn is_plain_text(schema: &Value) -> bool {
    if schema.get("enum").is_some() {
        return false;
    }
    let is_text = schema["type"] == "string";
    let of = schema["anyOf"].as_array().into_iter().flatten();
    let kinds = schema["type"].as_array().into_iter().flatten();
    is_text || of.into_iter().any(is_plain_text) || kinds.into_iter().any(|kind| kind == "string")
}

fn is_numeric(schema: &Value) -> bool {
    let kind = &schema["type"];
    is_number(kind) || kind.as_array().is_some_and(|kinds| kinds.iter().any(is_number))
}

fn is_number(kind: &Value) -> bool {
    kind == "integer" || kind == "number"
}

/// Returns a list as a sentence has it, each part of it once.
pub(super) fn in_words(parts: &[String], last: &str) -> String {
    let mut once: Vec<&str> = Vec::new();
    for part in parts {
        if !once.contains(&part.as_str()) {
            once.push(part);
        }
    }
    match once.split_last() {
        None => String::new(),
        Some((only, [])) => (*only).to_owned(),
        Some((end, before)) => format!("{} {last} {end}", before.join(", ")),
    }
}

fn quoted(word: &Value) -> String {
    format!("`{}`", word.as_str().map_or_else(|| word.to_string(), ToOwned::to_owned))
}
