use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use astralform_catalog::{Catalog, Folder, builtin, load};
use astralform_domain::{Endpoints, Secret};
use proptest::prelude::*;
use serde_json::json;

use super::*;

mod keys;
mod official;

/// A connector that uses every part of a request.
const YAML: &str = "\
slug: acme
name: Acme
category: Tests
type: oauth
summary: A connector that exists for tests.
oauth:
  authorize_url: https://acme.example/authorize
  token_url: https://acme.example/token
  scopes: []
api:
  base_url: https://api.acme.example/v1/
  headers: {Accept: application/vnd.acme+json, Authorization: none}
identity: {url: /me, account: '{id, label}'}
setup: {console_url: 'https://acme.example/apps'}
tools:
  - &tool
    name: acme_path
    title: A part of an item
    description: A path with two arguments, for the tests of requests.
    input:
      type: object
      additionalProperties: false
      required: [id, part]
      properties: {id: {}, part: {}}
    output: {}
    annotations: {read_only: true, idempotent: true}
    scopes: []
    request: {method: DELETE, path: '/items/{id}/parts/{part}.json'}
    result: .
  - name: acme_query
    title: Items
    description: A query made of the arguments, for the tests of requests.
    input: &any {type: object, additionalProperties: false}
    output: {}
    annotations: &reads {read_only: true, idempotent: true}
    scopes: []
    request: {method: GET, path: /items, query: .}
    result: .
  - name: acme_form
    title: Items
    description: A form made of the arguments, for the tests of requests.
    input: *any
    output: {}
    annotations: *reads
    scopes: []
    request: {method: POST, path: /items, body: ., encoding: form}
    result: .
  - name: acme_json
    title: Items
    description: A body made of the arguments, for the tests of requests.
    input: *any
    output: {}
    annotations: *reads
    scopes: []
    request: {method: PATCH, path: /items, body: '{made: .}'}
    result: .
  - name: acme_several
    title: An item and more about it
    description: A tool that makes several requests, for the tests of requests.
    input:
      type: object
      additionalProperties: false
      required: [id]
      properties: {id: {}}
    output: {}
    annotations: *reads
    scopes: []
    prepare: '{id: (.id | ltrimstr(\"item-\"))}'
    request: {method: GET, path: '/items/{id}', query: '{full: true}'}
    also:
      notes: {method: GET, path: '/items/{id}/notes'}
      author: {method: POST, path: /authors, body: '{of: .id, asked: $arguments.id}'}
    result: .
";

fn acme() -> Catalog {
    let files: [(&str, &[u8]); 3] =
        [("connector.yaml", YAML.as_bytes()), ("icon.svg", b"<svg/>"), ("setup.md", b"x")];
    let (catalog, faults) = load([Folder { name: "acme", files: &files }]);
    assert_eq!(faults, []);
    catalog
}

fn all_planned_by(
    catalog: &Catalog,
    tool: &str,
    arguments: &Value,
) -> Result<Vec<Outgoing>, PlanError> {
    let (connector, tool) = catalog.tool(tool).unwrap();
    let addresses = connector.addresses(&Endpoints::default()).unwrap();
    plan(connector, tool, &addresses.api_base, arguments)
}

/// Returns the only request of a tool that makes one.
fn planned(tool: &str, arguments: &Value) -> Result<Outgoing, PlanError> {
    all_planned_by(&acme(), tool, arguments).map(only)
}

fn only<T>(requests: Vec<T>) -> T {
    let [request] = <[T; 1]>::try_from(requests).unwrap_or_else(|_| panic!("one request"));
    request
}

/// Returns the request as it would be read on the wire, without the version of ours.
fn written(request: &Outgoing) -> String {
    let mut text = format!("{} {}\n", request.method, request.url);
    for (name, value) in &request.headers {
        if name != header::USER_AGENT {
            writeln!(text, "{name}: {}", value.to_str().unwrap()).unwrap();
        }
    }
    if !request.body.is_empty() {
        writeln!(text, "\n{}", std::str::from_utf8(&request.body).unwrap()).unwrap();
    }
    text
}

/// Returns arguments that a schema takes: its examples where it has some, or else plain values.
fn sample(schema: &Value) -> Value {
    let given = ["const", "default"].into_iter().find_map(|word| schema.get(word));
    let listed = ["examples", "enum"].into_iter().find_map(|word| schema.get(word)?.get(0));
    if let Some(value) = listed.or(given) {
        return value.clone();
    }
    let kind = &schema["type"];
    match kind.as_str().or_else(|| kind[0].as_str()) {
        Some("integer" | "number") => schema.get("minimum").cloned().unwrap_or(json!(7)),
        Some("boolean") => json!(true),
        Some("array") => json!([sample(&schema["items"])]),
        Some("object") => filled(schema, false),
        _ => json!("Ä/b c&d=e?f#g"),
    }
}

/// Returns an object with every property of its schema, or with those that are required.
fn filled(schema: &Value, required_only: bool) -> Value {
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let properties = schema["properties"].as_object().into_iter().flatten();
    properties
        .filter(|(name, _)| !required_only || required.iter().any(|known| known == *name))
        .map(|(name, schema)| (name.clone(), sample(schema)))
        .collect::<Map<_, _>>()
        .into()
}

/// Returns what is worth a look besides the least and the most that a tool takes: what its folder has
/// in `samples.json`.
fn samples(connector: &Connector) -> BTreeMap<String, Vec<Value>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../catalog");
    let file = folder.join(connector.slug.as_str()).join("samples.json");
    if !file.exists() {
        return BTreeMap::new();
    }
    let text = std::fs::read_to_string(&file).unwrap();
    let samples: BTreeMap<String, Vec<Value>> = serde_json::from_str(&text).unwrap();
    for tool in samples.keys() {
        let is_known = connector.tools.iter().any(|known| known.name.as_str() == tool);
        assert!(is_known, "{} has samples of {tool}, which is no tool", file.display());
    }
    samples
}

/// Returns what every tool of the built-in catalogue is tried with.
fn cases(connector: &Connector, tool: &Tool) -> Vec<Value> {
    let schema = tool.input.json();
    let mut cases = vec![filled(schema, true), filled(schema, false)];
    cases.extend(samples(connector).remove(tool.name.as_str()).unwrap_or_default());
    for arguments in &cases {
        assert_eq!(tool.input.faults(arguments), [], "{arguments} do not fit {}", tool.name);
    }
    cases
}

fn golden_requests(catalog: &Catalog, connector: &Connector, tool: &Tool) -> String {
    let mut text = String::new();
    for arguments in cases(connector, tool) {
        writeln!(text, "# {arguments}").unwrap();
        for request in all_planned_by(catalog, tool.name.as_str(), &arguments).unwrap() {
            writeln!(text, "{}", written(&request)).unwrap();
        }
    }
    text
}

#[test]
fn every_tool_of_the_builtin_catalogue_makes_its_golden_request() {
    let (catalog, faults) = load(builtin().iter().copied());
    assert_eq!(faults, []);
    for connector in catalog.connectors() {
        for tool in &connector.tools {
            let requests = golden_requests(&catalog, connector, tool);
            insta::assert_snapshot!(tool.name.as_str(), requests);
        }
    }
}

/// Returns the last but one part of the path, once `id` has been put there: nothing else may have
/// changed.
fn id_in_the_path(id: &Value) -> Result<String, PlanError> {
    let arguments = json!({"id": id, "part": "p"});
    let url = planned("acme_path", &arguments)?.url;
    assert_eq!(url.origin().ascii_serialization(), "https://api.acme.example", "{id}");
    assert_eq!((url.query(), url.fragment(), url.username()), (None, None, ""), "{id}");
    let segments: Vec<_> = url.path_segments().unwrap().collect();
    let [version, items, id, parts, part] = segments.as_slice() else {
        panic!("{url} has other segments for {arguments}");
    };
    assert_eq!([*version, *items, *parts, *part], ["v1", "items", "parts", "p.json"]);
    // Reparsing must not find dot segments either, however they are written.
    assert_eq!(Url::parse(url.as_str()).unwrap(), url);
    // Nor may what goes on the wire be read differently from what was checked.
    let sent: http::Uri = url.as_str().parse().unwrap();
    let read = (sent.authority().map(http::uri::Authority::as_str), sent.path());
    assert_eq!(read, (Some("api.acme.example"), url.path()), "{url}");
    Ok((*id).to_owned())
}

#[test]
fn p3_an_argument_stays_within_its_segment_of_the_path() {
    for (hostile, harmless) in [
        ("a/b", "a%2Fb"),
        ("a?b", "a%3Fb"),
        ("a#b", "a%23b"),
        ("a\\b", "a%5Cb"),
        ("../../admin", "..%2F..%2Fadmin"),
        ("%2e%2e", "%252e%252e"),
        ("%2E", "%252E"),
        ("..%2f", "..%252f"),
        ("...", "..."),
        ("//evil.example", "%2F%2Fevil.example"),
        ("\\\\evil.example", "%5C%5Cevil.example"),
        ("https://evil.example/", "https%3A%2F%2Fevil.example%2F"),
        ("@evil.example", "%40evil.example"),
        (":80", "%3A80"),
        (".\t.", ".%09."),
        ("\r\nHost: evil.example", "%0D%0AHost%3A%20evil.example"),
        ("\0", "%00"),
        ("ä", "%C3%A4"),
        ("．．", "%EF%BC%8E%EF%BC%8E"),
        ("{part}", "%7Bpart%7D"),
        ("a;b=c,d+e", "a%3Bb%3Dc%2Cd%2Be"),
        ("%2f%2fevil.example", "%252f%252fevil.example"),
        ("%5c..%5c", "%255c..%255c"),
        ("%252e%252e%252f", "%25252e%25252e%25252f"),
        ("/..", "%2F.."),
        ("./", ".%2F"),
        (".;/..", ".%3B%2F.."),
        ("user:pass@evil.example:80/x?y#z", "user%3Apass%40evil.example%3A80%2Fx%3Fy%23z"),
        ("http:\\\\evil.example", "http%3A%5C%5Cevil.example"),
        (" HTTP/1.1\r\n\r\nGET /admin", "%20HTTP%2F1.1%0D%0A%0D%0AGET%20%2Fadmin"),
        ("\u{7f}\u{85}\u{2028}", "%7F%C2%85%E2%80%A8"),
        ("。。", "%E3%80%82%E3%80%82"),
        ("․․", "%E2%80%A4%E2%80%A4"),
        ("‥", "%E2%80%A5"),
        ("／evil.example", "%EF%BC%8Fevil.example"),
        ("∕⁄＼", "%E2%88%95%E2%81%84%EF%BC%BC"),
        ("\u{202e}\u{200b}", "%E2%80%AE%E2%80%8B"),
    ] {
        assert_eq!(id_in_the_path(&json!(hostile)).unwrap(), harmless);
    }
    assert_eq!(id_in_the_path(&json!(-7)).unwrap(), "-7");
    assert_eq!(id_in_the_path(&json!(true)).unwrap(), "true");
}

#[test]
fn p3_an_argument_that_is_no_segment_is_refused() {
    for hostile in
        [json!(""), json!("."), json!(".."), json!(null), json!(["a"]), json!({"a": "b"})]
    {
        let refused = id_in_the_path(&hostile).unwrap_err();
        assert!(
            matches!(&refused, PlanError::Address(at) if at == "/id"),
            "{hostile}: {refused:?}"
        );
    }
    let missing = planned("acme_path", &json!({"id": "1"})).unwrap_err();
    assert!(matches!(missing, PlanError::Address(_)), "{missing:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn p3_no_text_leaves_its_segment_of_the_path(id in "[./\\\\%2eEfF:@?#a-c\\PC]{1,12}") {
        let base = Url::parse("https://api.acme.example/v1").unwrap();
        match address(&base, "/items/{id}/parts", &json!({"id": id})) {
            Ok(url) => {
                prop_assert_eq!(url.host_str(), Some("api.acme.example"));
                let segments: Vec<_> = url.path_segments().unwrap().collect();
                prop_assert_eq!(segments.len(), 4, "{}", url);
                prop_assert_eq!((segments[0], segments[1], segments[3]), ("v1", "items", "parts"));
                let form = format!("id={}", segments[2]);
                let decoded = url::form_urlencoded::parse(form.as_bytes()).next().unwrap().1;
                prop_assert_eq!(decoded, id.as_str(), "what arrives is what was given");
            }
            Err(_) => prop_assert!(id == "." || id == "..", "{} is refused", id),
        }
    }
}

#[test]
fn a_query_is_encoded_repeats_lists_and_leaves_out_null() {
    let arguments = json!({
        "text": "a b&c=d#e+f/ü",
        "none": null,
        "list": ["x", null, 2, true],
        "empty": "",
        "nothing": [],
        "n&me": 1.5,
        "flag": false,
    });
    let url = planned("acme_query", &arguments).unwrap().url;
    assert_eq!(url.path(), "/v1/items");
    let expected =
        "text=a%20b%26c%3Dd%23e%2Bf%2F%C3%BC&list=x&list=2&list=true&empty=&n%26me=1.5&flag=false";
    assert_eq!(url.query(), Some(expected));
}

#[test]
fn a_query_that_is_no_object_is_a_fault_of_the_mapping() {
    let refused = planned("acme_query", &json!(["a"])).unwrap_err();
    assert!(matches!(refused, PlanError::Mapping(_)), "{refused:?}");
}

#[test]
fn a_query_of_nothing_is_no_query() {
    let url = planned("acme_query", &json!({"none": null})).unwrap().url;
    assert_eq!(url.as_str(), "https://api.acme.example/v1/items");
}

#[test]
fn a_form_is_encoded_and_says_so() {
    let request = planned("acme_form", &json!({"a": "x y&z=ü", "b": null, "c": 3})).unwrap();
    assert_eq!(request.method, Method::POST);
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    assert_eq!(request.body, "a=x+y%26z%3D%C3%BC&c=3");
    assert_eq!(request.url.query(), None);
}

#[test]
fn a_form_repeats_lists_like_a_query() {
    let request = planned("acme_form", &json!({"a": ["x", "y"]})).unwrap();
    assert_eq!(request.body, "a=x&a=y");
}

#[test]
fn a_json_body_is_sent_as_it_is_and_says_so() {
    let request = planned("acme_json", &json!({"z": "\"ü\n", "a": [null, 1.5]})).unwrap();
    assert_eq!(request.method, Method::PATCH);
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/json; charset=utf-8");
    let sent: Value = serde_json::from_slice(&request.body).unwrap();
    assert_eq!(sent, json!({"made": {"z": "\"ü\n", "a": [null, 1.5]}}));
}

#[test]
fn a_request_without_a_body_says_nothing_of_one() {
    let request = planned("acme_query", &json!({})).unwrap();
    assert!(request.body.is_empty());
    assert!(!request.headers.contains_key(header::CONTENT_TYPE));
    assert_eq!(request.headers[header::ACCEPT], "application/vnd.acme+json");
}

#[test]
fn arguments_that_are_nested_without_end_are_refused() {
    let deep = (0..300).fold(json!(1), |inner, _| json!([inner]));
    let refused = planned("acme_json", &json!({"deep": deep})).unwrap_err();
    assert!(matches!(refused, PlanError::TooLarge), "{refused:?}");
}

#[test]
fn several_requests_are_made_of_the_same_prepared_arguments_in_the_order_of_their_names() {
    let requests = all_planned_by(&acme(), "acme_several", &json!({"id": "item-7"})).unwrap();
    let first_lines: Vec<_> =
        requests.iter().map(|request| format!("{} {}", request.method, request.url)).collect();
    let expected = [
        "GET https://api.acme.example/v1/items/7?full=true",
        "POST https://api.acme.example/v1/authors",
        "GET https://api.acme.example/v1/items/7/notes",
    ];
    assert_eq!(first_lines, expected);
    let sent: Value = serde_json::from_slice(&requests[1].body).unwrap();
    assert_eq!(sent, json!({"of": "7", "asked": "item-7"}));
    for request in &requests {
        assert_eq!(request.headers[header::ACCEPT], "application/vnd.acme+json");
    }
}

#[test]
fn no_request_is_made_when_one_of_several_cannot_be() {
    let refused = all_planned_by(&acme(), "acme_several", &json!({"id": "item-"})).unwrap_err();
    assert!(matches!(&refused, PlanError::Address(at) if at == "/id"), "{refused:?}");
}

fn hosts(host: &str) -> HostSet {
    [host.to_owned()].into_iter().collect()
}

fn to(url: &str) -> Outgoing {
    let mut request = planned("acme_query", &json!({})).unwrap();
    request.url = Url::parse(url).unwrap();
    request
}

/// Returns the request with an access token, if it goes to `host`.
fn with_token(request: Outgoing, token: &str, host: &str) -> Result<Outgoing, PlanError> {
    with_token_for(request, token, &hosts(host))
}

fn with_token_for(request: Outgoing, token: &str, hosts: &HostSet) -> Result<Outgoing, PlanError> {
    let parts = CredentialParts::token(Secret::new(token.to_owned()));
    let catalog = acme();
    let at = &catalog.connectors().next().unwrap().api.credential;
    authorize(request, &parts, at, hosts)
}

#[test]
fn a_credential_replaces_any_other_and_is_kept_out_of_logs() {
    let request = to("https://api.acme.example/v1/items");
    let request = with_token(request, "xoxp-1", "api.acme.example").unwrap();
    let sent: Vec<_> = request.headers.get_all(header::AUTHORIZATION).iter().collect();
    assert_eq!(sent, ["Bearer xoxp-1"]);
    assert!(sent[0].is_sensitive());
    assert!(!format!("{request:?}").contains("xoxp-1"));
}

#[test]
fn p3_a_credential_goes_to_no_host_but_its_own() {
    for (url, meant_for) in [
        ("https://evil.example/", "api.acme.example"),
        ("https://api.acme.example.evil.example/", "api.acme.example"),
        ("https://acme.example/", "api.acme.example"),
        ("https://api.acme.example@evil.example/", "api.acme.example"),
        ("https://api.acme.example:8443/", "api.acme.example"),
        ("https://api.acme.example/", "api.acme.example:8443"),
        ("https://api.acme.example./", "api.acme.example"),
        ("http://api.acme.example/", "api.acme.example"),
        ("https://api.acme.example/", "http://api.acme.example"),
    ] {
        let refused = with_token(to(url), "xoxp-1", meant_for).unwrap_err();
        assert!(matches!(refused, PlanError::ForeignHost), "{url}: {refused:?}");
    }
    let none = with_token_for(to("https://api.acme.example/"), "t", &HostSet::default());
    assert!(matches!(none, Err(PlanError::ForeignHost)));
    for (url, meant_for) in [
        ("https://API.acme.example:443/", "api.acme.example"),
        ("https://api.acme.example:8443/", "api.acme.example:8443"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
    ] {
        assert!(with_token(to(url), "t", meant_for).is_ok(), "{url}");
    }
}

/// Returns where a request goes when the developer names this address for the API, if it goes
/// anywhere.
fn lands_at(api_base_url: &str) -> Option<String> {
    let catalog = acme();
    let (connector, tool) = catalog.tool("acme_path").unwrap();
    let api_base_url = Some(api_base_url.to_owned());
    let addresses =
        connector.addresses(&Endpoints { api_base_url, ..Endpoints::default() }).ok()?;
    let arguments = json!({"id": "@evil.example", "part": "..\\"});
    let planned = plan(connector, tool, &addresses.api_base, &arguments).ok()?;
    let request = with_token_for(only(planned), "xoxp-1", &addresses.hosts()).ok()?;
    let sent: http::Uri = request.url.as_str().parse().unwrap();
    let authority = sent.authority().unwrap().as_str();
    assert_eq!(authority, &request.url[url::Position::BeforeHost..url::Position::AfterPort]);
    assert!(request.url.path().ends_with("/items/%40evil.example/parts/..%5C.json"));
    Some(destination(&request.url))
}

#[test]
fn p3_a_hostile_api_base_url_leads_nowhere_but_to_the_host_that_it_names() {
    for base in [
        "https://chat.example",
        "https://chat.example/\\@evil.example",
        "https://chat.example\\@evil.example",
        "https:\\\\chat.example\\v1",
        "https:chat.example",
        "https://chat.example//evil.example//",
        "https://chat.example/../..//evil.example",
        "https://chat.example/%2e%2e/%2E./x",
        "https://chat.example/..%2f..%2fx",
        "https://chat.example/{id}/{part}",
        "https://chat.example/https://evil.example",
        "https://chat。example",
        "https://ＣＨＡＴ．example",
        "https://ch\tat.exa\r\nmple/\n",
        " https://chat.example ",
        "https://chat.example:443",
        "https://chat.example:0443/",
    ] {
        assert_eq!(lands_at(base).as_deref(), Some("chat.example"), "{base:?}");
    }
    for (base, named) in [
        ("http://chat.example", "http://chat.example"),
        ("https://chat.example:8443", "chat.example:8443"),
        ("https://chat.example.", "chat.example."),
        ("https://0x7f.1", "127.0.0.1"),
    ] {
        assert_eq!(lands_at(base).as_deref(), Some(named), "{base:?}");
    }
    for nowhere in [
        "",
        "/v1",
        "//chat.example",
        "chat.example",
        "https://",
        "https:///",
        "https://chat.example／evil.example",
        "https://chat.example＠evil.example",
        "https://chat.example%2f@evil.example%2f",
        "https://chat.example%00.evil.example",
        "https://chat exam.ple",
        "https://chat.example:99999",
        "https://chat.example:80:80",
    ] {
        assert_eq!(lands_at(nowhere), None, "{nowhere:?}");
    }
}

#[test]
fn a_token_that_would_add_a_header_is_refused() {
    for hostile in ["a\r\nX-Evil: 1", "a\nb", "a\rb", "a\0b"] {
        let request = to("https://api.acme.example/");
        let refused = with_token(request, hostile, "api.acme.example");
        assert!(matches!(refused, Err(PlanError::Unsendable)), "{hostile:?}");
    }
}
