//! The requests of built-in tools, held against descriptions that the providers publish.

use super::*;

/// What a provider's OpenAPI description says of the requests of one connector.
struct Description {
    document: Value,
    connector: &'static str,
}

impl Description {
    /// Returns one of those that `npm ci` puts into the peers.
    fn of(connector: &'static str, file: &str) -> Self {
        let modules = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/peers/node_modules");
        let text = std::fs::read_to_string(modules.join(file)).expect(
            "the peers are not installed: run `scripts/check` once, or `npm ci` in tests/peers",
        );
        let document = serde_json::from_str(&text).expect("the description is JSON");
        Self { document, connector }
    }

    /// Returns all that it has against the requests of the connector's tools.
    fn faults(&self, catalog: &Catalog) -> Vec<String> {
        let connector = catalog.connector(&self.connector.parse().unwrap()).unwrap();
        let mut faults = Vec::new();
        for tool in &connector.tools {
            for arguments in cases(connector, tool).into_iter().chain(every_word(tool)) {
                for request in all_planned_by(catalog, tool.name.as_str(), &arguments).unwrap() {
                    let found = self.faults_of(&request);
                    faults.extend(found.iter().map(|fault| format!("{arguments}: {fault}")));
                }
            }
        }
        faults
    }

    fn faults_of(&self, request: &Outgoing) -> Vec<String> {
        let Some((template, operation)) = self.operation(request) else {
            return vec![format!("there is no {} {}", request.method, request.url.path())];
        };
        let mut faults = self.parameter_faults(request, template, operation);
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        if schema.is_null() != request.body.is_empty() {
            faults.push("a body where none is, or none where one is".to_owned());
        } else if !schema.is_null() {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            faults.extend(self.schema_faults(schema, &body));
        }
        faults
    }

    fn operation(&self, request: &Outgoing) -> Option<(&str, &Value)> {
        let paths = self.document["paths"].as_object()?.iter();
        let fitting = paths.filter(|(template, _)| blanks(template, request.url.path()).is_some());
        let (template, item) = fitting.min_by_key(|(template, _)| template.matches('{').count())?;
        Some((template, item.get(request.method.as_str().to_lowercase())?))
    }

    fn parameter_faults(&self, request: &Outgoing, path: &str, operation: &Value) -> Vec<String> {
        let of_path = blanks(path, request.url.path()).unwrap_or_default();
        let of_path = of_path.into_iter().map(|(name, text)| ("path", name, text));
        let of_query = request.url.query_pairs().into_owned();
        let of_query = of_query.map(|(name, text)| ("query", name, text));
        let parameters: Vec<_> = operation["parameters"].as_array().unwrap().iter().collect();
        let known = |place: &str, name: &str| {
            parameters
                .iter()
                .map(|parameter| self.resolved(parameter))
                .find(|parameter| parameter["in"] == place && parameter["name"] == name)
        };
        let mut faults = Vec::new();
        for (place, name, text) in of_path.chain(of_query) {
            match known(place, &name) {
                None => faults.push(format!("there is no {place} parameter {name}")),
                Some(parameter) => {
                    let value =
                        serde_json::from_str(&text).ok().filter(|it: &Value| !it.is_string());
                    let is_text = parameter["schema"]["type"] == "string";
                    let value = value.filter(|_| !is_text).unwrap_or(Value::String(text));
                    faults.extend(self.schema_faults(&parameter["schema"], &value));
                }
            }
        }
        faults
    }

    fn resolved<'a>(&'a self, parameter: &'a Value) -> &'a Value {
        let reference = parameter["$ref"].as_str();
        let found = reference.and_then(|at| self.document.pointer(at.trim_start_matches('#')));
        found.unwrap_or(parameter)
    }

    fn schema_faults(&self, schema: &Value, value: &Value) -> Vec<String> {
        let refers = schema.to_string().contains("$ref");
        let components = if refers { &self.document["components"] } else { &Value::Null };
        let schema = json!({"allOf": [schema], "components": components});
        let options = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true);
        let validator = options.build(&schema).expect("its schemas are schemas");
        validator.iter_errors(value).map(|error| format!("{error} in {value}")).collect()
    }
}

/// Returns arguments with each of the words that an argument may be.
fn every_word(tool: &Tool) -> Vec<Value> {
    let schema = tool.input.json();
    let mut cases = Vec::new();
    for (name, property) in schema["properties"].as_object().unwrap() {
        for word in property["enum"].as_array().into_iter().flatten() {
            let mut arguments = filled(schema, true);
            arguments[name] = word.clone();
            cases.push(arguments);
        }
    }
    cases
}

/// Returns what stands for each blank of a path, if it fits.
fn blanks(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    let (wanted, found): (Vec<_>, Vec<_>) =
        (template.split('/').collect(), path.split('/').collect());
    if wanted.len() != found.len() {
        return None;
    }
    let mut filled = Vec::new();
    for (wanted, found) in wanted.into_iter().zip(found) {
        match wanted.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) => filled.push((name.to_owned(), found.to_owned())),
            None if wanted == found => {}
            None => return None,
        }
    }
    Some(filled)
}

/// Entries of data sources apart, whose parent the description calls by another name than the API.
#[test]
fn the_requests_of_notion_are_those_of_its_official_description() {
    let file = "@notionhq/notion-mcp-server/scripts/notion-openapi.json";
    let notion = Description::of("notion", file);
    let (catalog, faults) = load(builtin().iter().copied());
    assert_eq!(faults, []);
    let faults = notion.faults(&catalog);
    let (known, unknown): (Vec<_>, Vec<_>) =
        faults.into_iter().partition(|fault| fault.contains("data_source_id"));
    assert_eq!(unknown, [""; 0]);
    assert_eq!(known.len(), 1, "{known:#?}");

    let mut wrong = all_planned_by(&catalog, "notion_create_page", &json!({"title": "a"})).unwrap();
    wrong[0].body = Bytes::from_static(b"{\"parent\": {\"page_id\": \"here\"}}");
    assert_eq!(notion.faults_of(&wrong[0]).len(), 2, "a wrong id and no properties are found");
}

#[test]
fn the_requests_of_github_are_those_of_its_official_description() {
    let file = "@octokit/openapi/generated/api.github.com.json";
    let github = Description::of("github", file);
    let (catalog, faults) = load(builtin().iter().copied());
    assert_eq!(faults, []);
    assert_eq!(github.faults(&catalog), [""; 0]);

    let mut wrong = all_planned_by(&catalog, "github_list_repos", &json!({})).unwrap();
    wrong[0].url.set_query(Some("sort=size&color=red"));
    assert_eq!(github.faults_of(&wrong[0]).len(), 2, "a wrong word and a wrong name are found");
}
