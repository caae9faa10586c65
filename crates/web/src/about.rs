//! What is at `/`: what this server is, for people and for programs.

use askama::Template;
use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde_json::json;

use super::page;

const NAME: &str = "Astralform Connectors";
const VERSION: &str = env!("CARGO_PKG_VERSION");

#[derive(Template)]
#[template(path = "about.html")]
struct About {
    name: &'static str,
    version: &'static str,
}

pub(crate) async fn show(headers: HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let is_browser = accepted
        .filter_map(|accepted| accepted.to_str().ok())
        .any(|accepted| accepted.to_ascii_lowercase().contains("text/html"));
    let mut response = if is_browser {
        page(StatusCode::OK, &About { name: NAME, version: VERSION })
    } else {
        let links = json!({
            "api": "/openapi.json",
            "alive": "/healthz",
            "ready": "/readyz",
        });
        Json(json!({"name": NAME, "version": VERSION, "links": links})).into_response()
    };
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    response
}
