//! The HTML pages.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::app::RegisteredApp;
use super::scopes::Scope;
use super::workspace::{Person, Workspace};
use super::{SERVICE, Slack};
use crate::pages::{ErrorPage, page};

/// The page on which a person decides.
#[derive(Template)]
#[template(path = "slack/consent.html")]
pub(crate) struct ConsentPage<'a> {
    service: &'static str,
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

#[derive(Template)]
#[template(path = "slack/home.html")]
struct HomePage<'a> {
    service: &'static str,
    workspace: &'a Workspace,
}

#[derive(Template)]
#[template(path = "slack/message.html")]
struct MessagePage<'a> {
    service: &'static str,
    channel: &'a str,
    author: &'a str,
    text: String,
    ts: &'a str,
}

/// Shows who and what there is.
pub(crate) async fn home(State(slack): State<Slack>) -> Response {
    page(StatusCode::OK, &HomePage { service: SERVICE, workspace: &slack.state().workspace })
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
        return ErrorPage::new(SERVICE, StatusCode::NOT_FOUND, "message_not_found", why)
            .into_response();
    };
    let person = state.workspace.person(&found.author.user);
    let channel = state.workspace.conversation(&found.channel);
    let text = found.text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    let author = person.map_or("An app", |person| person.real_name.as_str());
    let channel = channel.map_or("", |channel| channel.name.as_str());
    page(StatusCode::OK, &MessagePage { service: SERVICE, channel, author, text, ts: &found.ts })
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
            service: SERVICE,
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
