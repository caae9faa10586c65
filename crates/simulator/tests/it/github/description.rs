use std::path::Path;
use std::sync::LazyLock;

use jsonschema::{Draft, Validator};
use serde_json::{Map, Value, json};

/// GitHub's own description of its API.
static DESCRIPTION: LazyLock<Value> = LazyLock::new(|| {
    let file = "../../tests/peers/node_modules/@octokit/openapi/generated/api.github.com.json";
    let text = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
    let text = text.expect("the peers are installed: `npm ci` in tests/peers");
    let mut description = serde_json::from_slice(&text).expect("JSON");
    nullable_as_type(&mut description);
    description
});

/// Checks an answer against the schema that the description has for it.
#[track_caller]
pub(super) fn assert_described(method: &str, path: &str, status: u16, body: &Value) {
    let (schemas, operation) = (&DESCRIPTION["components"], &DESCRIPTION["paths"][path][method]);
    let mut response = &operation["responses"][status.to_string()];
    assert!(!response.is_null(), "{method} {path} does not answer with {status}");
    if let Some(reference) = response["$ref"].as_str() {
        response = DESCRIPTION.pointer(&reference[1..]).expect("a response");
    }
    let schema = &response["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{method} {path} has no schema for {status}");
    let mut whole = schema.as_object().cloned().expect("an object");
    whole.insert("components".to_owned(), needed(schemas));
    let faults: Vec<_> = validator(whole)
        .iter_errors(body)
        .map(|fault| format!("{} at {}", fault, fault.instance_path()))
        .collect();
    assert!(faults.is_empty(), "{method} {path}: {faults:#?}\n{body:#}");
}

fn validator(schema: Map<String, Value>) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    options.should_validate_formats(true).build(&Value::Object(schema)).expect("a schema")
}

fn needed(components: &Value) -> Value {
    json!({ "schemas": components["schemas"], "responses": {} })
}

/// `nullable` is `OpenAPI` 3.0's word; JSON Schema has a type for it.
fn nullable_as_type(value: &mut Value) {
    if let Value::Object(object) = value {
        if object.get("nullable") == Some(&Value::Bool(true)) {
            object.remove("nullable");
            let schema = Value::Object(std::mem::take(object));
            object.insert("anyOf".to_owned(), json!([schema, { "type": "null" }]));
        }
        object.values_mut().for_each(nullable_as_type);
    } else if let Value::Array(items) = value {
        items.iter_mut().for_each(nullable_as_type);
    }
}
