//! The only way out: every request to another machine goes through here.
//!
//! An address is resolved, checked and dialled in one place (`dial`), so that what was checked
//! is what is connected to. Connections are kept for the next request to the same place (`pool`).
//! There are no redirects, no proxies and no cookies; a request is sent again only when a kept
//! connection turned out to be closed before any of it was written.

mod address;
mod ahead;
mod dial;
mod exchange;
mod pool;
mod scrub;

use std::{fmt, net::SocketAddr, time::Duration};

use astralform_domain::limits;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header, uri::PathAndQuery};
use http_body_util::Full;
use thiserror::Error;
use url::{Position, Url};

pub use address::Networks;
use dial::{Dialer, Names};
use exchange::{Connection, Ended};
use pool::{Pool, place};
pub(crate) use scrub::REDACTED;
pub use scrub::Secrets;

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
    #[error("the address may not be called")]
    Forbidden,
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
    /// A way out to public addresses, to `private` networks, and to the simulator's address.
    pub fn new(private: Networks, simulator: Option<SocketAddr>) -> Self {
        Self::over(Dialer::new(Names::System, private, simulator), simulator)
    }

    fn over(dialer: Dialer, simulator: Option<SocketAddr>) -> Self {
        Self { dialer, pool: Pool::new(IDLE, limits::IDLE_WAY_OUT.count()), simulator }
    }

    /// Whether a request could go to an address, as far as can be told without sending one. What
    /// is told to developers early is checked again when it is dialled.
    pub async fn may_call(&self, url: &Url) -> bool {
        self.check_reach(url, Reach::Network).is_ok() && self.dialer.may_dial(url).await
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
        let answer = self.exchange(request, allowance.at_most);
        let answer = tokio::time::timeout(allowance.within, answer).await;
        answer.unwrap_or(Err(EgressError::TimedOut)).map(|answer| secrets.scrub(answer))
    }

    /// The simulator is reached by those who were sent there, and they reach nothing else.
    fn check_reach(&self, url: &Url, reach: Reach) -> Result<(), EgressError> {
        let is_simulator = self.simulator.is_some_and(|simulator| dial::names(url, simulator));
        match (reach, is_simulator) {
            (Reach::Simulator, true) | (Reach::Network, false) => Ok(()),
            (Reach::Simulator, false) | (Reach::Network, true) => Err(EgressError::Forbidden),
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
        let stream = self.dialer.connect(&url).await.map_err(unconnected)?;
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
    /// Where the request goes, and how it is written on a connection to there.
    fn written(self) -> Result<(Url, Request<Full<Bytes>>), EgressError> {
        let Self { method, url, mut headers, body, secrets: _ } = self;
        let unsendable = |_| EgressError::Forbidden;
        let target = &url[Position::BeforePath..Position::AfterQuery];
        let target: PathAndQuery = target.parse().map_err(unsendable)?;
        let host = &url[Position::BeforeHost..Position::AfterPort];
        let host = HeaderValue::from_str(host).map_err(|_| EgressError::Forbidden)?;
        headers.entry(header::HOST).or_insert(host);
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = target.into();
        *request.headers_mut() = headers;
        Ok((url, request))
    }
}

impl Answer {
    /// `Retry-After` in seconds (RFC 9110 §10.2.3), a day at most.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        const LONGEST: Duration = Duration::from_hours(24);
        let said = self.headers.get(header::RETRY_AFTER)?.to_str().ok()?;
        Some(Duration::from_secs(said.trim().parse().ok()?).min(LONGEST))
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

fn unconnected(error: dial::BoxError) -> EgressError {
    if error.is::<dial::Forbidden>() {
        return EgressError::Forbidden;
    }
    EgressError::Unreachable(error)
}

#[cfg(test)]
mod tests;
