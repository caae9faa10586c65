//! Holds every answer that a test gets against the document about the API.

use std::sync::LazyLock;

use astralform_catalog::{Catalog, builtin, load};
use jsonschema::Draft;
use serde_json::{Map, Value, json};

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(&astralform_server::openapi()).expect("the document is JSON")
});

static CATALOG: LazyLock<Catalog> = LazyLock::new(|| load(builtin().iter().copied()).0);

/// # Panics
/// When the document describes the operation, but not this answer of it.
pub(crate) fn check(method: &str, path: &str, status: u16, body: &Value) {
    let Some(operation) = operation(method, path) else { return };
    let Some(answer) = answer(operation, status) else {
        panic!("the document has no {status} of {method} {path}: {body}")
    };
    // What is no JSON is described by a content of another type, where there is one.
    let is_text = body.is_string() && !answer["content"]["text/csv"].is_null();
    let contents = answer["content"].as_object().into_iter().flat_map(Map::iter);
    let of_its_kind = contents.filter(|(kind, _)| kind.contains("csv") == is_text);
    for schema in of_its_kind.filter_map(|(_, content)| content.get("schema")) {
        let faults = faults(schema, body);
        assert!(
            faults.is_empty(),
            "the document says otherwise of {method} {path}: {faults:?} in {body}"
        );
    }
}

/// Holds the result of a built-in tool against the tool's own output schema.
///
/// # Panics
/// When it does not fit.
pub(crate) fn check_result(tool: &str, data: &Value) {
    let Some((_, tool)) = CATALOG.tool(tool) else { return };
    let faults = tool.output.faults(data);
    assert!(faults.is_empty(), "{} says otherwise: {faults:?} in {data}", tool.name);
}

/// Returns the operation that a path belongs to; where several fit, the one with the fewest blanks.
fn operation(method: &str, path: &str) -> Option<&'static Value> {
    let paths = DOCUMENT["paths"].as_object()?.iter();
    let fitting = paths.filter(|(template, _)| fits(template, path));
    let (_, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
    item.get(method.to_lowercase())
}

fn fits(template: &str, path: &str) -> bool {
    let same = |(wanted, found): (&str, &str)| wanted.starts_with('{') || wanted == found;
    template.split('/').count() == path.split('/').count()
        && template.split('/').zip(path.split('/')).all(same)
}

fn answer(operation: &'static Value, status: u16) -> Option<&'static Value> {
    let answers = operation["responses"].as_object()?;
    let names = [status.to_string(), format!("{}XX", status / 100), "default".to_owned()];
    let answer = names.iter().find_map(|name| answers.get(name))?;
    match answer["$ref"].as_str() {
        Some(reference) => DOCUMENT.pointer(reference.trim_start_matches('#')),
        None => Some(answer),
    }
}

fn faults(schema: &Value, body: &Value) -> Vec<String> {
    let schema = json!({"allOf": [schema], "components": DOCUMENT["components"]});
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let validator = options.build(&schema).expect("the document's schemas are schemas");
    let place = |error: jsonschema::ValidationError<'_>| {
        format!("{:?} does not fit {}", error.instance_path().as_str(), error.schema_path())
    };
    validator.iter_errors(body).map(place).collect()
}
