use astralform_http::Peer;
use astralform_surface::{App, Problem, Refusal, auth::bearer};
use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use subtle::ConstantTimeEq as _;
use url::{Host, Url};

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a proxy in front of us adds.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, header::VIA, HeaderName::from_static("x-forwarded-for")];

pub(crate) async fn show(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let peer = peer.map(|Extension(peer)| peer);
    from_no_page(&headers)?;
    match app.metrics_token() {
        Some(token) => {
            let sent = bearer(&headers).map_err(|_| Refusal::NotTheMetricsToken)?;
            if !bool::from(sent.as_bytes().ct_eq(token.expose().as_bytes())) {
                return Err(Refusal::NotTheMetricsToken.into());
            }
        }
        None if is_of_this_machine(app.engine().site().public_url(), peer, &headers) => {}
        None => {
            return Err(Refusal::MetricsElsewhere.into());
        }
    }
    let kind = HeaderValue::from_static(OPEN_METRICS);
    Ok(([(header::CONTENT_TYPE, kind)], app.engine().metrics().exposition()).into_response())
}

/// Refuses web pages: a person may look, by typing the address, but no page may, under any name.
fn from_no_page(headers: &HeaderMap) -> Result<(), Problem> {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    if headers.contains_key(header::ORIGIN) || site.is_some_and(|site| site != b"none") {
        return Err(Refusal::MetricsForPages.into());
    }
    Ok(())
}

/// Returns whether only this machine can have asked. A proxy on it asks for others: that shows in
/// the headers that it adds, in the host that was asked for, and in our being known by another
/// address than loopback.
fn is_of_this_machine(public_url: &Url, peer: Option<Peer>, headers: &HeaderMap) -> bool {
    let asked = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let asked = asked.and_then(|host| format!("http://{host}/").parse::<Url>().ok());
    peer.is_some_and(|peer| peer.address.ip().to_canonical().is_loopback())
        && asked.is_some_and(|url| is_loopback(&url))
        && is_loopback(public_url)
        && !FORWARDED.iter().any(|name| headers.contains_key(name))
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn allowed(public_url: &str, peer: &str, host: &'static str) -> bool {
        let headers = HeaderMap::from_iter([(header::HOST, HeaderValue::from_static(host))]);
        let address = format!("{peer}:50000").parse().unwrap();
        let peer = Peer { address, link: Arc::default() };
        is_of_this_machine(&public_url.parse().unwrap(), Some(peer), &headers)
    }

    #[test]
    fn m1_without_a_token_only_this_machine_reads_and_nobody_through_it() {
        let (here, loopback) = ("http://127.0.0.1:8787/", "127.0.0.1");
        for host in ["127.0.0.1:8787", "localhost:8787", "[::1]:8787"] {
            assert!(allowed(here, loopback, host), "{host}");
            assert!(allowed(here, "[::1]", host) && allowed(here, "[::ffff:127.0.0.1]", host));
            assert!(!allowed(here, "192.0.2.7", host), "{host} from elsewhere");
            assert!(!allowed("https://connect.example.com/", loopback, host), "{host} by a proxy");
        }
        for host in ["connect.example.com", "127.0.0.1.example.com", "evil.example:8787", ""] {
            assert!(!allowed(here, loopback, host), "{host}");
        }
        assert!(!is_of_this_machine(&here.parse().unwrap(), None, &HeaderMap::new()));
    }
}
