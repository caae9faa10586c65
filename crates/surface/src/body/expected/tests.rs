use astralform_domain::{ConnectionId, Environment, Patch, Timestamp, ToolName};
use serde_json::json;

use super::*;
use crate::body::Whole;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only reading it is tried")]
struct Note {
    place: Environment,
    #[serde(default)]
    wait: Whole<0, 55>,
    id: Option<ConnectionId>,
    #[serde(default)]
    tools: Vec<ToolName>,
    #[serde(default)]
    inner: Option<Inner>,
    #[serde(default)]
    #[schemars(with = "Option<String>")]
    label: Patch<String>,
    since: Option<Timestamp>,
    #[serde(default)]
    dry_run: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("x-of-other-fields" = "the rest goes outside"))]
#[expect(dead_code, reason = "only reading it is tried")]
struct Inner {
    text: String,
}

fn said(body: &Value) -> String {
    let read = Expected::of::<Note>().read::<Note>(body.to_string().as_bytes());
    let said = read.unwrap_err().to_string();
    said.strip_prefix("the body: ").unwrap().to_owned()
}

fn said_of_query(query: &str) -> String {
    Expected::of::<Note>().read_query::<Note>(query).unwrap_err().to_string()
}

#[test]
fn a_fault_names_the_field_what_was_given_and_what_is_allowed() {
    for (body, expected) in [
        (json!({"place": "prod"}), "`place` is `prod`: it must be `live` or `test`"),
        (json!({}), "`place` is missing: it must be `live` or `test`"),
        (json!({"place": 5}), "`place` is a number: it must be `live` or `test`"),
        (json!({"place": null}), "`place` is null: it must be `live` or `test`"),
        (
            json!({"place": "test", "wait": "many"}),
            "`wait` is `many`: it must be a whole number from 0 to 55",
        ),
        (
            json!({"place": "test", "wait": 56}),
            "`wait` is 56: it must be a whole number from 0 to 55",
        ),
        (
            json!({"place": "test", "wait": -1}),
            "`wait` is -1: it must be a whole number from 0 to 55",
        ),
        (
            json!({"place": "test", "wait": 5.5}),
            "`wait` is 5.5: it must be a whole number from 0 to 55",
        ),
        (
            json!({"place": "test", "wait": [1]}),
            "`wait` is a list: it must be a whole number from 0 to 55",
        ),
        (
            json!({"place": "test", "id": "user_1"}),
            "`id` is `user_1`: an id that starts with conn_ and 26 letters or digits was expected",
        ),
        (
            json!({"place": "test", "tools": "x"}),
            "`tools` is `x`: it must be a list, each item of it a text of 64 characters at most",
        ),
        (
            json!({"place": "test", "tools": ["a", "B C"]}),
            "`tools[1]` is `B C`: a tool's name has 1 to 64 characters: lower-case letters, digits and _, a letter first",
        ),
        (json!({"place": "test", "inner": {}}), "`inner.text` is missing: it must be a text"),
        (
            json!({"place": "test", "inner": {"text": "", "more": 1}}),
            "`inner.more` is not one of the fields here: those are `text`; the rest goes outside",
        ),
        (
            json!({"place": "test", "dry_run": "yes"}),
            "`dry_run` is `yes`: it must be `true` or `false`",
        ),
        (
            json!({"place": "test", "since": "yesterday"}),
            "`since` is `yesterday`: a moment as in 2026-07-28T09:30:00Z was expected (RFC 3339)",
        ),
    ] {
        assert_eq!(said(&body), expected, "{body}");
    }
    let all = "`place`, `wait`, `id`, `tools`, `inner`, `label`, `since` and `dry_run`";
    let expected = format!("`plaice` is not one of the fields here: those are {all}");
    assert_eq!(said(&json!({"plaice": "test"})), expected);
}

#[test]
fn no_more_of_a_text_is_repeated_than_names_it() {
    let secret = "xoxp-0123456789-0123456789";
    for body in [
        json!({"place": secret}),
        json!({"place": "test", "id": secret}),
        json!({"place": "test", "inner": secret}),
        json!({"place": "test", "tools": [secret]}),
    ] {
        let said = said(&body);
        assert!(said.contains("xoxp-0…") && !said.contains("xoxp-01"), "{said}");
    }
    assert_eq!(
        said(&json!({"place": "test", "label": 123_456})),
        "`label` is a number: it must be a text"
    );
}

#[test]
fn null_stands_for_left_out_where_a_field_may_be_left_out_and_not_be_null() {
    let body =
        json!({"place": "test", "wait": null, "tools": null, "dry_run": null, "label": null});
    let read = Expected::of::<Note>().read::<Note>(body.to_string().as_bytes()).unwrap();
    assert_eq!((read.wait.get(), read.tools.len(), read.dry_run), (0, 0, false));
    assert!(matches!(read.label, Patch::Clear), "null is a value of this one");
}

#[test]
fn what_is_no_json_further_on_is_told_so() {
    let broken = br#"{"wait": "many", }"#;
    let refused = Expected::of::<Note>().read::<Note>(broken).unwrap_err();
    assert!(matches!(refused, Refusal::NotJson { line: 1, column: 18, .. }), "{refused:?}");
}

#[test]
fn what_comes_twice_is_refused() {
    let body = br#"{"place":"test","wait":null,"place":"live"}"#;
    let refused = Expected::of::<Note>().read::<Note>(body).unwrap_err();
    let twice = "`place` was sent more than once: send it once";
    assert_eq!(refused.to_string(), format!("the body: {twice}"));
    assert_eq!(said_of_query("place=test&place=live"), twice);
}

#[test]
fn a_query_is_told_in_the_same_words() {
    for (query, expected) in [
        ("place=prod", "`place` is `prod`: it must be `live` or `test`"),
        ("place=", "`place` is an empty text: it must be `live` or `test`"),
        ("wait=5", "`place` is missing: it must be `live` or `test`"),
        ("place=test&wait=many", "`wait` is `many`: it must be a whole number from 0 to 55"),
        ("place=test&wait=56", "`wait` is `56`: it must be a whole number from 0 to 55"),
        ("place=test&dry_run=yes", "`dry_run` is `yes`: it must be `true` or `false`"),
    ] {
        assert_eq!(said_of_query(query), expected, "{query}");
    }
    assert!(
        said_of_query("place=test&plaice=x")
            .starts_with("`plaice` is not one of the fields here: those are")
    );
}

#[test]
fn a_whole_number_may_be_written_with_a_fraction_of_nothing() {
    let read = |text: &str| serde_json::from_str::<Whole<1, 100>>(text).map(Whole::get).ok();
    assert_eq!([read("5"), read("5.0"), read("1e2")], [Some(5), Some(5), Some(100)]);
    for bad in ["0", "101", "5.5", "-1", "\"5\"", "1e300", "null", "18446744073709551616"] {
        assert_eq!(read(bad), None, "{bad}");
    }
}
