//! The only way out: every request to another machine goes through here.
//!
//! An address is resolved, checked and dialled in one place (`dial`), so that what was checked
//! is what is connected to. Connections are kept for the next request to the same place (`pool`).
//! There are no redirects, no proxies and no cookies; a request is sent again only when a kept
//! connection turned out to be closed before any of it was written.

mod address;
mod ahead;
mod charset;
mod coding;
mod dial;
mod exchange;
mod explain;
mod forbidden;
mod pool;
mod repair;
mod retry_after;
mod scrub;
mod trust;

use std::{
    fmt,
    net::SocketAddr,
    time::{Duration, Instant},
};

use astralform_domain::{Timestamp, limits};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery};
use http_body_util::Full;
use thiserror::Error;
use tracing::Level;
use url::{Position, Url};

pub use address::Networks;
use dial::{Dialer, Names};
use exchange::{Connection, Ended};
pub use forbidden::Forbidden;
use pool::{Pool, place};
pub(crate) use retry_after::retry_after;
pub(crate) use scrub::REDACTED;
pub use scrub::Secrets;
use trust::Trust;
pub use trust::{ExtraRoots, RootsError, Untrusted};

/// The way out.
#[derive(Clone)]
pub struct Egress {
    dialer: Dialer,
    pool: Pool,
    simulator: Option<SocketAddr>,
}

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

/// A request to be sent.
#[derive(Clone)]
pub struct Outgoing {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: Url,
    /// Its headers, `Host` and `Content-Length` aside.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// The secrets that stand in it, or that it proves itself with.
    pub secrets: Secrets,
}

/// What is allowed to a request.
#[derive(Clone, Copy, Debug)]
pub struct Allowance {
    /// Where it may go.
    pub reach: Reach,
    /// How long it may take, from dialling to the last byte of the answer.
    pub within: Duration,
    /// How many bytes the answer's body may have.
    pub at_most: usize,
}

/// Where a request may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// To public addresses, and to private ones that the operator named.
    Network,
    /// To the simulator, and nowhere else.
    Simulator,
}

/// An answer, whole, without the secrets of its request.
pub struct Answer {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// Why there is no answer.
#[derive(Debug, Error)]
pub enum EgressError {
    /// The address is not one that may be called. Nothing was sent.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// The server there proves itself with a certificate that is not trusted. Nothing was sent.
    #[error(transparent)]
    Untrusted(Untrusted),
    /// No connection was made. Nothing was sent.
    #[error("no connection could be made")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came.
    #[error("no answer came")]
    NoAnswer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The request may have arrived, but no whole answer came in time.
    #[error("no answer came in time")]
    TimedOut,
    /// The answer is larger than allowed.
    #[error("the answer is too large")]
    TooLarge,
}

impl Egress {
    /// Returns a way out to public addresses, to `private` networks, and to the simulator's
    /// address.
    pub fn new(private: Networks, simulator: Option<SocketAddr>) -> Self {
        Self::trusting(private, simulator, ExtraRoots::default())
    }

    /// Makes one that trusts private authorities too.
    pub fn trusting(private: Networks, simulator: Option<SocketAddr>, roots: ExtraRoots) -> Self {
        let dialer = Dialer::new(Names::System, private, simulator, Trust::new(roots));
        Self::over(dialer, simulator)
    }

    fn over(dialer: Dialer, simulator: Option<SocketAddr>) -> Self {
        Self { dialer, pool: Pool::new(IDLE, limits::IDLE_WAY_OUT.count()), simulator }
    }

    /// Checks whether a request could go to an address, as far as can be told without sending one.
    /// What is told to developers early is checked again when it is dialled.
    ///
    /// # Errors
    /// When it could not.
    pub async fn check(&self, url: &Url) -> Result<(), Forbidden> {
        self.check_reach(url, Reach::Network)?;
        self.dialer.check(url).await
    }

    /// Sends a request once and reads its answer whole. Whatever the answer repeats of the request's
    /// secrets is taken out of it.
    ///
    /// # Errors
    /// Each variant of [`EgressError`] says whether the request may have arrived.
    pub async fn send(
        &self,
        mut request: Outgoing,
        allowance: Allowance,
    ) -> Result<Answer, EgressError> {
        self.check_reach(&request.url, allowance.reach)?;
        let secrets = std::mem::take(&mut request.secrets);
        let asked = tracing::enabled!(Level::DEBUG).then(|| Asked::of(&request));
        let answer = self.exchange(request, allowance.at_most);
        let answer = tokio::time::timeout(allowance.within, answer).await;
        let answer = answer.unwrap_or(Err(EgressError::TimedOut));
        if let Some(asked) = asked {
            asked.log(&answer);
        }
        answer.map(|answer| secrets.scrub(answer))
    }

    /// Keeps the simulator to those who were sent there, and them to it.
    fn check_reach(&self, url: &Url, reach: Reach) -> Result<(), Forbidden> {
        let is_simulator = self.simulator.is_some_and(|simulator| dial::names(url, simulator));
        match (reach, is_simulator) {
            (Reach::Simulator, true) | (Reach::Network, false) => Ok(()),
            (Reach::Simulator, false) => Err(Forbidden::outside_sandbox(url)),
            (Reach::Network, true) => Err(Forbidden::simulator(url)),
        }
    }

    async fn exchange(&self, request: Outgoing, at_most: usize) -> Result<Answer, EgressError> {
        let (url, mut request) = request.written()?;
        while let Some(kept) = self.pool.take(place(&url)) {
            match kept.exchange(request, at_most).await? {
                Ended::Answered(answer, connection) => {
                    return Ok(self.keep(&url, answer, connection));
                }
                Ended::Unsent(unsent, _) => request = *unsent,
            }
        }
        let stream = self.dialer.connect(&url).await?;
        let fresh = Connection::over(stream).await;
        let fresh = fresh.map_err(|error| EgressError::Unreachable(error.into()))?;
        match fresh.exchange(request, at_most).await? {
            Ended::Answered(answer, connection) => Ok(self.keep(&url, answer, connection)),
            Ended::Unsent(_, error) => Err(EgressError::Unreachable(error.into())),
        }
    }

    fn keep(&self, url: &Url, answer: Answer, connection: Option<Connection>) -> Answer {
        if let Some(connection) = connection {
            self.pool.put(place(url), connection);
        }
        answer
    }
}

impl Outgoing {
    /// Returns where the request goes, and how it is written on a connection to there.
    fn written(self) -> Result<(Url, Request<Full<Bytes>>), EgressError> {
        let Self { method, url, mut headers, body, secrets: _ } = self;
        let unsendable = || Forbidden::no_address(&url);
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target: PathAndQuery = target.parse().map_err(|_| unsendable())?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| unsendable())?;
        headers.entry(header::HOST).or_insert(host);
        let plainly = HeaderValue::from_static("identity");
        headers.entry(header::ACCEPT_ENCODING).or_insert(plainly);
        // Some servers refuse with 411 what does not say so (RFC 9110 §8.6).
        let has_meaning = matches!(method, Method::POST | Method::PUT | Method::PATCH);
        if has_meaning && body.is_empty() {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.into();
        *request.headers_mut() = headers;
        Ok((url, request))
    }
}

/// A request as the log may have it: without path and query, where credentials may stand.
struct Asked {
    method: Method,
    host: String,
    at: Instant,
}

impl Asked {
    fn of(request: &Outgoing) -> Self {
        let host = request.url[Position::BeforeHost..Position::AfterPort].to_owned();
        Self { method: request.method.clone(), host, at: Instant::now() }
    }

    fn log(self, answer: &Result<Answer, EgressError>) {
        let Self { method, host, at } = self;
        let ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        match answer {
            Ok(Answer { status, body, .. }) => {
                let status = status.as_u16();
                let bytes = body.len();
                tracing::debug!(%method, host, status, bytes, ms, "a provider answered");
            }
            Err(error) => {
                let error = crate::chain(error);
                tracing::debug!(%method, host, error, ms, "a provider did not answer");
            }
        }
    }
}

impl EgressError {
    /// Returns whether it is for the operator of this server to mend, or for whoever entered the
    /// address: trying again changes nothing.
    pub(crate) const fn is_ours(&self) -> bool {
        match self {
            Self::Forbidden(_) => true,
            Self::Untrusted(untrusted) => untrusted.is_for_operator(),
            _ => false,
        }
    }

    /// Returns whether nothing was sent.
    pub(crate) const fn is_unsent(&self) -> bool {
        matches!(self, Self::Forbidden(_) | Self::Untrusted(_) | Self::Unreachable(_))
    }
}

impl Answer {
    /// Returns `Retry-After` (RFC 9110 §10.2.3) from `now`, a day at most.
    pub(crate) fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        retry_after(&self.headers, now)
    }

    /// Returns whether it says when the same may be asked again.
    pub(crate) fn says_when(&self) -> bool {
        self.retry_after(Timestamp::from_secs(0)).is_some()
    }

    /// Returns the coding that the body came in and could not be read in.
    pub(crate) fn unread_coding(&self) -> Option<&str> {
        let coding = self.headers.get(header::CONTENT_ENCODING)?;
        Some(coding.to_str().unwrap_or("unreadable"))
    }
}

/// Without query and body, which may hold secrets.
impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { method, url, headers, body, secrets: _ } = self;
        let place = &url[..Position::AfterPath];
        write!(f, "{method} {place} {headers:?} ({} bytes)", body.len())
    }
}

/// Without body, which may hold secrets.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, headers, body } = self;
        write!(f, "{status} {headers:?} ({} bytes)", body.len())
    }
}

#[cfg(test)]
mod tests;
