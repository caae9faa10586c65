use std::time::Duration;

use astralform_domain::limits;
use astralform_egress::{Allowance, Answer, Egress, EgressError, Outgoing, Reach};
use thiserror::Error;

use crate::oauth::Client;

/// The developer's app at a provider, as requests are sent in its name.
pub struct ProviderApp {
    clients: Vec<Client>,
    reach: Reach,
}

/// How long a request may take, and how large its answer may be.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    within: Duration,
    at_most: usize,
}

/// What is read of an answer to a request of the app.
pub trait AppReply {
    /// Returns whether the provider refuses the app itself.
    fn refuses_app(&self) -> bool;
}

/// Why a request of the app has no answer.
#[derive(Debug, Error)]
pub enum SendError {
    /// The app has no secret that opens.
    #[error("the app's secret does not open any more")]
    NoSecret,
    /// A part of it cannot stand in a request. Nothing was sent.
    #[error("the credentials, or what is sent with them, cannot stand in a request")]
    Unsendable,
    /// No answer: it could not be sent, or its answer was lost.
    #[error(transparent)]
    Egress(#[from] EgressError),
}

impl Budget {
    /// For the exchange of a code, while a person waits in the browser.
    pub const CODE: Self = Self::of(20, limits::TOKEN_ANSWER.count());
    /// For a refresh: within the lease, and those who wait are told before.
    pub const REFRESH: Self = Self::of(20, limits::TOKEN_ANSWER.count());
    /// For the end of a token.
    pub const REVOCATION: Self = Self::of(10, 64 * 1024);
    /// For a look at whose account a credential opens.
    pub const IDENTITY: Self = Self::of(15, limits::TOKEN_ANSWER.count());
    /// For a check of credentials, while an administrator waits.
    pub const CHECK: Self = Self::of(10, 256 * 1024);

    const fn of(seconds: u64, at_most: usize) -> Self {
        Self { within: Duration::from_secs(seconds), at_most }
    }

    /// Returns the allowance of a request that may go where `reach` says.
    pub const fn to(self, reach: Reach) -> Allowance {
        Allowance { reach, within: self.within, at_most: self.at_most }
    }
}

impl ProviderApp {
    /// Returns the app with its secret and, as long as that is to be tried too, the one before.
    pub fn new(clients: Vec<Client>, reach: Reach) -> Self {
        Self { clients, reach }
    }

    /// Returns whether the app has no secret to prove itself with.
    pub fn has_no_client(&self) -> bool {
        self.clients.is_empty()
    }

    /// Sends a request as the app, and reads its answer once. Where the provider refuses the app,
    /// it is sent again with the secret before the present one.
    ///
    /// # Errors
    /// When no answer came. Each variant of [`EgressError`] says whether the request may have
    /// arrived.
    pub async fn send<R: AppReply>(
        &self,
        egress: &Egress,
        budget: Budget,
        request: impl Fn(&Client) -> Option<Outgoing>,
        read: impl Fn(Answer) -> R,
    ) -> Result<R, SendError> {
        let mut reply = Err(SendError::NoSecret);
        for client in &self.clients {
            let request = request(client).ok_or(SendError::Unsendable)?;
            let read = read(egress.send(request, budget.to(self.reach)).await?);
            let is_refused = read.refuses_app();
            reply = Ok(read);
            if !is_refused {
                break;
            }
        }
        reply
    }
}
