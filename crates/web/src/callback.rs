use astralform_domain::{ProjectConnectorId, Secret};
use astralform_engine::{Callback, FinishError};
use astralform_http::cookies;
use astralform_surface::{App, run_detached};
use axum::{
    extract::{Path, State},
    http::{HeaderMap, Method, StatusCode, request::Parts},
    response::{IntoResponse, Redirect, Response},
};
use url::form_urlencoded;

use super::{broken, message};

/// The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Default)]
struct Parameters {
    state: Option<String>,
    code: Option<Secret>,
    error: Option<String>,
    description: Option<String>,
    issuer: Option<String>,
}

impl Parameters {
    /// Reads a query; returns `None` where a parameter that decides is there twice.
    fn read(query: &str) -> Option<Self> {
        let mut read = Self::default();
        let mut other = (None, None);
        for (name, text) in form_urlencoded::parse(query.as_bytes()) {
            let text = text.into_owned();
            let is_second = match &*name {
                "state" => read.state.replace(text).is_some(),
                "code" => read.code.replace(Secret::new(text)).is_some(),
                "error" => read.error.replace(text).is_some(),
                "iss" => read.issuer.replace(text).is_some(),
                "error_description" => {
                    read.description = Some(text);
                    false
                }
                "error_code" => {
                    other.0 = Some(text);
                    false
                }
                "error_message" => {
                    other.1 = Some(text);
                    false
                }
                _ => false,
            };
            if is_second {
                return None;
            }
        }
        // Some providers have names of their own for what goes wrong before the end user is asked.
        if read.code.is_none() && read.error.is_none() {
            (read.error, read.description) = (other.0, read.description.or(other.1));
        }
        Some(read)
    }
}

/// Returns whether no person looks at the answer: a browser fetches it ahead, or a program asks
/// whether the page exists. Neither is the person's coming back.
fn is_looking_ahead(method: &Method, headers: &HeaderMap) -> bool {
    const SAYING: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];
    let mut said = SAYING.iter().filter_map(|name| headers.get(*name)?.to_str().ok());
    method != Method::GET
        || said.any(|text| {
            let text = text.to_ascii_lowercase();
            ["prefetch", "prerender", "preview"].iter().any(|word| text.contains(word))
        })
}

/// Answers at the redirect URI that connectors of the catalogue share.
pub(crate) async fn shared(State(app): State<App>, request: Parts) -> Response {
    let redirect_uri = app.engine().site().shared_redirect_uri();
    finish(&app, &redirect_uri, &request).await
}

/// Answers at the redirect URI of one project connector alone.
pub(crate) async fn own(
    State(app): State<App>,
    Path(id): Path<String>,
    request: Parts,
) -> Response {
    let Ok(id) = id.parse::<ProjectConnectorId>() else {
        return unknown();
    };
    let redirect_uri = app.engine().site().own_redirect_uri(id);
    finish(&app, &redirect_uri, &request).await
}

async fn finish(app: &App, redirect_uri: &str, request: &Parts) -> Response {
    let headers = &request.headers;
    if is_looking_ahead(&request.method, headers) {
        // No browser shows, or keeps, such an answer in place of the one to the person's coming.
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let query = request.uri.query().unwrap_or_default();
    let Some(parameters) = Parameters::read(query) else { return unknown() };
    let browser = cookies::browser(headers, app.engine().site().is_encrypted());
    let app = app.clone();
    let redirect_uri = redirect_uri.to_owned();
    let finished = run_detached(async move {
        let callback = Callback {
            redirect_uri: &redirect_uri,
            state: parameters.state.as_deref(),
            code: parameters.code,
            error: parameters.error.as_deref(),
            description: parameters.description.as_deref(),
            issuer: parameters.issuer.as_deref(),
            browser: browser.as_ref().map(Secret::expose),
        };
        app.engine().consents.finish_consent(callback).await
    });
    match finished.await {
        Ok(next) => Redirect::to(&next).into_response(),
        Err(FinishError::UnknownState) => unknown(),
        Err(FinishError::ForeignBrowser) => {
            let text = "This was started in another browser. Nothing was connected. Please open a new link and stay in one browser.";
            message(StatusCode::FORBIDDEN, "Nothing was connected", text)
        }
        Err(FinishError::OtherRedirectUri) => {
            let text = "The service sent you back to another address than this application asked for. Nothing was connected. Please tell whoever runs the application: they have to correct the redirect URI at the service.";
            message(StatusCode::BAD_REQUEST, "Nothing was connected", text)
        }
        Err(FinishError::Fault(fault)) => broken(&fault),
    }
}

fn unknown() -> Response {
    let text = "This answer belongs to no request that is still open: it took too long, or was not started here. Nothing was connected.";
    message(StatusCode::BAD_REQUEST, "Nothing was connected", text)
}
