use std::io;

use astralform_catalog::{Catalog, Folder, builtin, load};
use astralform_egress::{EgressError, Forbidden};
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;

use super::*;

mod github;
mod keys;
mod notion;

const NOW: Timestamp = Timestamp::from_secs(1_800_000_000);

/// A connector with a tool that changes something, and with every kind of error.
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
api: {base_url: 'https://api.acme.example'}
errors:
  code: .error
  message: .message
  limited_until: '$headers.until | tonumber'
  kinds:
    misconfigured: [bad_app]
    provider_rejected: [bad_name]
    provider_unavailable: [down]
identity: {url: /me, account: '{id, label}'}
setup: {console_url: 'https://acme.example/apps'}
tools:
  - name: acme_send
    title: Send
    description: A tool that changes something, for the tests of answers.
    input: {type: object, additionalProperties: false, properties: {to: {}}}
    output: {}
    annotations: {read_only: false, idempotent: false}
    scopes: []
    request: {method: POST, path: /send, body: .}
    result: '{id: .sent.id, status: $status, to: $arguments.to}'
  - name: acme_several
    title: An item and more about it
    description: A tool that makes several requests, for the tests of answers.
    input: {type: object, additionalProperties: false}
    output: {}
    annotations: {read_only: true, idempotent: true}
    scopes: []
    request: {method: GET, path: /item}
    also:
      notes: {method: GET, path: /notes}
      author: {method: GET, path: /author}
    result: '{id, notes: $also.notes.list, author: $also.author, status: $status, at: $headers.until}'
";

fn acme() -> Catalog {
    let files: [(&str, &[u8]); 3] =
        [("connector.yaml", YAML.as_bytes()), ("icon.svg", b"<svg/>"), ("setup.md", b"x")];
    let (catalog, faults) = load([Folder { name: "acme", files: &files }]);
    assert_eq!(faults, []);
    catalog
}

fn slack() -> Catalog {
    load(builtin().iter().copied().filter(|folder| folder.name == "slack")).0
}

fn answer(status: u16, body: impl AsRef<[u8]>) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: HeaderMap::new(),
        body: body.as_ref().to_vec().into(),
        first_byte: Duration::ZERO,
    }
}

fn retry_after_is(text: &'static str, mut answer: Answer) -> Answer {
    answer.headers.insert(header::RETRY_AFTER, HeaderValue::from_static(text));
    answer
}

/// Returns what the answers to a tool's requests amount to.
fn shaped(catalog: &Catalog, tool: &str, arguments: &Value, answers: &[&Answer]) -> Shaped {
    let (connector, tool) = catalog.tool(tool).unwrap();
    let answers = answers.iter().map(|answer| Answer {
        status: answer.status,
        headers: answer.headers.clone(),
        body: answer.body.clone(),
        first_byte: Duration::ZERO,
    });
    shape(connector, tool, arguments, &answers.collect::<Vec<_>>(), NOW)
}

/// Returns what an answer of Slack to a tool that reads amounts to.
fn read(answer: &Answer) -> Shaped {
    shaped(&slack(), "slack_list_channels", &json!({}), &[answer])
}

/// Returns what an answer of Acme to a tool that changes something amounts to.
fn sent(answer: &Answer) -> Shaped {
    shaped(&acme(), "acme_send", &json!({"to": "C1"}), &[answer])
}

/// Returns the result of what went well.
fn completed(shaped: Shaped) -> Value {
    match shaped {
        Shaped::Completed(result) => serde_json::from_str(result.into_json().get()).unwrap(),
        other => panic!("{other:?}"),
    }
}

fn failure(shaped: Shaped) -> CallFailure {
    let Shaped::Failed(failure) = shaped else {
        panic!("this is no failure: {shaped:?}");
    };
    failure
}

fn missing(scopes: &[&str]) -> Shaped {
    Shaped::MissingScopes(scopes.iter().copied().collect())
}

#[test]
fn a_success_becomes_the_compact_result() {
    let channel = json!({"id": "C1", "name": "general", "is_private": false, "is_member": true,
        "num_members": 3, "topic": {"value": "All"}, "creator": "U1", "is_archived": false});
    let more =
        json!({"ok": true, "channels": [channel], "response_metadata": {"next_cursor": "n"}});
    let compact = json!({"channels": [{"id": "C1", "name": "general", "private": false,
        "member": true, "members": 3, "topic": "All"}], "next_cursor": "n"});
    assert_eq!(read(&answer(200, more.to_string())), Shaped::Completed(compact.into()));

    let last = json!({"ok": true, "channels": [], "response_metadata": {"next_cursor": ""}});
    let compact = Shaped::Completed(json!({"channels": []}).into());
    assert_eq!(read(&answer(200, last.to_string())), compact);
}

#[test]
fn a_result_may_name_the_arguments_and_the_status() {
    let shaped = sent(&answer(201, r#"{"sent": {"id": 7}}"#));
    assert_eq!(shaped, Shaped::Completed(json!({"id": 7, "status": 201, "to": "C1"}).into()));
}

#[test]
fn a_result_is_made_of_all_answers() {
    let several = |answers: &[&Answer]| shaped(&acme(), "acme_several", &json!({}), answers);
    let (item, notes) = (answer(201, r#"{"id": 7}"#), answer(200, r#"{"list": [1.50, 2]}"#));
    let result = several(&[&item, &answer(204, ""), &notes]);
    let expected = json!({"id": 7, "notes": [1.5, 2], "author": null, "status": 201, "at": null});
    assert_eq!(result, Shaped::Completed(expected.into()));

    let gone = answer(404, r#"{"error": "no_notes", "message": "There are none."}"#);
    let failed = failure(several(&[&item, &answer(200, "{}"), &gone]));
    assert_eq!(failed.kind, FailureKind::NotFound);
    assert_eq!(failed.provider_status, Some(404));
    assert_eq!(several(&[&item, &answer(401, "{}")]), Shaped::Reconnect { is_named: false });

    let catalog = acme();
    let (connector, tool) = catalog.tool("acme_several").unwrap();
    assert!(is_success(connector, tool, &json!({}), &item, NOW));
    assert!(!is_success(connector, tool, &json!({}), &gone, NOW));
}

#[test]
fn each_answer_is_read_with_its_own_headers() {
    let until = |text: &'static str, mut answer: Answer| {
        answer.headers.insert("until", HeaderValue::from_static(text));
        answer
    };
    let several = |answers: &[&Answer]| shaped(&acme(), "acme_several", &json!({}), answers);
    let item = until("1800000001", answer(200, r#"{"id": 7}"#));
    let author = until("1800000002", answer(200, "{}"));
    let notes = until("1800000003", answer(200, "{}"));
    let result = completed(several(&[&item, &author, &notes]));
    assert_eq!(result["at"], "1800000001", "those of the first are the result's");

    let limited = until("1800000060", answer(429, "{}"));
    let wait = |answers: &[&Answer]| failure(several(answers)).retry_after;
    assert_eq!(wait(&[&item, &limited]), Some(Duration::from_mins(1)));
    assert_eq!(wait(&[&item, &answer(429, "{}")]), None, "the first one's are not the second's");
}

#[test]
fn each_code_of_slack_means_what_its_connector_says() {
    use FailureKind as Kind;
    let shaped = |code: &str| read(&answer(200, json!({"ok": false, "error": code}).to_string()));
    for dead in ["invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"]
    {
        assert_eq!(shaped(dead), Shaped::Reconnect { is_named: true }, "{dead}");
    }
    for (code, kind, message) in [
        (
            "channel_not_found",
            Kind::NotFound,
            "The channel does not exist, or the connected account cannot see it.",
        ),
        ("user_not_found", Kind::NotFound, "Slack refused the request: user_not_found"),
        ("not_in_channel", Kind::PermissionDenied, "Join the channel in Slack, then try again."),
        ("is_archived", Kind::PermissionDenied, "Slack refused the request: is_archived"),
        ("ratelimited", Kind::RateLimited, "Slack refused the request: ratelimited"),
        ("fatal_error", Kind::ProviderUnavailable, "Slack refused the request: fatal_error"),
        ("brand_new", Kind::ProviderRejected, "Slack refused the request: brand_new"),
    ] {
        let failure = failure(shaped(code));
        assert_eq!((failure.kind, failure.message.as_str()), (kind, message));
        assert_eq!((failure.provider_status, failure.retry_after), (Some(200), None));
    }
    assert_eq!(failure(read(&answer(200, r#"{"ok": false}"#))).kind, Kind::ProviderRejected);
}

#[test]
fn the_missing_scopes_are_those_that_slack_names() {
    for (needed, expected) in [
        (json!("groups:read"), ["groups:read"].as_slice()),
        (json!("groups:read,im:read"), &["groups:read", "im:read"]),
        (json!(""), &[]),
        (json!(null), &[]),
        (json!(7), &[]),
    ] {
        let body =
            json!({"ok": false, "error": "missing_scope", "needed": needed, "provided": "x"});
        assert_eq!(read(&answer(200, body.to_string())), missing(expected), "{needed}");
    }
    let silent = answer(200, r#"{"ok": false, "error": "missing_scope"}"#);
    assert_eq!(read(&silent), missing(&[]));
}

#[test]
fn where_the_code_says_nothing_the_status_decides() {
    use FailureKind as Kind;
    for (status, kind) in [
        (400, Kind::ProviderRejected),
        (403, Kind::PermissionDenied),
        (404, Kind::NotFound),
        (410, Kind::NotFound),
        (429, Kind::RateLimited),
        (500, Kind::ProviderUnavailable),
        (503, Kind::ProviderUnavailable),
        (302, Kind::ProviderRejected),
    ] {
        for body in [r#"{"ok": true, "channels": []}"#, r#"{"ok": false, "error": "brand_new"}"#] {
            let failure = failure(read(&answer(status, body)));
            assert_eq!((failure.kind, failure.provider_status), (kind, Some(status)), "{status}");
        }
    }
    assert_eq!(read(&answer(401, "{}")), Shaped::Reconnect { is_named: false });
    let told = failure(read(&answer(500, r#"{"ok": true}"#))).message;
    assert_eq!(told, "Slack refused the request with status 500.");
}

#[test]
fn a_known_code_goes_before_the_status() {
    let body = r#"{"ok": false, "error": "token_revoked"}"#;
    assert_eq!(read(&answer(500, body)), Shaped::Reconnect { is_named: true });
    let body = r#"{"ok": false, "error": "channel_not_found"}"#;
    assert_eq!(failure(read(&answer(401, body))).kind, FailureKind::NotFound);
}

#[test]
fn too_many_requests_say_when_to_come_back() {
    let seconds = Duration::from_secs;
    for (said, expected) in [
        ("30", Some(seconds(30))),
        (" 0 ", Some(seconds(0))),
        ("99999999999", Some(seconds(86_400))),
        ("-1", None),
        ("1.5", Some(Duration::from_millis(1_500))),
        ("soon", None),
        ("Fri, 15 Jan 2027 08:01:30 GMT", Some(seconds(90))),
        ("Wed, 21 Oct 2026 07:28:00 GMT", Some(seconds(0))),
        ("99999999999999999999999", Some(seconds(86_400))),
    ] {
        for body in [r#"{"ok": false, "error": "ratelimited"}"#, "<html>slow down</html>", ""] {
            let failure = failure(read(&retry_after_is(said, answer(429, body))));
            assert_eq!(failure.kind, FailureKind::RateLimited, "{said} {body}");
            assert_eq!(failure.retry_after, expected, "{said} {body}");
        }
    }
}

#[test]
fn what_is_not_json_is_never_a_success_and_never_quoted() {
    for status in [200, 401, 404, 502] {
        for body in ["<html>xoxp-1</html>", "", "xoxp-1", "{\"ok\": true", "\u{feff}{}"] {
            let shaped = read(&answer(status, body));
            assert!(!matches!(shaped, Shaped::Completed(_)), "{status} {body:?}");
            assert!(!format!("{shaped:?}").contains("xoxp-1"), "{status} {shaped:?}");
        }
    }
    for status in [200, 502] {
        let failure = failure(read(&answer(status, "<html></html>")));
        assert_eq!(failure.kind, FailureKind::ProviderUnavailable);
        assert_eq!(failure.provider_status, Some(status));
        assert!(failure.message.contains(&format!("not JSON (status {status})")));
    }
}

#[test]
fn an_answer_that_does_not_fit_its_mapping_is_the_fault_of_the_provider() {
    for body in [r#"{"ok": true}"#, r#"{"ok": true, "channels": 7}"#, "[1]", "7"] {
        let failure = failure(read(&answer(200, body)));
        assert_eq!(failure.kind, FailureKind::ProviderUnavailable, "{body}");
        assert!(
            failure.message.contains("something unexpected (status 200)"),
            "{}",
            failure.message
        );
        assert_eq!(failure.provider_status, Some(200));
    }
}

#[test]
fn a_message_has_no_control_characters_and_500_of_the_others_at_most() {
    let said = |text: &str| {
        let body = json!({"error": "bad_name", "message": text});
        let message = failure(sent(&answer(400, body.to_string()))).message;
        message.strip_prefix("Acme refused the request").unwrap().to_owned()
    };
    assert_eq!(said("The name\u{7f}\u{1b}[31m is\0 taken.\r\n"), ": The name[31m is taken.");
    assert_eq!(said(&"ü".repeat(501)), format!(": {}", "ü".repeat(500)));
    assert_eq!(said("\n\t"), " with status 400.");
    assert_eq!(said(""), " with status 400.");
    let body = json!({"error": "bad_name", "message": {"not": "a text"}}).to_string();
    let told = failure(sent(&answer(400, body))).message;
    assert_eq!(told, "Acme refused the request with status 400.");
}

#[test]
fn a_fault_of_our_app_is_not_the_end_users() {
    let failure = failure(sent(&answer(403, r#"{"error": "bad_app"}"#)));
    assert_eq!(failure.kind, FailureKind::Misconfigured);
    assert!(!failure.kind.is_retryable());
}

#[test]
fn a_server_that_fails_in_a_change_may_have_made_it() {
    for body in [r#"{"error": "down"}"#, r#"{"error": null}"#, r#"{"error": "brand_new"}"#] {
        let failure = failure(sent(&answer(503, body)));
        assert_eq!(failure.kind, FailureKind::OutcomeUnknown, "{body}");
        assert!(!failure.kind.is_retryable());
    }
    assert_eq!(
        failure(sent(&answer(200, r#"{"error": "down"}"#))).kind,
        FailureKind::OutcomeUnknown
    );
}

#[test]
fn a_change_is_never_called_repeatable_when_it_may_have_been_made() {
    for (status, body) in
        [(502, "<html></html>"), (504, ""), (200, "<html></html>"), (200, r#"{"sent": 7}"#)]
    {
        let failure = failure(sent(&answer(status, body)));
        assert_eq!(failure.kind, FailureKind::OutcomeUnknown, "{status} {body:?}");
    }
}

#[test]
fn where_there_is_no_body_the_status_decides() {
    assert_eq!(read(&answer(401, "")), Shaped::Reconnect { is_named: false });
    assert_eq!(failure(read(&answer(403, ""))).kind, FailureKind::PermissionDenied);
    assert_eq!(failure(read(&answer(404, ""))).kind, FailureKind::NotFound);
    let expected = json!({"id": null, "status": 204, "to": "C1"});
    assert_eq!(sent(&answer(204, "")), Shaped::Completed(expected.into()));
}

#[test]
fn where_the_body_says_whether_it_went_well_none_is_no_success() {
    for status in [200, 204] {
        let failure = failure(read(&answer(status, "")));
        assert_eq!(failure.kind, FailureKind::ProviderUnavailable, "{status}");
        assert!(failure.message.contains("answered with nothing"), "{}", failure.message);
    }
}

#[test]
fn a_code_that_is_no_text_is_an_error_all_the_same() {
    for code in [json!(17), json!(true), json!({"code": "x"})] {
        let body = json!({"error": code, "sent": {"id": 7}}).to_string();
        assert_eq!(failure(sent(&answer(200, body))).kind, FailureKind::ProviderRejected, "{code}");
    }
}

fn forbidden() -> Forbidden {
    Forbidden::foreign_secret(&"https://acme.example/".parse().unwrap())
}

/// What no answer means to a tool that reads, and to one that changes something.
#[test]
fn no_answer_means_less_to_a_tool_that_reads_than_to_one_that_changes() {
    use FailureKind as Kind;
    let slack = slack();
    let acme = acme();
    let reads = slack.tool("slack_list_channels").unwrap();
    let changes = acme.tool("acme_send").unwrap();
    let broken = || Box::new(io::Error::other("10.0.0.1 closed the connection"));
    for (error, reading, changing) in [
        (forbidden().into(), Kind::Misconfigured, Kind::Misconfigured),
        (EgressError::Unreachable(broken()), Kind::ProviderUnavailable, Kind::ProviderUnavailable),
        (EgressError::NoAnswer(broken()), Kind::ProviderUnavailable, Kind::OutcomeUnknown),
        (EgressError::TimedOut, Kind::Timeout, Kind::OutcomeUnknown),
        (EgressError::TooLarge, Kind::ResponseTooLarge, Kind::ResponseTooLarge),
    ] {
        for ((connector, tool), expected) in [(reads, reading), (changes, changing)] {
            let failure = no_answer(connector, tool, &error);
            assert_eq!(failure.kind, expected, "{error:?} of {}", tool.name);
            assert!(failure.message.contains(&connector.name), "{}", failure.message);
            assert!(!failure.message.contains("10.0.0.1"), "{}", failure.message);
            assert_eq!((failure.provider_status, failure.retry_after), (None, None));
        }
    }
}
