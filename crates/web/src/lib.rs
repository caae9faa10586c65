//! The pages end users see. They work without JavaScript and load nothing from elsewhere.

mod about;
mod assets;
mod callback;
mod connect;
mod logos;

use askama::Template;
use astralform_domain::texts::with_hidden_shown;
use astralform_surface::App;
use axum::{
    Router,
    http::{HeaderValue, StatusCode, header},
    response::{Html, IntoResponse, Response},
    routing::get,
};

/// Returns the pages, with what they load.
pub fn pages() -> Router<App> {
    Router::new()
        .route("/", get(about::show))
        .route("/v1/connectors/oauth/callback", get(callback::shared))
        .route("/v1/connectors/oauth/callback/{id}", get(callback::own))
        .route("/connect/{link}", get(connect::show).post(connect::begin))
        .route("/assets/logos/{project}/{file}", get(logos::show))
        .route("/assets/page.css", get(assets::stylesheet))
        .route("/favicon.ico", get(assets::icon))
}

/// A page that says what went wrong when there is nothing else to show.
#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    title: &'a str,
    outcome: &'a str,
    text: &'a str,
}

/// What a page may load and do: our stylesheet, our icon, and forms to ourselves.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";

/// Writes a page out.
fn page(status: StatusCode, template: &impl Template) -> Response {
    let Ok(html) = template.render() else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    // Our own templates have none of these, so each comes from a text on the page.
    let html = with_hidden_shown(&html).into_owned();
    let mut response = (status, Html(html)).into_response();
    let policy = HeaderValue::from_static(POLICY);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    // With `no-referrer` browsers would say `Origin: null` even of our own form.
    let referrer = HeaderValue::from_static("same-origin");
    response.headers_mut().insert(header::REFERRER_POLICY, referrer);
    response
}

fn message(status: StatusCode, title: &str, text: &str) -> Response {
    page(status, &MessagePage { title, outcome: "failed", text })
}

fn broken(fault: &astralform_engine::Fault) -> Response {
    tracing::error!(error = astralform_domain::chain(fault), "a page failed");
    let text = "Something is broken on our side. Please try again later.";
    message(StatusCode::INTERNAL_SERVER_ERROR, "This did not work", text)
}
