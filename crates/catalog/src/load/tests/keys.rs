//! Connectors that take API keys.

use super::*;
use crate::{AddressError, Auth, ConnectorType};

const KEYED: &str = "\
slug: acme
name: Acme
category: Tests
type: api_key
summary: A connector with keys that exists for tests.
api_key:
  key_url: https://acme.example/keys
  fields:
    - {name: site, label: Site, secret: false}
    - name: api_key
      label: API key
api:
  base_url: https://{site}.acme.example/v1
  credential:
    query:
      key: '{api_key}'
identity:
  url: /me
setup:
  console_url: https://acme.example/keys
tools:
  - name: acme_list
    title: List
    description: Lists all that the account has, in the order of its making.
    input: {type: object, additionalProperties: false, properties: {}}
    output: {type: object}
    annotations: {read_only: true, idempotent: true}
    request: {method: GET, path: /items}
    result: .
";

fn load_keyed(replace: &[(&str, &str)]) -> (String, Catalog, Vec<Diagnostic>) {
    let yaml = replace.iter().fold(KEYED.to_owned(), |yaml, (from, to)| {
        assert!(yaml.contains(from), "{from:?} is not in the base");
        yaml.replacen(from, to, 1)
    });
    let (catalog, faults) = load_acme(yaml.as_bytes());
    (yaml, catalog, faults)
}

#[test]
fn a_connector_with_keys_has_neither_scopes_nor_an_authorization_server() {
    let (_, catalog, faults) = load_keyed(&[]);
    assert_eq!(faults, []);
    let connector = catalog.connectors().next().unwrap();
    assert_eq!(connector.kind, ConnectorType::ApiKey);
    assert!(matches!(connector.auth(), Auth::ApiKey(key) if key.fields.len() == 2));
    assert!(connector.scopes().is_empty());
    assert_eq!(connector.addresses(&Endpoints::default()).unwrap().oauth, None);
}

#[test]
fn a_part_of_the_address_is_the_accounts_own() {
    let (_, catalog, _) = load_keyed(&[]);
    let connector = catalog.connectors().next().unwrap();
    let none = Endpoints::default();
    assert!(connector.names_hosts(&none));
    let all = connector.addresses(&none).unwrap().hosts();
    assert_eq!(all.iter().collect::<Vec<_>>(), ["*.acme.example"]);
    let of = |site: &'static str| connector.addresses_of(&none, move |_| Some(site));
    let own = of("ada-1").unwrap();
    assert_eq!(own.api_base.as_str(), "https://ada-1.acme.example/v1");
    assert!(own.hosts().are(&all));
    let long = "a".repeat(64);
    let long: &'static str = Box::leak(long.into_boxed_str());
    for site in ["", "a.b", "a/b", "evil.example/", "@evil", "a:80", "-a", "a-", "ä", "a b", long]
    {
        assert!(matches!(of(site), Err(AddressError::BadPart(name)) if name == "site"), "{site}");
    }
    let api_base_url = Some("https://own.example".to_owned());
    assert!(!connector.names_hosts(&Endpoints { api_base_url, ..Endpoints::default() }));
}

#[test]
fn what_does_not_go_with_keys_is_told_with_its_line() {
    for (replace, at, message) in [
        (("type: api_key", "type: oauth"), "type: oauth", "`type: oauth` goes with `oauth:`"),
        (("name: api_key", "name: secret"), "fields:", "no field is the key"),
        (("label: API key", "secret: false\n      label: A"), "fields:", "no field is the key"),
        (("{name: site, ", "{name: site, x: 1, "), "- {name: site", "`x` is not known here"),
        (("name: site", "name: place"), "base_url", "`{site}` is not a field that may be seen"),
        (("{site}", "{api_key}"), "base_url", "`{api_key}` is not a field that may be seen"),
        (("key: '{api_key}'", "key: '{token}'"), "credential:", "`{token}` is not a part"),
        (("'{api_key}'", "'{api key}'"), "key:", "a brace does not belong to a name"),
        (
            ("https://{site}.acme", "https://acme"),
            "- {name: site",
            "the field is not sent anywhere",
        ),
        (
            ("identity:", "revocation: {style: bearer, url: /end}\nidentity:"),
            "revocation:",
            "a key that was entered is not ours to end",
        ),
        (("    result: .", "    result: .\n    scopes: [read]"), "scopes:", "keys have no scopes"),
    ] {
        let (yaml, _, faults) = load_keyed(&[replace]);
        let told = |fault: &&Diagnostic| fault.message.contains(message);
        let fault = faults.iter().find(told).unwrap_or_else(|| panic!("{message}: {faults:#?}"));
        assert!(line_of(&yaml, fault).starts_with(at), "{fault:#?}");
        assert!(!fault.fix.is_empty());
    }
}
