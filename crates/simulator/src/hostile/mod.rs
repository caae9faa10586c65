//! An OAuth provider of any temper, and a small API behind it: no stand-in of a service, but of
//! everything that services do to those who refresh tokens.
//!
//! It keeps to RFC 6749 unless its [`Temper`] says otherwise, and it keeps book: [`Ledger`]. What
//! chance decides follows from a seed, the grant and how often it came, in whatever order.
//! Start with [`Hostile::new`].

mod api;
mod chance;
mod consent;
mod families;
mod ledger;
mod temper;
mod token;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::routing::{get, post};

pub use families::{Ended, Family};
pub use ledger::Ledger;
pub use temper::{Chances, Habit, Rotation, Said, Temper, Trouble};

use consent::Consents;
use families::Families;
use ledger::Book;

use crate::outside::{Outside, SimulatorOptions};

/// The provider's handle; cloning gives another to the same provider.
#[derive(Clone)]
pub struct Hostile {
    outside: Arc<Outside>,
    state: Arc<Mutex<State>>,
}

/// An access token and the refresh token that belongs to it; without `Debug`, as it is secret.
pub struct Pair {
    /// What opens the API.
    pub access_token: String,
    /// What buys the next pair.
    pub refresh_token: String,
}

struct State {
    temper: Temper,
    client: (String, String),
    /// What will happen to the next refreshes, before chance has a say.
    next: VecDeque<Trouble>,
    consents: Consents,
    families: Families,
    book: Book,
}

// === impl Hostile ===

impl Hostile {
    /// Returns one that knows a single app, by its id and secret.
    pub fn new(options: SimulatorOptions, client: (&str, &str), temper: Temper) -> Self {
        let outside = Arc::new(Outside::new(options));
        let families = Families::new(outside.secret(""));
        let state = State {
            temper,
            client: (client.0.to_owned(), client.1.to_owned()),
            next: VecDeque::new(),
            consents: Consents::default(),
            families,
            book: Book::default(),
        };
        Self { outside, state: Arc::new(Mutex::new(state)) }
    }

    /// Returns its pages, endpoints and API, to be served at the root.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/authorize", get(consent::show).post(consent::decide))
            .route("/token", post(token::token))
            .route("/revoke", post(token::revoke))
            .route("/api/me", get(api::me))
            .route("/api/items", get(api::list).post(api::add))
            .with_state(self.clone())
    }

    /// Sends browsers back to this address from now on, from its authorization endpoint.
    pub fn allow_redirect(&self, uri: &str) {
        self.state().consents.allow(uri);
    }

    /// Knows another app from now on, and not the one before.
    pub fn replace_client(&self, id: &str, secret: &str) {
        self.state().client = (id.to_owned(), secret.to_owned());
    }

    /// Sets whose account those who consent from now on connect.
    pub fn sign_in(&self, account: &str) {
        self.state().consents.sign_in(account);
    }

    /// Changes its temper.
    pub fn change(&self, change: impl FnOnce(&mut Temper)) {
        change(&mut self.state().temper);
    }

    /// Sets what happens to the next refresh that comes, and to those after it when called again.
    pub fn trouble(&self, trouble: Trouble) {
        self.state().next.push_back(trouble);
    }

    /// Forgets the troubles that have not come about yet.
    pub fn calm(&self) {
        self.state().next.clear();
    }

    /// Grants an account a pair as if somebody had consented.
    pub fn grant(&self, account: &str) -> Pair {
        let now = self.outside.now();
        self.state().families.grant(account, now)
    }

    /// Ends every access token that it has given, before its time.
    pub fn expire_all(&self) {
        self.state().families.expire_all();
    }

    /// Takes back what an account has granted, as its owner can in the settings of any service.
    pub fn revoke(&self, account: &str) -> usize {
        self.state().families.end_all(account, Ended::Revoked)
    }

    /// Returns what it has seen so far.
    pub fn ledger(&self) -> Ledger {
        let state = self.state();
        Ledger::of(&state.book, &state.families)
    }

    /// Returns every grant, in the order they were made.
    pub fn families(&self) -> Vec<Family> {
        self.state().families.all()
    }

    /// Returns how often a write with this marker was carried out.
    pub fn writes(&self, marker: &str) -> u64 {
        self.state().book.writes(marker)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is complete before the lock is let go, so a panic elsewhere leaves no harm.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
