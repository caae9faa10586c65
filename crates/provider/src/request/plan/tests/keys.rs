//! Requests of connectors that take API keys: what they send, and where the key stands.

use super::*;

type Fields = [(&'static str, &'static str)];

fn value(fields: &'static Fields, name: &str) -> Option<&'static str> {
    fields.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Returns a tool's request with a credential in place, if it goes where the credential is meant to
/// go: to the addresses of `meant_for`.
fn paid(
    tool: &str,
    arguments: &Value,
    entered: &'static Fields,
    meant_for: &'static Fields,
) -> Result<Outgoing, PlanError> {
    let (catalog, faults) = load(builtin().iter().copied());
    assert_eq!(faults, []);
    let (connector, described) = catalog.tool(tool).unwrap();
    let addresses =
        |fields| connector.addresses_of(&Endpoints::default(), |name| value(fields, name)).unwrap();
    let request = plan(connector, described, &addresses(entered).api_base, arguments).map(only)?;
    let secret = |&(name, text): &(&str, &str)| (name.to_owned(), Secret::new(text.to_owned()));
    let parts = CredentialParts::entered(entered.iter().map(secret).collect(), connector.auth());
    authorize(request, &parts, &connector.api.credential, &addresses(meant_for).hosts())
}

const TAVILY: &Fields = &[("api_key", "tvly-CANARY")];
const FRESHDESK: &Fields = &[("subdomain", "acme"), ("api_key", "CANARY-fd")];
const TRELLO: &Fields = &[("api_key", "CANARY-app&x"), ("token", "CANARY ATTA/+")];

#[test]
fn a_key_in_a_header_stands_there_and_nowhere_else() {
    let request = paid("tavily_usage", &json!({}), TAVILY, TAVILY).unwrap();
    assert_eq!(request.url.as_str(), "https://api.tavily.com/usage");
    assert_eq!(request.headers[header::AUTHORIZATION], "Bearer tvly-CANARY");
    assert!(request.headers[header::AUTHORIZATION].is_sensitive());
    assert_eq!(request.headers[header::ACCEPT], "application/json");
}

#[test]
fn keys_in_the_query_stand_behind_the_arguments_and_are_encoded() {
    let arguments = json!({"list": "5f2b8f3c9d1e4a0012345678", "limit": 5});
    let request = paid("trello_list_cards", &arguments, TRELLO, TRELLO).unwrap();
    let sent: Vec<_> = request.url.query_pairs().into_owned().collect();
    let names: Vec<_> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["fields", "limit", "sort", "key", "token"]);
    assert_eq!(sent[3].1, "CANARY-app&x");
    assert_eq!(sent[4].1, "CANARY ATTA/+");
    assert!(request.url.as_str().ends_with("&key=CANARY-app%26x&token=CANARY%20ATTA%2F%2B"));
    assert!(!request.headers.contains_key(header::AUTHORIZATION));
}

#[test]
fn a_key_as_user_name_goes_to_the_help_desk_of_its_account() {
    let request = paid("freshdesk_get_ticket", &json!({"ticket": 7}), FRESHDESK, FRESHDESK);
    let request = request.unwrap();
    let address = "https://acme.freshdesk.com/api/v2/tickets/7?include=conversations%2Crequester";
    assert_eq!(request.url.as_str(), address);
    let basic = &request.headers[header::AUTHORIZATION];
    assert_eq!(basic, "Basic Q0FOQVJZLWZkOlg=", "CANARY-fd:X in Base64");
    assert!(basic.is_sensitive());
}

#[test]
fn keys_are_never_shown_wherever_they_stand() {
    let list = json!({"list": "5f2b8f3c9d1e4a0012345678"});
    for (tool, arguments, entered) in [
        ("tavily_usage", json!({}), TAVILY),
        ("trello_list_cards", list, TRELLO),
        ("freshdesk_get_ticket", json!({"ticket": 7}), FRESHDESK),
    ] {
        let shown = format!("{:?}", paid(tool, &arguments, entered, entered).unwrap());
        assert!(!shown.contains("CANARY") && !shown.contains("Q0FOQVJZ"), "{tool}: {shown}");
    }
}

#[test]
fn p3_a_key_goes_to_no_other_help_desk() {
    const OTHER: &Fields = &[("subdomain", "evil"), ("api_key", "x")];
    let refused = paid("freshdesk_get_ticket", &json!({"ticket": 7}), FRESHDESK, OTHER);
    assert!(matches!(refused, Err(PlanError::ForeignHost)), "{refused:?}");
}
