use astralform_catalog::{Catalog, Folder, load};
use astralform_domain::Endpoints;

use super::*;

/// A connector whose tokens are ended as these lines say.
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

/// Method, address, credential, kind of body and body of the request that ends `t&k`.
fn requested(revocation: &str, client_id: &str) -> [String; 5] {
    let catalog = catalog(revocation);
    let connector = catalog.connectors().next().unwrap();
    let addresses = connector.addresses(&Endpoints::default()).unwrap();
    let client = Client { id: client_id.to_owned(), secret: Secret::new("s3".to_owned()) };
    let token = Secret::new("t&k".to_owned());
    let request = revocation_request(connector, &addresses, &client, &token).unwrap();
    let header = |name| {
        request.headers.get(name).map_or(String::new(), |value| value.to_str().unwrap().to_owned())
    };
    let body = String::from_utf8(request.body.to_vec()).unwrap();
    let (credential, kind) = (header(header::AUTHORIZATION), header(header::CONTENT_TYPE));
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
