use serde_json::{Map, Value};

use crate::Connector;

/// Returns the JSON Schema of a `connector.yaml`, for editors and for the linter.
pub fn connector_schema() -> Value {
    let mut schema = schemars::schema_for!(Connector).to_value();
    simplify(&mut schema);
    schema
}

/// Writes each rule in the one form whose faults can be told exactly: a field may be missing but
/// not null, and a word is one of a list. As `anyOf` and `oneOf` a fault would be "none of these
/// fits".
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            object.values_mut().for_each(simplify);
            without_null(object);
            as_list_of_words(object);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

fn without_null(object: &mut Map<String, Value>) {
    let null = serde_json::json!({"type": "null"});
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| *choice != null);
        if let [Value::Object(only)] = choices.as_mut_slice() {
            let only = std::mem::take(only);
            object.remove("anyOf");
            object.extend(only);
        }
    }
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| name != "null");
    }
}

fn as_list_of_words(object: &mut Map<String, Value>) {
    let Some(Value::Array(choices)) = object.get("oneOf") else { return };
    let words: Option<Vec<Value>> =
        choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(words) = words {
        object.remove("oneOf");
        object.insert("enum".to_owned(), Value::Array(words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Editors read the schema from the repository.
    #[test]
    fn the_published_schema_is_that_of_the_format() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/connector.schema.json");
        let published = std::fs::read_to_string(path).unwrap_or_default();
        let fresh = serde_json::to_string_pretty(&connector_schema()).unwrap() + "\n";
        let how = "write it anew: astralform connectors schema > docs/connector.schema.json";
        assert!(published == fresh, "{how}");
    }
}
