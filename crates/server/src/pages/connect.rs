use askama::Template;
use astralform_domain::{AuthReason, AuthStatus, Owner};
use astralform_engine::{BeginError, Consent, Started};
use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode, header},
    response::Response,
};
use serde::Deserialize;

use super::{broken, message, page};
use crate::{App, cookies};

/// What will be connected, for whom and why, with the button that starts it.
#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage<'a> {
    consent: &'a Consent,
    why: &'a str,
}

/// How it ended.
#[derive(Template)]
#[template(path = "result.html")]
struct ResultPage<'a> {
    title: String,
    outcome: &'a str,
    text: String,
    /// What to enter where the link came from.
    code: Option<&'a str>,
}

/// What a browser that has just shared an account brings.
#[derive(Default, Deserialize)]
pub(crate) struct Brought {
    confirmation: Option<String>,
}

/// The step between our page and the provider's.
///
/// Browsers apply a page's `form-action` to every redirect after its form, and providers redirect
/// to hosts we cannot know; a page that moves on by itself ends the form's journey here.
#[derive(Template)]
#[template(path = "leaving.html")]
struct LeavingPage<'a> {
    connector: &'a str,
    url: &'a str,
}

/// Shows what a link asks for, or how it ended. Looking changes nothing.
pub(crate) async fn show(
    State(app): State<App>,
    Path(link): Path<String>,
    Query(brought): Query<Brought>,
) -> Response {
    match app.engine().consent(&link).await {
        Ok(Some(consent)) if consent.status == AuthStatus::Pending => {
            let why = why(consent.request.reason);
            page(StatusCode::OK, &ConnectPage { consent: &consent, why })
        }
        Ok(Some(consent)) => page(StatusCode::OK, &result(&consent, &brought)),
        Ok(None) => unknown_link(),
        Err(fault) => broken(&fault),
    }
}

/// The click: starts a flow in this browser and moves on to the provider.
pub(crate) async fn begin(
    State(app): State<App>,
    Path(link): Path<String>,
    headers: HeaderMap,
) -> Response {
    if !is_same_origin(&headers, app.engine().site().public_url()) {
        let text = "This button works on our own page only. Please open the link again.";
        return message(StatusCode::FORBIDDEN, "This did not work", text);
    }
    let consent = match app.engine().consent(&link).await {
        Ok(Some(consent)) => consent,
        Ok(None) => return unknown_link(),
        Err(fault) => return broken(&fault),
    };
    let browser = cookies::browser(&headers, app.engine().site());
    match app.engine().begin_consent(&link, browser).await {
        Ok(started) => leaving(&app, &consent.connector, &started),
        Err(BeginError::UnknownLink) => unknown_link(),
        Err(BeginError::NotPending) => {
            show(State(app), Path(link), Query(Brought::default())).await
        }
        Err(BeginError::Unusable(why)) => {
            tracing::warn!(error = %why, "consent could not start");
            let text = "The application has this service switched off at the moment. Please tell whoever runs it.";
            message(StatusCode::CONFLICT, "Not available", text)
        }
        Err(BeginError::Fault(fault)) => broken(&fault),
    }
}

fn leaving(app: &App, connector: &str, started: &Started) -> Response {
    let url = started.authorize_url.as_str();
    let mut response = page(StatusCode::OK, &LeavingPage { connector, url });
    if let Some(cookie) = cookies::set_browser(app.engine().site(), &started.browser) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

/// Browsers say where a request comes from; older ones say only `Origin`.
fn is_same_origin(headers: &HeaderMap, public_url: &url::Url) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => origin == public_url.origin().ascii_serialization(),
        (None, None) => false,
    }
}

fn unknown_link() -> Response {
    let text = "This link is not valid. Please ask for a new one where you got it.";
    message(StatusCode::NOT_FOUND, "Link not valid", text)
}

fn why(reason: AuthReason) -> &'static str {
    match reason {
        AuthReason::NotConnected => "It needs your account to do this for you.",
        AuthReason::NeedsReauth => "Your connection has stopped working and has to be renewed.",
        AuthReason::MissingScopes => "It needs a permission that it does not have yet.",
    }
}

fn result<'a>(consent: &Consent, brought: &'a Brought) -> ResultPage<'a> {
    let (service, project) = (&consent.connector, &consent.project);
    let code = brought.confirmation.as_deref().filter(|code| {
        consent.request.owner == Owner::Project
            && consent.status == AuthStatus::AwaitingConfirmation
            && is_code(code)
    });
    let (title, text) = match consent.status {
        AuthStatus::AwaitingConfirmation if code.is_some() => (
            "Almost done".to_owned(),
            format!("{service} is shared with {project} once this code is entered there:"),
        ),
        AuthStatus::Pending | AuthStatus::AwaitingConfirmation => (
            "Almost done".to_owned(),
            format!("{project} still has to confirm that it was you. Please go back to it."),
        ),
        AuthStatus::Completed => (
            format!("{service} is connected"),
            format!("{project} can go on now. You can close this page."),
        ),
        AuthStatus::Declined => (
            "Nothing was connected".to_owned(),
            format!(
                "You declined to connect {service}. Nothing was stored. You can close this page."
            ),
        ),
        AuthStatus::Expired => (
            "This link has expired".to_owned(),
            format!("Nothing was connected. Please ask {project} for a new link."),
        ),
        AuthStatus::Failed => {
            let why =
                consent.request.failure.map_or("something went wrong", |why| why.explanation());
            (format!("{service} could not be connected"), format!("What happened: {why}."))
        }
    };
    ResultPage { title, outcome: consent.status.as_str(), text, code }
}

/// Nothing but a code is shown as one.
fn is_code(text: &str) -> bool {
    text.len() == 22 && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}
