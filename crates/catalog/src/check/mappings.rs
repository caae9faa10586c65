//! Names in mappings that stand for nothing: they would give null, and no error.

use astralform_jq::Origin;
use serde_json::{Value, json};

use super::{DocumentFault, format::is_near};
use crate::{Connector, Expression, Tool, yaml::step};

/// What the variables of mappings are, by their place among them.
const ARGUMENTS: usize = 0;
const ALSO: usize = 2;

pub(super) fn faults(connector: &Connector) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    for (at, tool) in connector.tools.iter().enumerate() {
        let pointer = format!("/tools/{at}");
        faults.extend(of_tool(tool, &pointer));
        faults.extend(of_output(tool, &pointer));
    }
    faults.extend(of_errors(connector));
    if let Some(expression) = &connector.setup.new_app_url {
        let input = members(["redirect_uri", "scopes"]);
        faults.extend(unknown(expression, "/setup/new_app_url", &[(Origin::Input, &input)]));
    }
    if let Some(expression) = &connector.identity.account {
        faults.extend(of_account(expression));
    }
    faults
}

fn of_tool(tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let arguments = tool.input.json();
    let also = members(tool.also.keys().map(String::as_str));
    let known = [(Origin::Variable(ARGUMENTS), arguments), (Origin::Variable(ALSO), &also)];
    let prepared = match &tool.prepare {
        None => Some(arguments.clone()),
        Some(prepare) => prepared(prepare, arguments),
    };
    let mut faults = unknown(&tool.result, &format!("{pointer}/result"), &known);
    if let Some(prepare) = &tool.prepare {
        let at = format!("{pointer}/prepare");
        faults.extend(unknown_before_call(prepare, &at, arguments, Some(arguments)));
    }
    let more = tool.also.iter().map(|(name, it)| (step(&format!("{pointer}/also"), name), it));
    for (at, request) in [(format!("{pointer}/request"), &tool.request)].into_iter().chain(more) {
        for (name, expression) in [("query", &request.query), ("body", &request.body)] {
            if let Some(expression) = expression {
                let at = format!("{at}/{name}");
                faults.extend(unknown_before_call(expression, &at, arguments, prepared.as_ref()));
            }
        }
    }
    faults
}

/// Returns the faults of a mapping that runs before the provider is called: it has the arguments
/// as a variable, and no answer.
fn unknown_before_call(
    expression: &Expression,
    at: &str,
    arguments: &Value,
    input: Option<&Value>,
) -> Vec<DocumentFault> {
    let mut known = vec![(Origin::Variable(ARGUMENTS), arguments)];
    known.extend(input.map(|input| (Origin::Input, input)));
    unknown(expression, at, &known)
}

/// Compares what a result writes out with what the tool says that it gives.
fn of_output(tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let output = tool.output.json();
    let Some(given) = tool.result.members() else { return Vec::new() };
    let at = format!("{pointer}/result");
    let named = given.iter().filter_map(|name| {
        let (name, known) = missing(output, &[Some(name.clone())])?;
        let fix = match nearest(&known, &name) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it to the `properties` of `output`, or leave it out".to_owned(),
        };
        Some(DocumentFault::new(
            &at,
            format!("the result has `{name}`, which `output` does not have"),
            fix,
        ))
    });
    let mut faults: Vec<_> = named.collect();
    let required = output.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    if faults.is_empty() {
        let lacking = required.filter(|name| !given.iter().any(|one| one == name));
        faults.extend(lacking.map(|name| {
            let message = format!("`output` requires `{name}`, which the result does not have");
            DocumentFault::new(&at, message, format!("add `{name}: …`, or do not require it"))
        }));
    }
    faults
}

/// Returns what may be there once arguments have been prepared: they, and what is written out.
fn prepared(prepare: &Expression, arguments: &Value) -> Option<Value> {
    let added = prepare.all_members()?;
    let mut properties = arguments.get("properties")?.as_object()?.clone();
    properties.extend(added.into_iter().map(|name| (name, json!({}))));
    Some(json!({"additionalProperties": false, "properties": properties}))
}

/// Checks the mappings of errors. They read the errors of all tools, so an argument is known where
/// one tool has it.
fn of_errors(connector: &Connector) -> Vec<DocumentFault> {
    let properties = connector.tools.iter().filter_map(|tool| tool.input.json().get("properties"));
    let names = properties.filter_map(Value::as_object).flat_map(|all| all.keys());
    let arguments = members(names.map(String::as_str));
    let known = [(Origin::Variable(ARGUMENTS), &arguments)];
    let errors = &connector.errors;
    let all = [
        ("code", &errors.code),
        ("message", &errors.message),
        ("missing_scopes", &errors.missing_scopes),
        ("limited_until", &errors.limited_until),
    ];
    let given = all.into_iter().filter_map(|(name, it)| Some((name, it.as_ref()?)));
    given.flat_map(|(name, it)| unknown(it, &format!("/errors/{name}"), &known)).collect()
}

fn of_account(expression: &Expression) -> Vec<DocumentFault> {
    let at = "/identity/account";
    let Some(given) = expression.members() else { return Vec::new() };
    let known = ["id", "label"];
    let unknown = given.iter().filter(|name| !known.contains(&name.as_str()));
    let mut faults: Vec<_> = unknown.map(|name| misnamed(at, name, &known)).collect();
    if faults.is_empty() && !given.iter().any(|name| name == "id") {
        let fix = "add `id: …`, by which the provider knows the account";
        faults.push(DocumentFault::new(at, "the account has no `id`", fix));
    }
    faults
}

/// Returns the schema of an object that has these members and no others.
fn members<'n>(names: impl IntoIterator<Item = &'n str>) -> Value {
    let properties: serde_json::Map<_, _> =
        names.into_iter().map(|name| (name.to_owned(), json!({}))).collect();
    json!({"additionalProperties": false, "properties": properties})
}

/// Returns a fault for each name that a mapping reads of something whose schema has no such member.
fn unknown(expression: &Expression, at: &str, known: &[(Origin, &Value)]) -> Vec<DocumentFault> {
    let mut faults: Vec<DocumentFault> = Vec::new();
    for used in expression.uses() {
        let schema = known.iter().find(|(origin, _)| *origin == used.of).map(|(_, schema)| schema);
        let Some((name, there)) = schema.and_then(|schema| missing(schema, &used.path)) else {
            continue;
        };
        let fault = misnamed(at, &name, &there);
        if !faults.iter().any(|known| known.message == fault.message) {
            faults.push(fault);
        }
    }
    faults
}

fn misnamed(at: &str, name: &str, known: &[&str]) -> DocumentFault {
    let fix = match nearest(known, name) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "remove it: there is nothing to name here".to_owned(),
        None => format!("use one of: {}", known.join(", ")),
    };
    DocumentFault::new(at, format!("the mapping names `{name}`, which is not there"), fix)
}

fn nearest<'n>(known: &[&'n str], name: &str) -> Option<&'n str> {
    known.iter().copied().find(|candidate| is_near(candidate, name))
}

/// Returns the name on a path that a schema does not have, as far as the schema says what there is,
/// with those that it has.
fn missing<'s>(schema: &'s Value, path: &[Option<String>]) -> Option<(String, Vec<&'s str>)> {
    let (first, further) = path.split_first()?;
    let Some(name) = first else { return missing(schema.get("items")?, further) };
    let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
    let is_composed = ["$ref", "allOf", "anyOf", "oneOf", "patternProperties", "if"]
        .iter()
        .any(|word| schema.get(word).is_some());
    if !is_closed || is_composed {
        return None;
    }
    let properties = schema.get("properties").and_then(Value::as_object);
    if let Some(property) = properties.and_then(|all| all.get(name)) {
        return missing(property, further);
    }
    let there = properties.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    Some((name.clone(), there))
}
