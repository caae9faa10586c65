mod key;
mod result;

use std::{borrow::Cow, collections::BTreeMap};

use askama::Template;
use astralform_domain::{AuthReason, AuthStatus, Owner, Secret};
use astralform_engine::{BeginError, Consent, Started, Unusable};
use astralform_http::{cookies, is_same_origin};
use astralform_surface::{App, body};
use axum::{
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};

use super::{broken, message, page};
use key::Input;
use result::{ConfirmationQuery, result};

/// What will be connected, for whom and why, with the button that starts it.
#[derive(Template)]
#[template(path = "connect.html")]
struct ConnectPage<'a> {
    consent: &'a Consent<'a>,
    why: &'a str,
    /// What is entered on the page itself, where that is a key.
    inputs: Vec<Input<'a>>,
    /// Why what was entered before is not taken.
    refused: Option<Cow<'a, str>>,
}

/// The step between our page and another one.
///
/// Browsers apply a page's `form-action` to every redirect after its form, and providers redirect
/// to hosts we cannot know; a page that moves on by itself ends the redirects of the form here.
#[derive(Template)]
#[template(path = "leaving.html")]
struct LeavingPage<'a> {
    to: &'a str,
    url: &'a str,
}

/// Shows what a link asks for, or how it ended. Looking changes nothing.
pub(crate) async fn show(
    State(app): State<App>,
    Path(link): Path<String>,
    Query(brought): Query<ConfirmationQuery>,
) -> Response {
    match app.engine().prompts.consent(&link).await {
        Ok(Some(consent)) if consent.status == AuthStatus::Pending => {
            if let Some(why) = consent.unusable {
                return not_available(StatusCode::OK, why);
            }
            asking(StatusCode::OK, &consent, &BTreeMap::new(), None)
        }
        Ok(Some(consent)) => page(StatusCode::OK, &result(&consent, &brought)),
        Ok(None) => unknown_link(),
        Err(fault) => broken(&fault),
    }
}

/// Takes the click: starts a flow in this browser and moves on to the provider, or takes the key
/// that was entered.
pub(crate) async fn begin(
    State(app): State<App>,
    Path(link): Path<String>,
    request: Request,
) -> Response {
    let headers = request.headers().clone();
    if !is_same_origin(&headers, app.engine().site().public_url()) {
        let text = "This button works on our own page only. Please open the link again.";
        return message(StatusCode::FORBIDDEN, "This did not work", text);
    }
    let engine = app.engine();
    let consent = match engine.prompts.consent(&link).await {
        Ok(Some(consent)) => consent,
        Ok(None) => return unknown_link(),
        Err(fault) => return broken(&fault),
    };
    if consent.key.is_some() {
        return match body::whole(request, &app, body::SMALL).await {
            Ok(form) => key::enter(&app, &link, &consent, &form).await,
            Err(problem) => problem.into_response(),
        };
    }
    let browser = cookies::browser(&headers, app.engine().site().is_encrypted());
    match app.engine().consents.begin_consent(&link, browser).await {
        Ok(started) => leaving(&app, &consent.connector, &started),
        Err(error) => not_begun(&app, &link, error).await,
    }
}

async fn not_begun(app: &App, link: &str, error: BeginError) -> Response {
    match error {
        BeginError::UnknownLink => unknown_link(),
        BeginError::NotPending => {
            let brought = Query(ConfirmationQuery::default());
            show(State(app.clone()), Path(link.to_owned()), brought).await
        }
        BeginError::TooManyAttempts => {
            let text = "It was tried as often as a link can be, so it is of no use any more. Nothing was connected. Please ask for a new one where you got it.";
            message(StatusCode::TOO_MANY_REQUESTS, "This link was tried too often", text)
        }
        BeginError::Unusable(why) => not_available(StatusCode::CONFLICT, why),
        BeginError::Fault(fault) => broken(&fault),
    }
}

/// Returns the page of a connector that cannot be used at present: it offers nothing.
fn not_available(status: StatusCode, why: Unusable) -> Response {
    tracing::warn!(error = %why, "consent could not start");
    let text =
        "The application has this service switched off at the moment. Please tell whoever runs it.";
    message(status, "Not available", text)
}

/// Returns the page that asks, with what was entered on it before.
fn asking(
    status: StatusCode,
    consent: &Consent<'_>,
    entered: &BTreeMap<String, Secret>,
    refused: Option<Cow<'_, str>>,
) -> Response {
    let inputs = consent.key.map_or_else(Vec::new, |key| key::inputs(key, entered));
    let why = why(consent.request.reason);
    page(status, &ConnectPage { consent, why, inputs, refused })
}

fn leaving(app: &App, connector: &str, started: &Started) -> Response {
    let mut response = moving_on(connector, started.authorize_url.as_str());
    if let Some(cookie) = cookies::set_browser(app.engine().site().is_encrypted(), &started.browser)
    {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response
}

fn moving_on(to: &str, url: &str) -> Response {
    page(StatusCode::OK, &LeavingPage { to, url })
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
