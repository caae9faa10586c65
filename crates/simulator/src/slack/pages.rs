//! The HTML pages; every one says that it is simulated.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};

use super::Slack;
use super::app::RegisteredApp;
use super::scopes::Scope;
use super::workspace::{Person, Workspace};

const HEADERS: [(&str, &str); 4] = [
    // No `form-action`: browsers apply it to the redirect back to the app, too.
    (
        "content-security-policy",
        "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    ("cache-control", "no-store"),
    ("referrer-policy", "no-referrer"),
    ("x-content-type-options", "nosniff"),
];

/// The page on which a person decides.
#[derive(Template)]
#[template(path = "slack/consent.html")]
pub(crate) struct ConsentPage<'a> {
    app_name: &'a str,
    workspace: &'a str,
    consent: &'a str,
    people: &'a [Person],
    asked: Vec<AskedScopes<'a>>,
    returns_to: &'a str,
}

/// The scopes asked for one kind of token.
struct AskedScopes<'a> {
    heading: String,
    scopes: &'a [&'static Scope],
}

/// The page that goes nowhere.
#[derive(Template)]
#[template(path = "slack/error.html")]
pub(crate) struct ErrorPage {
    status: StatusCode,
    code: &'static str,
    why: String,
}

#[derive(Template)]
#[template(path = "slack/home.html")]
struct HomePage<'a> {
    workspace: &'a Workspace,
}

#[derive(Template)]
#[template(path = "slack/message.html")]
struct MessagePage<'a> {
    channel: &'a str,
    author: &'a str,
    text: String,
    ts: &'a str,
}

/// Shows who and what there is.
pub(crate) async fn home(State(slack): State<Slack>) -> Response {
    page(StatusCode::OK, &HomePage { workspace: &slack.state().workspace })
}

/// Shows the message a permalink leads to.
pub(crate) async fn archive(
    State(slack): State<Slack>,
    Path((channel, message)): Path<(String, String)>,
) -> Response {
    let state = slack.state();
    let permalinked = |ts: &str| message.strip_prefix('p') == Some(&ts.replace('.', ""));
    let mut messages = state.messages.iter();
    let found = messages.find(|known| known.channel == channel && permalinked(&known.ts));
    let Some(found) = found else {
        let why = "there is no such message";
        return ErrorPage::new(StatusCode::NOT_FOUND, "message_not_found", why).into_response();
    };
    let person = state.workspace.person(&found.author.user);
    let channel = state.workspace.conversation(&found.channel);
    let text = found.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let author = person.map_or("An app", |person| person.real_name.as_str());
    let channel = channel.map_or("", |channel| channel.name.as_str());
    page(StatusCode::OK, &MessagePage { channel, author, text, ts: &found.ts })
}

// === impl ConsentPage ===

impl<'a> ConsentPage<'a> {
    pub(crate) fn new(
        app: &'a RegisteredApp,
        workspace: &'a Workspace,
        consent: &'a str,
        returns_to: &'a str,
        (bot, user): (&'a [&'static Scope], &'a [&'static Scope]),
    ) -> Self {
        let asked = [
            AskedScopes { heading: format!("{} will be able to", app.name), scopes: bot },
            AskedScopes { heading: format!("{} will, acting as you,", app.name), scopes: user },
        ];
        Self {
            app_name: &app.name,
            workspace: &workspace.name,
            consent,
            people: &workspace.people,
            asked: asked.into_iter().filter(|asked| !asked.scopes.is_empty()).collect(),
            returns_to,
        }
    }
}

impl IntoResponse for ConsentPage<'_> {
    fn into_response(self) -> Response {
        page(StatusCode::OK, &self)
    }
}

// === impl ErrorPage ===

impl ErrorPage {
    pub(crate) fn new(status: StatusCode, code: &'static str, why: &str) -> Self {
        Self { status, code, why: why.to_owned() }
    }
}

impl IntoResponse for ErrorPage {
    fn into_response(self) -> Response {
        page(self.status, &self)
    }
}

fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => (status, HEADERS, Html(html)).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
