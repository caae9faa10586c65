use astralform_domain::{ProjectConnectorId, Secret};
use astralform_engine::{Callback, FinishError};
use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use serde::{Deserialize, Deserializer};

use super::{broken, message};
use crate::{App, cookies, finish::to_the_end};

/// The parameters of an authorization response (RFC 6749 §4.1.2, RFC 9207 §2).
#[derive(Deserialize)]
pub(crate) struct Parameters {
    state: Option<String>,
    #[serde(default, deserialize_with = "secret")]
    code: Option<Secret>,
    error: Option<String>,
    iss: Option<String>,
}

/// The redirect URI that connectors of the catalogue share.
pub(crate) async fn shared(
    State(app): State<App>,
    query: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let redirect_uri = app.engine().site().shared_redirect_uri();
    finish(&app, &redirect_uri, query, &headers).await
}

/// The redirect URI of one project connector alone.
pub(crate) async fn own(
    State(app): State<App>,
    Path(id): Path<String>,
    query: Result<Query<Parameters>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let Ok(id) = id.parse::<ProjectConnectorId>() else {
        return unknown();
    };
    let redirect_uri = app.engine().site().own_redirect_uri(id);
    finish(&app, &redirect_uri, query, &headers).await
}

async fn finish(
    app: &App,
    redirect_uri: &str,
    query: Result<Query<Parameters>, QueryRejection>,
    headers: &HeaderMap,
) -> Response {
    let Ok(Query(parameters)) = query else { return unknown() };
    let browser = cookies::browser(headers, app.engine().site());
    let (app, redirect_uri) = (app.clone(), redirect_uri.to_owned());
    let finished = to_the_end(async move {
        let callback = Callback {
            redirect_uri: &redirect_uri,
            state: parameters.state.as_deref(),
            code: parameters.code,
            error: parameters.error.as_deref(),
            issuer: parameters.iss.as_deref(),
            browser: browser.as_ref().map(Secret::expose),
        };
        app.engine().finish_consent(callback).await
    });
    match finished.await {
        Ok(next) => Redirect::to(&next).into_response(),
        Err(FinishError::UnknownState) => unknown(),
        Err(FinishError::ForeignBrowser) => {
            let text = "This was started in another browser. Nothing was connected. Please open a new link and stay in one browser.";
            message(StatusCode::FORBIDDEN, "Nothing was connected", text)
        }
        Err(FinishError::Fault(fault)) => broken(&fault),
    }
}

fn unknown() -> Response {
    let text = "This answer belongs to no request that is still open: it was used already, took too long, or was not started here. Nothing was connected.";
    message(StatusCode::BAD_REQUEST, "Nothing was connected", text)
}

fn secret<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.map(Secret::new))
}
