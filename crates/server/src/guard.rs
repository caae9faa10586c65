//! The checks that every request has to pass first.

use astralform_domain::texts::cut;
use astralform_http::{Framing, Peer};
use astralform_surface::{App, Problem, Refusal, served::Served};
use axum::{
    extract::Request,
    http::{HeaderName, Version, header},
    response::{IntoResponse as _, Response},
};
use url::Url;

/// Headers that say who asks for what: another server might believe the second one.
const ONCE: [(HeaderName, &str); 5] = [
    (header::HOST, "Host"),
    (header::AUTHORIZATION, "Authorization"),
    (HeaderName::from_static("x-end-user-id"), "X-End-User-ID"),
    (HeaderName::from_static("x-agent-id"), "X-Agent-ID"),
    (HeaderName::from_static("idempotency-key"), "Idempotency-Key"),
];

/// Refuses requests that can be understood in two ways, or that are meant for another server.
///
/// # Errors
/// With what is wrong.
pub(crate) fn check(app: &App, request: &Request) -> Result<(), Problem> {
    let headers = request.headers();
    let framing = request.extensions().get::<Peer>().map(|peer| peer.link.framing());
    let has_encoding = headers.contains_key(header::TRANSFER_ENCODING);
    if framing == Some(Framing::Ambiguous) || framing == Some(Framing::Unseen) && has_encoding {
        return Err(Problem::from(Refusal::AmbiguousLength).and_close());
    }
    for (name, spelling) in &ONCE {
        if headers.get_all(name).iter().nth(1).is_some() {
            return Err(Refusal::DuplicateHeader(spelling).into());
        }
    }
    if request.version() == Version::HTTP_11 && !headers.contains_key(header::HOST) {
        return Err(Refusal::HostRequired.into());
    }
    if is_for_probes(request) {
        return Ok(());
    }
    let engine = app.engine();
    let public = engine.site().public_url();
    match app.hosts().foreign(request, public) {
        None => Ok(()),
        Some(host) => Err(refuse_host(host, public)),
    }
}

fn refuse_host(host: &str, public: &Url) -> Problem {
    tracing::info!(host = %cut(host, 200).escape_debug(), "a request for another host is refused");
    Refusal::HostNotAllowed(public.host_str().unwrap_or_default().to_owned()).into()
}

/// Returns whether a request is a probe, by which the system that runs this server looks after it.
/// Probes name the address that they use, and learn nothing.
fn is_for_probes(request: &Request) -> bool {
    matches!(request.uri().path(), "/healthz" | "/readyz")
}

/// Returns whether a request is one that a credential may answer for.
pub(crate) fn shows_credential(request: &Request) -> bool {
    let path = request.uri().path();
    request.headers().contains_key(header::AUTHORIZATION)
        && path.starts_with("/v1/")
        && !path.starts_with("/v1/connectors/oauth/callback")
}

/// Delays the answers to an address that asks in vain again and again.
pub(crate) async fn slow_down(app: &App, served: &Served, response: Response) -> Response {
    match app.admit_visitor(served).await {
        Ok(()) => response,
        Err(refused) => refused.into_response(),
    }
}
