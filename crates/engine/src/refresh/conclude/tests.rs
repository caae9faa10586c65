use astralform_catalog::{Catalog, builtin, load};

use super::*;

fn catalog(connector: &str) -> Catalog {
    load(builtin().iter().copied().filter(|folder| folder.name == connector)).0
}

/// Returns what follows from a reply, which is read as that of the connector for a token of the kind.
fn after(
    connector: &str,
    kind: &str,
    reply: impl Fn(&OAuth, &str) -> Reply,
    in_doubt: bool,
) -> String {
    let catalog = catalog(connector);
    let oauth = catalog.connectors().next().unwrap().oauth.as_ref().unwrap();
    match conclude(oauth, &reply(oauth, kind), in_doubt) {
        Conclusion::Renewed(granted) => format!("renewed {}", granted.access_token.expose()),
        Conclusion::Ended(why) => why.to_string(),
        Conclusion::AppRejected(_) => "app".to_owned(),
        Conclusion::Deferred(Deferral { needs_setting: true, .. }) => "setting".to_owned(),
        Conclusion::Deferred(Deferral { casts_doubt: true, .. }) => "doubt".to_owned(),
        Conclusion::Deferred(Deferral { after: None, .. }) => "later".to_owned(),
        Conclusion::Deferred(Deferral { after: Some(after), .. }) => format!("in {after:?}"),
    }
}

fn answer(status: u16, body: &str) -> impl Fn(&OAuth, &str) -> Reply {
    answer_after(status, body, None)
}

fn answer_after(
    status: u16,
    body: &str,
    after: Option<Duration>,
) -> impl Fn(&OAuth, &str) -> Reply {
    move |oauth, kind| {
        let raw = RawAnswer { status, body: body.to_owned() };
        Reply::Answered(Answered::read(oauth, kind, raw, after))
    }
}

#[test]
fn r4_only_a_plain_refusal_of_the_refresh_token_ends_a_connection() {
    let rejected = "refresh_rejected";
    for (connector, kind, status, body, expected) in [
        // RFC 6749 §5.2, as Notion has it.
        ("notion", "default", 400, r#"{"error":"invalid_grant"}"#, rejected),
        ("notion", "default", 401, r#"{"error":"invalid_grant","more":1}"#, rejected),
        ("notion", "default", 200, r#"{"error":"invalid_grant"}"#, rejected),
        ("notion", "default", 500, r#"{"error":"invalid_grant"}"#, "doubt"),
        ("notion", "default", 503, "", "doubt"),
        ("notion", "default", 502, "<html>Bad gateway</html>", "doubt"),
        ("notion", "default", 504, "", "doubt"),
        ("notion", "default", 408, "", "later"),
        ("notion", "default", 429, r#"{"error":"invalid_grant"}"#, "later"),
        ("notion", "default", 400, r#"{"error":"temporarily_unavailable"}"#, "later"),
        ("notion", "default", 400, r#"{"error":"invalid_request"}"#, "later"),
        ("notion", "default", 400, r#"{"error":"invalid_scope"}"#, "later"),
        ("notion", "default", 400, r#"{"error":"unsupported_grant_type"}"#, "later"),
        ("notion", "default", 400, r#"{"error":"something_new"}"#, "later"),
        ("notion", "default", 401, r#"{"error":"invalid_client"}"#, "app"),
        ("notion", "default", 400, r#"{"error":"invalid_client"}"#, "app"),
        ("notion", "default", 400, r#"{"error":"unauthorized_client"}"#, "app"),
        ("notion", "default", 400, "", "doubt"),
        ("notion", "default", 401, "<html>Sign in to the hotel's network</html>", "doubt"),
        ("notion", "default", 403, "{}", "doubt"),
        ("notion", "default", 200, "<html>Down for maintenance</html>", "doubt"),
        ("notion", "default", 200, "", "doubt"),
        ("notion", "default", 200, "{}", "doubt"),
        ("notion", "default", 200, r#"{"access_token":""}"#, "doubt"),
        ("notion", "default", 200, r#"{"access_token":"a\nb"}"#, "doubt"),
        ("notion", "default", 200, r#"{"access_token":7}"#, "doubt"),
        ("notion", "default", 302, "", "doubt"),
        ("notion", "default", 200, r#"{"access_token":"new"}"#, "renewed new"),
        // Refusals with HTTP 200.
        ("github", "default", 200, r#"{"error":"bad_refresh_token"}"#, rejected),
        ("github", "default", 200, r#"{"error":"incorrect_client_credentials"}"#, "app"),
        ("github", "default", 200, r#"{"error":"slow_down"}"#, "later"),
        ("github", "default", 200, r#"{"access_token":"new","expires_in":"28800"}"#, "renewed new"),
        ("github", "default", 404, r#"{"message":"Not Found"}"#, "doubt"),
        ("slack", "user", 200, r#"{"ok":false,"error":"invalid_refresh_token"}"#, rejected),
        ("slack", "user", 400, r#"{"ok":false,"error":"invalid_grant"}"#, rejected),
        ("slack", "user", 200, r#"{"ok":false,"error":"internal_error"}"#, "later"),
        ("slack", "user", 200, r#"{"ok":false,"error":"ratelimited"}"#, "later"),
        ("slack", "user", 200, r#"{"ok":false,"error":"bad_client_secret"}"#, "app"),
        ("slack", "user", 200, r#"{"ok":true}"#, "doubt"),
        (
            "slack",
            "user",
            200,
            r#"{"ok":true,"access_token":"new","token_type":"user"}"#,
            "renewed new",
        ),
        (
            "slack",
            "bot",
            200,
            r#"{"ok":true,"access_token":"new","token_type":"bot"}"#,
            "renewed new",
        ),
    ] {
        let found = after(connector, kind, answer(status, body), false);
        assert_eq!(found, expected, "{connector} {status} {body}");
    }
}

#[test]
fn r2_what_was_lost_on_the_way_is_told_from_what_was_taken_back() {
    let refused = answer(400, r#"{"error":"invalid_grant"}"#);
    assert_eq!(after("notion", "default", &refused, true), "refresh_outcome_unknown");
    assert_eq!(after("notion", "default", &refused, false), "refresh_rejected");
    assert_eq!(after("notion", "default", |_, _| Reply::Lost, false), "doubt");
    assert_eq!(after("notion", "default", |_, _| Reply::NotSent, false), "later");
    let why = "its address may not be called";
    let not_allowed = |_: &OAuth, _: &str| Reply::NotAllowed(why.to_owned());
    assert_eq!(after("notion", "default", not_allowed, true), "setting");
}

#[test]
fn r4_the_providers_word_when_to_come_back_counts() {
    let busy = answer_after(429, "", Some(Duration::from_secs(7)));
    assert_eq!(after("notion", "default", busy, false), "in 7s");
}

#[test]
fn of_several_tokens_in_an_answer_the_right_one_is_taken() {
    let both =
        r#"{"ok":true,"access_token":"b","token_type":"bot","authed_user":{"access_token":"u"}}"#;
    assert_eq!(after("slack", "user", answer(200, both), false), "renewed u");
    assert_eq!(after("slack", "bot", answer(200, both), false), "renewed b");
}
