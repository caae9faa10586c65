use astralform_catalog::{Catalog, Folder, load};
use astralform_domain::Endpoints;

use super::*;

/// Returns a connector whose tokens are ended as these lines say.
fn catalog(revocation: &str) -> Catalog {
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
  client_auth: body
  scopes: []
api: {{base_url: 'https://api.acme.example'}}
identity: {{url: /me, account: '{{id, label}}'}}
revocation: {{{revocation}}}
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

/// Returns method, address, credential, kind of body and body of the request that ends `t&k`.
fn requested(revocation: &str, client_id: &str) -> [String; 5] {
    let catalog = catalog(revocation);
    let connector = catalog.connectors().next().unwrap();
    let addresses = connector.addresses(&Endpoints::default()).unwrap();
    let client = Client { id: client_id.to_owned(), secret: Secret::new("s3".to_owned()) };
    let token = Secret::new("t&k".to_owned());
    let request =
        revocation_request(connector, addresses.revocation.as_ref().unwrap(), &client, &token);
    let request = request.unwrap();
    let header = |name| {
        request.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    let credential = header(header::AUTHORIZATION);
    let kind = header(header::CONTENT_TYPE);
    [request.method.to_string(), request.url.to_string(), credential, kind, body]
}

const FORM: &str = "application/x-www-form-urlencoded";
/// `id:s3` in base64.
const BASIC: &str = "Basic aWQ6czM=";

#[test]
fn where_nothing_else_is_said_rfc_7009_is_followed() {
    assert_eq!(
        requested("style: rfc7009, url: /revoke", "id"),
        [
            "POST",
            "https://api.acme.example/revoke",
            "",
            FORM,
            "token=t%26k&client_id=id&client_secret=s3"
        ]
    );
    let basic = "style: rfc7009, url: 'https://acme.example/end', client_auth: basic";
    assert_eq!(
        requested(basic, "id"),
        ["POST", "https://acme.example/end", BASIC, FORM, "token=t%26k"]
    );
}

#[test]
fn the_token_itself_can_be_the_credential() {
    assert_eq!(
        requested("style: bearer, url: /revoke", "id"),
        ["POST", "https://api.acme.example/revoke", "Bearer t&k", FORM, ""]
    );
}

#[test]
fn a_token_can_be_deleted_by_name_below_the_app_that_holds_it() {
    let revocation = "style: rfc7009, method: DELETE, url: '/applications/{client_id}/token', \
                      encoding: json, parameter: access_token, client_auth: basic";
    let json = "application/json";
    let body = r#"{"access_token":"t&k"}"#;
    assert_eq!(
        requested(revocation, "id"),
        ["DELETE", "https://api.acme.example/applications/id/token", BASIC, json, body]
    );
}

#[test]
fn an_identifier_of_an_app_is_one_step_of_the_address() {
    let revocation = "style: rfc7009, url: '/apps/{client_id}/token'";
    for (id, step) in [("a/b", "a%2Fb"), ("a b+c", "a%20b%2Bc"), ("a?b#c", "a%3Fb%23c")] {
        let url = format!("https://api.acme.example/apps/{step}/token");
        assert_eq!(requested(revocation, id)[1], url, "{id}");
    }
}

/// Returns what an answer says to a connector that ends tokens as these lines say.
fn said(revocation: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Revoked {
    let catalog = catalog(revocation);
    let connector = catalog.connectors().next().unwrap();
    let headers = headers.iter().map(|(name, value)| {
        (http::HeaderName::from_static(name), http::HeaderValue::from_str(value).unwrap())
    });
    let answer = Answer {
        status: http::StatusCode::from_u16(status).unwrap(),
        headers: headers.collect(),
        body: body.to_owned().into(),
        first_byte: Duration::ZERO,
    };
    read_revocation(connector, &answer, Timestamp::from_secs(1_800_000_000))
}

#[test]
fn only_a_word_that_is_certain_confirms_the_end_of_a_token() {
    let standard = "style: rfc7009, url: /revoke";
    let bearer = "style: bearer, url: /revoke, confirmed: '.ok', \
                  already_dead: '.error == \"token_revoked\"'";
    let html: &[_] = &[("content-type", "Text/HTML; charset=utf-8")];
    let wait: &[_] = &[("retry-after", "30")];
    let soon = Some(Duration::from_secs(30));
    for (how, status, headers, body, expected) in [
        (standard, 200, &[][..], "", Revoked::Confirmed),
        (standard, 204, &[], "", Revoked::Confirmed),
        (standard, 200, html, "<h1>Back soon</h1>", Revoked::Unconfirmed),
        (standard, 302, &[], "", Revoked::Unconfirmed),
        (standard, 400, &[], r#"{"error": "unsupported_token_type"}"#, Revoked::Unconfirmed),
        (standard, 400, &[], r#"{"error": "invalid_client"}"#, Revoked::AppRefused),
        (standard, 401, &[], "", Revoked::AppRefused),
        (standard, 403, &[], "", Revoked::Unconfirmed),
        (standard, 403, wait, "", Revoked::NotNow(soon)),
        (standard, 429, wait, "", Revoked::NotNow(soon)),
        (standard, 429, &[("retry-after", "soon")], "", Revoked::NotNow(None)),
        (standard, 503, &[], "", Revoked::NotNow(None)),
        (standard, 503, wait, "", Revoked::NotNow(soon)),
        (bearer, 200, &[], r#"{"ok": true}"#, Revoked::Confirmed),
        (bearer, 200, &[], "", Revoked::Unconfirmed),
        (bearer, 200, &[], r#"{"ok": false, "error": "token_revoked"}"#, Revoked::WasDead),
        (bearer, 200, &[], r#"{"ok": false, "error": "internal_error"}"#, Revoked::Unconfirmed),
        (bearer, 401, &[], "", Revoked::Unconfirmed),
        (bearer, 500, &[], r#"{"ok": true}"#, Revoked::NotNow(None)),
    ] {
        assert_eq!(said(how, status, headers, body), expected, "{how} {status} {headers:?} {body}");
    }
}
