//! Arguments are read generously and sent exactly.

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Agent, Reply, Setup, TestServer};
use serde_json::{Value, json};

use crate::recorder::{CLIENT, Provider, TOOL};

const CALL: &str = "/v1/tools/notes_list/call";

/// Tools of `notes` that take nothing, and that send a body.
const MORE: &str = "
  - name: notes_all
    title: All notes
    description: Lists all the notes of the connected person with their ids and titles.
    input: {type: object, additionalProperties: false}
    output: {type: object}
    annotations: {read_only: true, idempotent: true}
    scopes: [notes:read]
    request: {method: GET, path: /notes}
    result: '{notes: [.notes[] | {id, title}]}'
  - name: notes_filter
    title: Filter notes
    description: Lists those notes of the connected person that a filter lets through, by their ids.
    input:
      type: object
      additionalProperties: false
      properties:
        limit: {type: integer}
        weight: {type: number}
        parent: {type: [string, \"null\"]}
        filter: {type: object, properties: {title: {type: string}, limit: {type: integer}}}
    output: {type: object}
    annotations: {read_only: true, idempotent: true}
    scopes: [notes:read]
    request: {method: POST, path: /filter, body: '.'}
    result: '{}'
";

struct World {
    provider: Provider,
    server: TestServer,
    alice: Agent,
}

impl World {
    async fn connected() -> Self {
        let provider = Provider::start().await;
        let (id, secret) = CLIENT;
        let yaml = provider.yaml().trim_end().to_owned() + MORE;
        let settings = EnvironmentSettings {
            verify_end_user: VerifyEndUser::Off,
            return_urls: Vec::new(),
            allowed_origins: Vec::new(),
        };
        let connector = Some((yaml, id.to_owned(), secret.to_owned()));
        let setup = Setup { settings: Some(settings), connector, ..Setup::default() };
        let server = TestServer::with(setup).await;
        server.connect("alice", TOOL).await;
        let alice = server.agent("alice");
        Self { provider, server, alice }
    }

    /// Returns what the last request to the API carried.
    fn sent(&self) -> (String, String) {
        let asked = self.provider.requests().pop().unwrap();
        (asked.query, asked.body)
    }

    async fn call(&self, body: &str) -> Reply {
        self.alice.post_text(CALL, body.to_owned()).await
    }
}

fn faults(reply: &Reply) -> Vec<(&str, &str)> {
    let errors = reply.body["errors"].as_array().into_iter().flatten();
    errors
        .map(|error| (error["pointer"].as_str().unwrap(), error["detail"].as_str().unwrap()))
        .collect()
}

#[tokio::test]
async fn a_whole_number_is_sent_as_one_however_it_was_written() {
    let world = World::connected().await;
    for (given, sent) in [("5", "5"), ("5.0", "5"), ("5e0", "5"), ("0.5E1", "5"), ("50.00", "50")] {
        let reply = world.call(&format!(r#"{{"arguments": {{"limit": {given}}}}}"#)).await;
        assert_eq!(reply.outcome(), "completed", "{given}: {reply:?}");
        assert_eq!(world.sent().0, format!("limit={sent}"), "{given}");
    }
    let refused = world.call(r#"{"arguments": {"limit": 5.5}}"#).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_arguments"));
    let fault = ("/limit", "is a number with a fraction, must be of type integer");
    assert_eq!(faults(&refused), [fault]);
}

#[tokio::test]
async fn no_other_number_is_sent_than_was_given() {
    let world = World::connected().await;
    let filter = "/v1/tools/notes_filter/call";
    for (given, sent) in [
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("0.1234567890123456", "0.1234567890123456"),
        ("2.50", "2.5"),
        ("1e2", "100"),
    ] {
        let body = format!(r#"{{"arguments": {{"weight": {given}}}}}"#);
        world.alice.post_text(filter, body).await;
        assert_eq!(world.sent().1, format!(r#"{{"weight":{sent}}}"#), "{given}");
    }
    let asked = world.provider.requests().len();
    for given in ["18446744073709551616", "9007199254740993.0", "0.12345678901234567890"] {
        let body = format!(r#"{{"arguments": {{"filter": {{"limit": [{given}]}}}}}}"#);
        let refused = world.alice.post_text(filter, body).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_arguments"), "{given}");
        let (pointer, detail) = faults(&refused)[0];
        assert_eq!(pointer, "/filter/limit/0");
        assert!(detail.contains("more digits than can be passed on"), "{detail}");
    }
    assert_eq!(world.provider.requests().len(), asked, "nothing was sent");
}

#[tokio::test]
async fn null_counts_as_left_out_where_it_is_not_allowed() {
    let world = World::connected().await;
    for body in [
        r#"{"arguments": {"limit": null}}"#,
        r#"{"arguments": null}"#,
        r#"{"connection_id": null, "wait_seconds": null}"#,
    ] {
        let reply = world.call(body).await;
        assert_eq!(reply.outcome(), "completed", "{body}: {reply:?}");
        assert_eq!(world.sent().0, "", "{body}");
    }
    let arguments = json!({"limit": null, "parent": null, "filter": {"title": null, "limit": 5.0}});
    world.alice.call("notes_filter", arguments).await;
    assert_eq!(world.sent().1, r#"{"parent":null,"filter":{"limit":5}}"#);
    let refused = world.call(r#"{"arguments": {"limt": null}}"#).await;
    assert_eq!(faults(&refused), [("/limt", "is not an argument of this tool")]);
}

#[tokio::test]
async fn a_tool_without_arguments_says_so_and_names_one_too_many() {
    let world = World::connected().await;
    for (format, place) in [
        ("openai", "/function/parameters"),
        ("anthropic", "/input_schema"),
        ("mcp", "/inputSchema"),
    ] {
        let listed = world.alice.get(&format!("/v1/tools?format={format}")).await;
        let tools = listed.body["tools"].as_array().unwrap();
        let expected = json!({"type": "object", "additionalProperties": false, "properties": {}});
        let all: Vec<&Value> = tools.iter().filter_map(|tool| tool.pointer(place)).collect();
        assert!(all.contains(&&expected), "{format}: {all:?}");
    }
    assert_eq!(world.alice.call("notes_all", json!({})).await.outcome(), "completed");
    let refused = world.alice.call("notes_all", json!({"limit": 1})).await;
    assert_eq!((refused.status, refused.code()), (422, "invalid_arguments"));
    assert_eq!(faults(&refused), [("/limit", "is not an argument of this tool")]);
    let refused = world.call(r#"{"limit": 1}"#).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_body"));
    let detail = refused.body["detail"].as_str().unwrap();
    assert!(detail.contains("`limit`") && detail.contains("inside `arguments`"), "{detail}");
    assert!(world.server.agent("alice").get("/v1/tools").await.status == 200);
}

#[tokio::test]
async fn a_query_parameter_that_does_nothing_is_refused() {
    let world = World::connected().await;
    let admin = world.server.admin();
    let detail = |reply: &Reply| reply.body["detail"].as_str().unwrap_or_default().to_owned();
    for (path, said) in [
        ("/v1/connections?limt=1", "`limt` is no query parameter here (did you mean `limit`?)"),
        ("/v1/connections?limit=1&%00=1", "is no query parameter here: those are"),
        (
            "/v1/connections/conn_01J00000000000000000000000?x",
            "`x` is no query parameter here: there",
        ),
    ] {
        let refused = world.alice.get(path).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_query"), "{path}");
        assert!(detail(&refused).contains(said), "{path}: {refused:?}");
    }
    let path = format!("{}&enviroment=live", world.server.managed(""));
    let refused = admin.get(&path).await;
    assert_eq!((refused.status, refused.code()), (400, "invalid_query"), "{refused:?}");
    assert!(detail(&refused).contains("did you mean `environment`"), "{refused:?}");
    assert_eq!(world.alice.get("/v1/connections?").await.status, 200);
    assert_eq!(world.alice.get("/v1/connections?limit=1").await.status, 200);
}

/// Numbers that are out of range are refused: none is cut to what would be allowed.
#[tokio::test]
async fn a_number_out_of_range_is_refused_and_not_cut() {
    let world = World::connected().await;
    let asked = world.alice.get("/v1/auth-requests/areq_01J00000000000000000000000?wait=56").await;
    assert_eq!((asked.status, asked.code()), (400, "invalid_query"));
    for (path, code) in [
        ("/v1/connections?limit=0", "invalid_query"),
        ("/v1/connections?limit=101", "invalid_query"),
        ("/v1/connections?limit=-1", "invalid_query"),
        ("/v1/connections?limit=99999999999999999999", "invalid_query"),
        ("/v1/connections?limit=", "invalid_query"),
    ] {
        let refused = world.alice.get(path).await;
        assert_eq!((refused.status, refused.code()), (400, code), "{path}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("`limit` is") && detail.contains("from 1 to 100"), "{detail}");
    }
    for seconds in ["56", "-1", "1e3", "18446744073709551616", "\"5\"", "5.5"] {
        let refused = world.call(&format!(r#"{{"wait_seconds": {seconds}}}"#)).await;
        assert_eq!((refused.status, refused.code()), (400, "invalid_body"), "{seconds}");
        let detail = refused.body["detail"].as_str().unwrap();
        assert!(detail.contains("must be a whole number from 0 to 55"), "{detail}");
    }
    assert_eq!(world.call(r#"{"wait_seconds": 55.0}"#).await.outcome(), "completed");
}
