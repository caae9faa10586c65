use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use astralform_testkit::TestServer;
use serde_json::{Value, json};

const HOW: &str = "openapi.json is not what the handlers say; write it anew with \
    `cargo test -p astralform-server --test it openapi -- --ignored`, and read the difference";

fn checked_in() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json")
}

fn document() -> Value {
    serde_json::from_str(&astralform_server::openapi()).unwrap()
}

/// Returns each operation, with its method and path for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let methods = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    methods.collect()
}

/// Returns everything in a document, with its place.
fn everything(document: &Value) -> Vec<(String, &Value)> {
    let mut found = vec![(String::new(), document)];
    let mut next = 0;
    while let Some((place, value)) = found.get(next).cloned() {
        match value {
            Value::Object(object) => {
                found.extend(object.iter().map(|(key, inner)| (format!("{place}/{key}"), inner)));
            }
            Value::Array(items) => found.extend(items.iter().map(|item| (place.clone(), item))),
            _ => {}
        }
        next += 1;
    }
    found
}

fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(reference) = value["$ref"].as_str() else { return value };
    let target = document.pointer(reference.trim_start_matches('#'));
    target.unwrap_or_else(|| panic!("{reference} leads nowhere"))
}

fn words(value: &Value) -> Vec<&str> {
    value.as_array().into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

#[test]
fn the_document_that_is_checked_in_is_what_the_handlers_say() {
    let found = std::fs::read_to_string(checked_in()).unwrap_or_default();
    assert!(found == astralform_server::openapi(), "{HOW}");
}

#[test]
#[ignore = "writes openapi.json anew"]
fn the_document_is_written_anew() {
    std::fs::write(checked_in(), astralform_server::openapi()).unwrap();
}

#[tokio::test]
async fn everybody_can_read_the_document() {
    let server = TestServer::start().await;
    let url = server.base.join("/openapi.json").unwrap();
    let answer = reqwest::get(url).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert_eq!(answer.text().await.unwrap(), astralform_server::openapi());
}

#[test]
fn every_operation_says_what_it_is_called_and_what_it_does() {
    let document = document();
    let groups = document["tags"].as_array().unwrap().iter();
    let groups: BTreeSet<_> = groups.map(|group| group["name"].as_str().unwrap()).collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        let id = operation["operationId"].as_str().unwrap();
        assert!(ids.insert(id), "{name}: another operation is called {id}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.len() < 80), "{name}");
        assert!(words(&operation["tags"]).iter().all(|group| groups.contains(group)), "{name}");
        assert!(operation["security"].is_array(), "{name}");
    }
}

#[test]
fn every_operation_declares_the_parameters_of_its_path() {
    let document = document();
    for (name, operation) in operations(&document) {
        let parts = name.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let declared: BTreeSet<_> = parameters
            .map(|parameter| resolved(&document, parameter))
            .filter(|parameter| parameter["in"] == "path" && parameter["required"] == true)
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        assert_eq!(declared, parts.collect(), "{name}");
    }
}

#[test]
fn every_answer_is_described_and_every_refusal_is_a_problem() {
    let document = document();
    for (name, operation) in operations(&document) {
        let answers = operation["responses"].as_object().unwrap();
        assert!(answers.keys().any(|status| status.starts_with('2')), "{name}");
        for (status, answer) in answers {
            let answer = resolved(&document, answer);
            assert!(answer["description"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
            if !status.starts_with('2') {
                let content = answer["content"].as_object().unwrap();
                assert!(content.keys().eq(["application/problem+json"]), "{name} {status}");
            } else if let Some(json) = answer["content"].get("application/json") {
                assert!(json["schema"].is_object(), "{name} {status}");
            }
        }
    }
}

#[test]
fn an_answer_of_several_kinds_is_told_apart_by_a_word() {
    let document = document();
    let kinds = document.pointer("/components/schemas/CallView/oneOf").unwrap();
    let words: Vec<_> = kinds
        .as_array()
        .unwrap()
        .iter()
        .inspect(|kind| assert!(words(&kind["required"]).contains(&"status")))
        .map(|kind| kind.pointer("/properties/status/const").unwrap())
        .collect();
    assert_eq!(json!(words), json!(["completed", "auth_required", "failed"]));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    for (_, value) in everything(&document) {
        resolved(&document, value);
    }
}

#[test]
fn every_field_is_explained() {
    let document = document();
    for (place, value) in everything(&document) {
        let Some((_, "properties")) = place.rsplit_once('/') else { continue };
        for (name, field) in value.as_object().unwrap() {
            let explained =
                ["description", "$ref", "const"].iter().any(|word| field.get(word).is_some());
            assert!(explained, "{place}/{name} needs a comment");
        }
    }
}
