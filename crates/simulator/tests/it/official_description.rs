use std::path::Path;

use jsonschema::Draft;
use serde_json::{Value, json};

/// What a service's own OpenAPI description says of its answers.
pub(crate) struct Description(Value);

impl Description {
    /// Returns one of those that `npm ci` puts into the peers.
    pub(crate) fn of(file: &str) -> Self {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/node_modules");
        let text = std::fs::read(modules.join(file));
        let text = text.expect("the peers are installed: `npm ci` in tests/peers");
        let mut description = serde_json::from_slice(&text).expect("the description is JSON");
        nullable_as_type(&mut description);
        Self(description)
    }

    /// Returns whether it says what an operation, its method and path, answers with that status.
    pub(crate) fn describes(&self, operation: [&str; 2], status: u16) -> bool {
        !self.response(operation, status).is_null()
    }

    /// Returns what it has against the body of an answer.
    #[track_caller]
    pub(crate) fn faults(&self, operation: [&str; 2], status: u16, body: &Value) -> Vec<String> {
        let schema = &self.response(operation, status)["content"]["application/json"]["schema"];
        assert!(schema.is_object(), "there is no {status} of {operation:?}");
        let components = json!({ "schemas": self.0["components"]["schemas"] });
        let schema = json!({ "allOf": [schema], "components": components });
        let options = jsonschema::options().with_draft(Draft::Draft202012);
        let validator = options.should_validate_formats(true).build(&schema).expect("a schema");
        let faults = validator.iter_errors(body);
        faults.map(|fault| format!("{fault} at {}", fault.instance_path())).collect()
    }

    fn response(&self, [method, path]: [&str; 2], status: u16) -> &Value {
        let response = &self.0["paths"][path][method]["responses"][status.to_string()];
        let reference = response["$ref"].as_str();
        reference.map_or(response, |at| self.0.pointer(&at[1..]).expect("a response"))
    }
}

/// Translates `nullable`, which is `OpenAPI` 3.0's word; JSON Schema has a type for it.
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
