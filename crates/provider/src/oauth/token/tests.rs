use astralform_catalog::{Catalog, Folder, builtin, load};
use http::HeaderMap;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn catalog(oauth: &str) -> Catalog {
    let yaml = format!(
        "\
slug: acme
name: Acme
category: Tests
type: oauth
summary: A connector that exists for tests.
oauth:
  authorize_url: https://acme.example/authorize
  token_url: https://acme.example/token
  scopes: []
{oauth}
api: {{base_url: 'https://api.acme.example'}}
identity: {{url: /me, account: '{{id, label}}'}}
setup: {{console_url: 'https://acme.example/apps'}}
tools:
  - name: acme_list
    title: Items
    description: A tool that stands here because every connector has one.
    input: {{type: object, additionalProperties: false}}
    output: {{}}
    annotations: {{read_only: true, idempotent: true}}
    scopes: []
    request: {{method: GET, path: /items}}
    result: .
"
    );
    let files: [(&str, &[u8]); 3] =
        [("connector.yaml", yaml.as_bytes()), ("icon.svg", b"<svg/>"), ("setup.md", b"x")];
    let (catalog, faults) = load([Folder { name: "acme", files: &files }]);
    assert_eq!(faults, []);
    catalog
}

fn oauth(catalog: &Catalog) -> &OAuth {
    catalog.connectors().next().unwrap().oauth.as_ref().unwrap()
}

fn slack() -> Catalog {
    let folders = builtin().iter().copied().filter(|folder| folder.name == "slack");
    load(folders).0
}

fn secret(text: &str) -> Secret {
    Secret::new(text.to_owned())
}

/// Returns the request for code `c&d` with this `oauth` section, by an app with awkward
/// credentials.
fn requested(section: &str, verifier: Option<&str>) -> Outgoing {
    let client = Client { id: "id with:colon".to_owned(), secret: secret("s/ü+&=%") };
    let verifier = verifier.map(secret);
    let grant = Grant {
        code: &secret("c&d"),
        redirect_uri: "https://we.example/oauth/callback?x=1",
        verifier: verifier.as_ref(),
    };
    let endpoint = Url::parse("https://acme.example/token").unwrap();
    let catalog = catalog(section);
    let request = token_request(oauth(&catalog), &endpoint, &client, &grant).unwrap();
    assert_eq!((&request.method, &request.url), (&Method::POST, &endpoint));
    assert_eq!(request.headers[header::ACCEPT], "application/json");
    request
}

fn form_of(request: &Outgoing) -> BTreeMap<String, String> {
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/x-www-form-urlencoded");
    url::form_urlencoded::parse(&request.body).into_owned().collect()
}

fn fields(expected: &[(&str, &str)]) -> BTreeMap<String, String> {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    expected.iter().map(owned).collect()
}

const GRANT: [(&str, &str); 3] = [
    ("grant_type", "authorization_code"),
    ("code", "c&d"),
    ("redirect_uri", "https://we.example/oauth/callback?x=1"),
];

#[test]
fn o2_the_app_proves_itself_with_basic_unless_the_connector_says_otherwise() {
    let request = requested("", None);
    assert_eq!(form_of(&request), fields(&GRANT), "no credentials in the body");
    let proof = &request.headers[header::AUTHORIZATION];
    assert!(proof.is_sensitive());
    let encoded = proof.to_str().unwrap().strip_prefix("Basic ").unwrap();
    let decoded = String::from_utf8(STANDARD.decode(encoded).unwrap()).unwrap();
    assert_eq!(decoded, "id+with%3Acolon:s%2F%C3%BC%2B%26%3D%25", "RFC 6749 §2.3.1");
}

#[test]
fn an_app_that_proves_itself_in_the_body_sends_no_header() {
    let request = requested("  client_auth: body", None);
    let app = [("client_id", "id with:colon"), ("client_secret", "s/ü+&=%")];
    assert_eq!(form_of(&request), fields(&[&GRANT[..], &app].concat()));
    assert!(!request.headers.contains_key(header::AUTHORIZATION));
}

#[test]
fn the_verifier_goes_along_where_there_is_one() {
    let verifier = [("code_verifier", "v-1")];
    let request = requested("", Some("v-1"));
    assert_eq!(form_of(&request), fields(&[&GRANT[..], &verifier].concat()));
}

#[test]
fn a_token_can_be_asked_for_in_json() {
    let request = requested("  token_request: json\n  client_auth: body", Some("v-1"));
    assert_eq!(request.headers[header::CONTENT_TYPE], "application/json");
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let expected = json!({
        "grant_type": "authorization_code",
        "code": "c&d",
        "redirect_uri": "https://we.example/oauth/callback?x=1",
        "code_verifier": "v-1",
        "client_id": "id with:colon",
        "client_secret": "s/ü+&=%",
    });
    assert_eq!(body, expected);
}

#[test]
fn a_secret_of_the_app_is_not_in_what_is_logged_of_the_headers() {
    let shown = |headers: &HeaderMap| format!("{headers:?}");
    let request = requested("", None);
    let proof = request.headers[header::AUTHORIZATION].to_str().unwrap();
    assert!(!shown(&request.headers).contains(proof));
}

/// Returns what was read, in words: each token as `kind access refresh lifetime scopes`, or the
/// refusal.
fn read(catalog: &Catalog, status: u16, body: &[u8]) -> String {
    let status = StatusCode::from_u16(status).unwrap();
    let tokens = match read_tokens(oauth(catalog), status, body) {
        Ok(tokens) => tokens,
        Err(TokenError::ClientRejected(said)) => return format!("ClientRejected({:?})", said.code),
        Err(TokenError::Refused(said)) => return format!("Refused({:?})", said.code),
        Err(TokenError::Unreadable) => return "Unreadable".to_owned(),
    };
    let lines = tokens.iter().map(|token| {
        let refresh = token.refresh_token.as_ref().map_or("-", Secret::expose);
        let lifetime = token.expires_in.map_or("-".to_owned(), |seconds| seconds.to_string());
        let scopes = token.scopes.as_ref().map_or("?".to_owned(), |scopes| scopes.join("+"));
        format!("{} {} {refresh} {lifetime} [{scopes}]", token.kind, token.access_token.expose())
    });
    lines.collect::<Vec<_>>().join(", ")
}

fn read_standard(status: u16, body: &Value) -> String {
    read(&catalog(""), status, body.to_string().as_bytes())
}

#[test]
fn a_standard_response_is_read_without_a_mapping() {
    for (body, expected) in [
        (
            json!({"access_token": "a", "token_type": "Bearer", "expires_in": 3600,
                   "refresh_token": "r", "scope": "read  write", "more": {"x": 1}}),
            "default a r 3600 [read+write]",
        ),
        (json!({"access_token": "a"}), "default a - - [?]"),
        (json!({"access_token": "a", "scope": ""}), "default a - - []"),
        (json!({"access_token": "a", "scope": null}), "default a - - [?]"),
        (json!({"access_token": "a", "scope": 7}), "default a - - [?]"),
        (json!({"access_token": "a", "scope": ["read", "write"]}), "default a - - [read+write]"),
        (json!({"access_token": "a", "scopes": "x", "kind": 7}), "default a - - [?]"),
        (json!({"access_token": "a", "refresh_token": false}), "default a - - [?]"),
        (json!({"access_token": "a", "refresh_token": ""}), "default a - - [?]"),
        (json!({"access_token": "a", "refresh_token": null}), "default a - - [?]"),
        (json!({"access_token": "a", "error": null}), "default a - - [?]"),
    ] {
        assert_eq!(read_standard(200, &body), expected, "{body}");
    }
}

#[test]
fn a_lifetime_that_makes_no_sense_counts_as_not_said() {
    const TEN_YEARS: &str = "315360000";
    for (expires_in, expected) in [
        (json!(null), "-"),
        (json!(0), "-"),
        (json!(-1), "-"),
        (json!("3600"), "3600"),
        (json!("0"), "-"),
        (json!("soon"), "-"),
        (json!(1e20), TEN_YEARS),
        (json!(3600.5), "3600"),
        (json!(0.5), "-"),
        (json!(u64::MAX), TEN_YEARS),
        (json!({"seconds": 1}), "-"),
        (json!([3600]), "-"),
        (json!(3600), "3600"),
    ] {
        let body = json!({"access_token": "a", "expires_in": expires_in});
        assert_eq!(read_standard(200, &body), format!("default a - {expected} [?]"), "{body}");
    }
}

#[test]
fn an_answer_without_a_token_that_can_be_sent_is_unreadable() {
    for body in [
        json!({"token_type": "Bearer"}),
        json!({"access_token": ""}),
        json!({"access_token": null}),
        json!({"access_token": 7}),
        json!({"access_token": "a\nb"}),
        json!({"access_token": "a\r\nX-Evil: 1"}),
        json!([{"access_token": "a"}]),
        json!("a"),
        json!(null),
    ] {
        assert_eq!(read_standard(200, &body), "Unreadable", "{body}");
    }
}

#[test]
fn what_is_neither_json_nor_a_form_is_unreadable_whatever_its_status() {
    for body in ["", " ", "<html>Bad gateway</html>", "{\"access_token\":", "\u{feff}{}"] {
        for status in [200, 400, 401, 502] {
            let standard = read(&catalog(""), status, body.as_bytes());
            assert_eq!(standard, "Unreadable", "{status} {body:?}");
            assert_eq!(read(&slack(), status, body.as_bytes()), "Unreadable", "{status} {body:?}");
        }
    }
    assert_eq!(read(&catalog(""), 200, b"{\"access_token\": \"\xFF\"}"), "Unreadable");
}

#[test]
fn a_refusal_blames_the_app_or_the_grant() {
    for (status, body, expected) in [
        (401, json!({"error": "invalid_client"}), "ClientRejected(\"invalid_client\")"),
        (400, json!({"error": "unauthorized_client"}), "ClientRejected(\"unauthorized_client\")"),
        (400, json!({"error": "invalid_grant"}), "Refused(\"invalid_grant\")"),
        (
            400,
            json!({"error": "invalid_grant", "error_description": "used before"}),
            "Refused(\"invalid_grant\")",
        ),
        // Providers answer refusals with HTTP 200 too; a token beside an error is not taken.
        (200, json!({"error": "bad_verification_code"}), "Refused(\"bad_verification_code\")"),
        (200, json!({"error": "invalid_client"}), "ClientRejected(\"invalid_client\")"),
        (200, json!({"error": "e", "access_token": "a"}), "Refused(\"e\")"),
        // A status that says no is believed, even without an error that can be read.
        (400, json!({"access_token": "a"}), "Unreadable"),
        (500, json!({"error": {"code": 1}}), "Unreadable"),
        (302, json!({"access_token": "a"}), "Unreadable"),
    ] {
        assert_eq!(read_standard(status, &body), expected, "{status} {body}");
    }
}

#[test]
fn an_error_names_no_token() {
    let body = json!({"error": "e", "access_token": "xoxp-1"});
    let refused = read_tokens(oauth(&catalog("")), StatusCode::OK, body.to_string().as_bytes());
    let refused = refused.err().unwrap();
    assert!(!format!("{refused} {refused:?}").contains("xoxp-1"));
}

#[test]
fn a_response_of_slack_gives_the_tokens_of_the_person_and_of_the_app() {
    let read = |status, body: &Value| read(&slack(), status, body.to_string().as_bytes());
    let app = json!({"ok": true, "app_id": "A1", "team": {"id": "T1"}, "scope": "",
        "authed_user": {"id": "U1", "scope": "channels:read,groups:read", "token_type": "user",
                        "access_token": "xoxp-1"}});
    assert_eq!(read(200, &app), "user xoxp-1 - - [channels:read+groups:read]");

    let mut rotating = app.clone();
    rotating["authed_user"]["refresh_token"] = json!("xoxe-1");
    rotating["authed_user"]["expires_in"] = json!(43_200);
    assert_eq!(read(200, &rotating), "user xoxp-1 xoxe-1 43200 [channels:read+groups:read]");

    let mut both = app.clone();
    both["access_token"] = json!("xoxb-1");
    both["token_type"] = json!("bot");
    both["scope"] = json!("chat:write");
    let bot = "bot xoxb-1 - - [chat:write]";
    let person = "user xoxp-1 - - [channels:read+groups:read]";
    assert_eq!(read(200, &both), format!("{bot}, {person}"));

    let mut alone = both.clone();
    alone["authed_user"] = json!({"id": "U1"});
    assert_eq!(read(200, &alone), bot);

    let refreshed = json!({"ok": true, "token_type": "bot", "access_token": "xoxb-2",
        "refresh_token": "xoxe-3", "expires_in": 43_200, "scope": "chat:write"});
    assert_eq!(read(200, &refreshed), "bot xoxb-2 xoxe-3 43200 [chat:write]");

    let refreshed = json!({"ok": true, "token_type": "user", "access_token": "xoxp-2",
        "refresh_token": "xoxe-2", "expires_in": 43_200, "scope": "channels:read"});
    assert_eq!(read(200, &refreshed), "user xoxp-2 xoxe-2 43200 [channels:read]");
}

#[test]
fn a_refusal_of_slack_comes_with_status_200() {
    for (body, expected) in [
        (json!({"ok": false, "error": "invalid_code"}), "Refused(\"invalid_code\")"),
        (json!({"ok": false, "error": "code_already_used"}), "Refused(\"code_already_used\")"),
        (
            json!({"ok": false, "error": "bad_client_secret"}),
            "ClientRejected(\"bad_client_secret\")",
        ),
        (
            json!({"ok": false, "error": "invalid_client_id"}),
            "ClientRejected(\"invalid_client_id\")",
        ),
        (json!({"ok": true}), "Unreadable"),
        (json!({"ok": true, "authed_user": {"id": "U1"}}), "Unreadable"),
        (json!({"ok": true, "authed_user": {"access_token": "a\nb"}}), "Unreadable"),
        (json!({"ok": true, "authed_user": "U1"}), "Unreadable"),
        (json!([]), "Unreadable"),
    ] {
        assert_eq!(read(&slack(), 200, body.to_string().as_bytes()), expected, "{body}");
    }
}

#[test]
fn a_mapping_may_give_several_tokens_and_never_none() {
    let section = "  token_response: {tokens: '[.t[] | {kind, access_token: .a}]'}";
    let read = |body: &Value| read(&catalog(section), 200, body.to_string().as_bytes());
    let two = json!({"t": [{"kind": "bot", "a": "b"}, {"kind": "user", "a": "u"}]});
    assert_eq!(read(&two), "bot b - - [?], user u - - [?]");
    assert_eq!(read(&json!({"t": []})), "Unreadable");
    assert_eq!(read(&json!({"t": [{"kind": "bot", "a": "b"}, {"kind": "u"}]})), "Unreadable");
    assert_eq!(read(&json!({"t": 7})), "Unreadable");
}

const GOOD: &str = r#"{"ok":true,"access_token":"a","expires_in":3600,"refresh_token":"r","scope":"x","authed_user":{"access_token":"u","scope":"a,b"}}"#;

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a provider answers is read or refused, and what is read can be sent.
    #[test]
    fn no_answer_makes_the_reader_panic(
        noise in proptest::collection::vec(any::<u8>(), 0..64),
        at in 0..GOOD.len(),
        length in 0..40_usize,
        status in 100..1000_u16,
    ) {
        thread_local! {
            static CATALOGS: [Catalog; 2] = [catalog(""), slack()];
        }
        let status = StatusCode::from_u16(status).unwrap();
        let end = (at + length).min(GOOD.len());
        let damaged = [&GOOD.as_bytes()[..at], &noise, &GOOD.as_bytes()[end..]].concat();
        CATALOGS.with(|catalogs| {
            for body in [&noise, &damaged] {
                for catalog in catalogs {
                    let tokens = read_tokens(oauth(catalog), status, body).unwrap_or_default();
                    for token in tokens {
                        let text = token.access_token.expose();
                        prop_assert!(!text.is_empty() && !text.contains(['\r', '\n', '\0']));
                        prop_assert!(status.is_success());
                    }
                }
            }
            Ok(())
        })?;
    }
}
