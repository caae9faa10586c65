//! The way out itself: a request goes once, and its answer is read whole. Beside it, `open` reads
//! an answer in parts; what both do until an answer begins is `begin`.

use std::{net::SocketAddr, time::Duration};

use astralform_domain::limits;
use http::response::Parts;
use tokio::time::Instant;
use url::Url;

use crate::{
    Answer, EgressError, ExtraRoots, Forbidden, Networks, Outgoing,
    charset::decoded,
    coding::unpack,
    dial::{self, Dialer, Names},
    exchange::{BodyReader, ExchangeOutcome, HttpConnection},
    logged::Logged,
    pool::{Pool, place},
    repair::repair,
    trust::Trust,
};

/// The way out.
#[derive(Clone)]
pub struct Egress {
    dialer: Dialer,
    pub(crate) pool: Pool,
    simulator: Option<SocketAddr>,
}

/// How long a connection is kept for the next request.
const IDLE: Duration = Duration::from_secs(30);

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

    pub(crate) fn over(dialer: Dialer, simulator: Option<SocketAddr>) -> Self {
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

    /// Sends a request once and reads its answer whole. The secrets of the request that the answer
    /// repeats are taken out of it.
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
        let logged = Logged::if_wanted(&request);
        let answer = self.exchange(request, allowance.at_most);
        let answer = tokio::time::timeout(allowance.within, answer).await;
        let answer = answer.unwrap_or(Err(EgressError::TimedOut));
        if let Some(logged) = logged {
            match &answer {
                Ok(answer) => logged.answered(answer.status, answer.body.len()),
                Err(error) => logged.failed(error),
            }
        }
        answer.map(|answer| secrets.scrub(answer))
    }

    /// Refuses the simulator to requests that are for the network, and the network to requests that
    /// are for the simulator.
    pub(crate) fn check_reach(&self, url: &Url, reach: Reach) -> Result<(), Forbidden> {
        let is_simulator = self.simulator.is_some_and(|simulator| dial::names(url, simulator));
        match (reach, is_simulator) {
            (Reach::Simulator, true) | (Reach::Network, false) => Ok(()),
            (Reach::Simulator, false) => Err(Forbidden::outside_sandbox(url)),
            (Reach::Network, true) => Err(Forbidden::simulator(url)),
        }
    }

    /// Sends a request and reads its answer whole, in UTF-8 and unpacked.
    async fn exchange(&self, request: Outgoing, at_most: usize) -> Result<Answer, EgressError> {
        let began = Instant::now();
        let (url, mut head, reader) = self.begin(request).await?;
        let first_byte = began.elapsed();
        let (body, connection) = reader.read_whole(at_most).await?;
        let body = unpack(&mut head.headers, body, at_most)?;
        let body = repair(decoded(&head.headers, body));
        // What was put right may be longer than what came.
        if body.len() > at_most {
            return Err(EgressError::TooLarge);
        }
        if let Some(connection) = connection {
            self.pool.put(place(&url), connection);
        }
        Ok(Answer { status: head.status, headers: head.headers, body, first_byte })
    }

    /// Sends a request and reads the head of its answer. Returns where the request went, too.
    pub(crate) async fn begin(
        &self,
        request: Outgoing,
    ) -> Result<(Url, Parts, BodyReader), EgressError> {
        let (url, mut request) = request.written()?;
        while let Some(kept) = self.pool.take(place(&url)) {
            match kept.exchange(request).await? {
                ExchangeOutcome::Answered(head, reader) => return Ok((url, head, reader)),
                ExchangeOutcome::Unsent(unsent, _) => request = *unsent,
            }
        }
        let stream = self.dialer.connect(&url).await?;
        let fresh = HttpConnection::over(stream).await;
        let fresh = fresh.map_err(|error| EgressError::Unreachable(error.into()))?;
        match fresh.exchange(request).await? {
            ExchangeOutcome::Answered(head, reader) => Ok((url, head, reader)),
            ExchangeOutcome::Unsent(_, error) => Err(EgressError::Unreachable(error.into())),
        }
    }
}
