//! The OpenAPI document, made of the table of operations and of what handlers take and give.
//!
//! Answers are described as they are written and requests as they are read: a field that may be
//! null is always in an answer, and may be left out of a request.

mod queries;
mod table;

use aide::{
    generate::{GenContext, in_context, on_error},
    openapi::{
        Components, HeaderStyle, Info, License, MediaType, OpenApi, Parameter, ParameterData,
        ParameterSchemaOrContent, PathItem, ReferenceOr, SchemaObject, Server,
    },
    operation::{ParamLocation, parameters_from_schema},
    util::iter_operations_mut,
};
use axum::Router;
use schemars::{JsonSchema, Schema, generate::SchemaSettings};

use crate::{App, auth, problem};
pub use queries::Queries;
pub use table::{OperationTable, Routes, described, group, method};

/// Marks, until the document is put together, the schemas of what is received.
const RECEIVED: &str = "received ";

const ABOUT: &str = "\
For AI agents, and the backends of the applications they work in. Send an API key as \
`Authorization: Bearer sk_…`, the end user as `X-End-User-ID`, and the agent, if it is not \
`default`, as `X-Agent-ID`.

Bodies are JSON objects, 64 KiB at most (tool calls: 288 KiB); times are RFC 3339 in UTC. Anything but success is a \
problem (RFC 9457) with a stable `code`.";

/// The API as it is described.
pub struct Documented {
    /// Its routes.
    pub router: Router<App>,
    /// The document about it.
    pub document: String,
    /// What may stand in the query of each of its operations.
    pub queries: Queries,
}

/// Puts the routes of a table together, and the document about them.
///
/// # Panics
/// When an operation is described twice, or a type means one thing in requests and another in
/// answers: mistakes of ours, which every start shows.
pub fn documented(table: impl FnOnce() -> OperationTable) -> Documented {
    in_context(|context| context.schema = settings().for_serialize().into_generator());
    on_error(|error| panic!("the API is described wrongly: {error}"));
    let OperationTable { router, groups } = table();
    let mut document = OpenApi { tags: groups, ..in_context(frame) };
    let router = router.finish_api(&mut document);
    document.components.iter_mut().for_each(put_together);
    let paths = document.paths.iter_mut().flat_map(|paths| paths.paths.values_mut());
    paths.filter_map(ReferenceOr::as_item_mut).for_each(tidy);
    let text = serde_json::to_string_pretty(&document).expect("a document has only text as keys");
    Documented { router, document: text + "\n", queries: Queries::of(&document) }
}

/// Returns the document without its operations.
fn frame(context: &mut GenContext) -> OpenApi {
    let mut components = Components::default();
    auth::describe(context, &mut components);
    problem::describe(context, &mut components);
    OpenApi {
        info: Info {
            title: "Astralform Connectors".to_owned(),
            description: Some(ABOUT.to_owned()),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            license: Some(License {
                name: "Apache License 2.0".to_owned(),
                identifier: Some("Apache-2.0".to_owned()),
                ..License::default()
            }),
            ..Info::default()
        },
        servers: vec![Server { url: "/".to_owned(), ..Server::default() }],
        components: Some(components),
        ..OpenApi::default()
    }
}

fn settings() -> SchemaSettings {
    let path = "#/components/schemas/".into();
    SchemaSettings::draft2020_12().with(|settings| settings.definitions_path = path)
}

/// Describes what is received as a whole: a body.
pub(crate) fn received<T: JsonSchema>(context: &mut GenContext) -> Schema {
    let mut generator = settings().for_deserialize().into_generator();
    let schema = generator.subschema_for::<T>();
    for (name, definition) in generator.take_definitions(true) {
        let known = context.schema.definitions_mut();
        let other = known.insert(format!("{RECEIVED}{name}"), definition.clone());
        assert!(other.is_none_or(|other| other == definition), "two types are called {name}");
    }
    schema
}

/// Returns the schema of what is received, with all that it refers to inside it.
pub(crate) fn inlined<T: JsonSchema>() -> serde_json::Value {
    let settings = settings().for_deserialize().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().subschema_for::<T>().to_value()
}

/// Describes what is received field by field, each with a schema of its own.
pub(crate) fn parameters<T: JsonSchema>(
    context: &mut GenContext,
    location: ParamLocation,
) -> Vec<Parameter> {
    let settings = settings().for_deserialize().with(|settings| settings.inline_subschemas = true);
    let fields = settings.into_generator().subschema_for::<T>();
    let mut parameters = parameters_from_schema(context, fields, location);
    for parameter in &mut parameters {
        let format = &mut parameter.parameter_data_mut().format;
        if let ParameterSchemaOrContent::Schema(schema) = format {
            schema.json_schema.remove("description"); // the parameter itself has it
        }
    }
    parameters
}

/// Describes a header that may be left out.
pub(crate) fn optional_header<T: JsonSchema>(
    context: &mut GenContext,
    name: &str,
    about: &str,
) -> Parameter {
    let parameter_data = ParameterData {
        name: name.to_owned(),
        description: Some(about.to_owned()),
        required: false,
        deprecated: None,
        format: ParameterSchemaOrContent::Schema(object(context.schema.subschema_for::<T>())),
        example: None,
        examples: [].into_iter().collect(),
        explode: None,
        extensions: [].into_iter().collect(),
    };
    Parameter::Header { parameter_data, style: HeaderStyle::Simple }
}

/// Returns a schema where the document wants one.
fn object(json_schema: Schema) -> SchemaObject {
    SchemaObject { json_schema, external_docs: None, example: None }
}

/// Returns a type of content and its schema.
pub fn content(kind: &str, schema: Schema) -> (String, MediaType) {
    (kind.to_owned(), MediaType { schema: Some(object(schema)), ..MediaType::default() })
}

/// Puts the schemas of what is received and of what is sent beside one another.
fn put_together(components: &mut Components) {
    for (name, schema) in std::mem::take(&mut components.schemas) {
        let name = name.strip_prefix(RECEIVED).map(ToOwned::to_owned).unwrap_or(name);
        if let Some(other) = components.schemas.insert(name.clone(), schema) {
            let same = components.schemas.get(&name) == Some(&other);
            assert!(same, "{name} is read in another way than it is written: make two types of it");
        }
    }
    components.schemas.sort_unstable_keys();
}

/// Marks the operations that ask for no credentials as such, and puts answers in order.
fn tidy(path: &mut PathItem) {
    for (_, operation) in iter_operations_mut(path) {
        if operation.security.is_empty() {
            operation.security.push([].into_iter().collect());
        }
        let responses = operation.responses.iter_mut();
        responses.for_each(|responses| responses.responses.sort_unstable_keys());
    }
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use serde::{Deserialize, Serialize};
    use serde_json::Value;

    use super::*;
    use crate::{body::Body, operations};

    #[derive(Deserialize, JsonSchema)]
    struct NoteRequest {
        text: Option<String>,
    }

    #[derive(Serialize, JsonSchema)]
    struct NoteView {
        text: Option<String>,
    }

    #[derive(Serialize, Deserialize, JsonSchema)]
    struct Both {
        text: Option<String>,
    }

    async fn write(Body(note): Body<NoteRequest>) -> Json<NoteView> {
        Json(NoteView { text: note.text })
    }

    async fn echo(Body(both): Body<Both>) -> Json<Both> {
        Json(Both { text: both.text })
    }

    fn document(table: impl FnOnce() -> OperationTable) -> Value {
        serde_json::from_str(&documented(table).document).unwrap()
    }

    fn notes() -> OperationTable {
        operations! {
            /// Notes.
            "Notes" {
                /// Writes a note
                /// down.
                ///
                /// One line
                /// and its end.
                ///
                /// Another.
                write_note: post "/notes" => write;
            }
        }
    }

    #[test]
    fn a_field_that_may_be_null_is_in_every_answer_and_may_be_left_out_of_a_request() {
        let document = document(notes);
        assert!(document["components"]["schemas"]["NoteRequest"].get("required").is_none());
        assert_eq!(document["components"]["schemas"]["NoteView"]["required"][0], "text");
    }

    #[test]
    fn a_rows_comment_is_its_summary_and_its_description() {
        let operation = &document(notes)["paths"]["/notes"]["post"];
        assert_eq!(operation["operationId"], "write_note");
        assert_eq!(operation["summary"], "Writes a note down");
        assert_eq!(operation["description"], "One line and its end.\n\nAnother.");
    }

    #[test]
    fn an_operation_without_credentials_says_that_it_needs_none() {
        let operation = &document(notes)["paths"]["/notes"]["post"];
        assert_eq!(operation["security"], serde_json::json!([{}]));
    }

    #[test]
    #[should_panic(expected = "Both is read in another way than it is written")]
    fn a_type_that_means_different_things_both_ways_is_refused() {
        document(|| {
            operations! {
                /// Echoes.
                "Echoes" {
                    /// Echoes.
                    echo: post "/echo" => echo;
                }
            }
        });
    }
}
