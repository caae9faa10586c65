//! How things stand, in as few words as possible.

use std::collections::VecDeque;

use astralform_simulator::hostile::Trouble;

/// How many accounts an end user has.
pub(super) const ACCOUNTS: usize = 2;

/// What can happen; to one of the accounts, where it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    Call(usize),
    /// Time passes, and every access token ends.
    Expire,
    /// Every access token ends before its time.
    EndAccess,
    /// The owner takes the grant back at the provider.
    Revoke(usize),
    /// What the next refresh is in for.
    Befalls(Trouble),
    Connect(usize),
    /// The connection is to be renewed, and somebody else is signed in.
    ConnectAnother(usize),
    Disconnect(usize),
    Pause,
    Resume,
    Disable,
    Enable,
    /// The developer replaces the app.
    ReplaceApp,
}

/// What a call answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Completed,
    Asked(String),
    /// For now.
    Failed,
    Refused(u16),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Connector {
    #[default]
    Ready,
    Paused,
    Gone,
}

#[derive(Debug)]
struct Connection {
    id: String,
    status: &'static str,
    reason: &'static str,
    /// Whether its access token opens the provider's API.
    is_fresh: bool,
    /// Whether its grant is alive.
    is_granted: bool,
    /// Whether its refresh token may have been used up, as far as we can tell.
    is_doubtful: bool,
}

#[derive(Debug, Default)]
pub(super) struct Model {
    connector: Connector,
    accounts: [Option<Connection>; ACCOUNTS],
    /// Whether an account has granted something to an app that was replaced: only its owner can
    /// take that back.
    orphans: [bool; ACCOUNTS],
    troubles: VecDeque<Trouble>,
}

impl Model {
    /// Picks something that can happen now.
    pub(super) fn event(&self, chance: &mut Seeded) -> Event {
        loop {
            let at = usize::from(chance.below(10) == 0);
            let event = match chance.below(24) {
                0..8 => Event::Call(at),
                8..10 => Event::Expire,
                10 => Event::EndAccess,
                11 => Event::Revoke(at),
                12 => Event::Befalls(Trouble::DropAfter),
                13 => Event::Befalls(TRANSIENT[chance.index(TRANSIENT.len())]),
                14..18 => Event::Connect(at),
                18 => Event::ConnectAnother(at),
                19 => Event::Disconnect(at),
                20 => Event::Pause,
                21 => Event::Resume,
                22 if chance.below(2) == 0 => Event::Disable,
                22 => Event::Enable,
                _ => Event::ReplaceApp,
            };
            if self.can_happen(event) {
                return event;
            }
        }
    }

    fn can_happen(&self, event: Event) -> bool {
        let there = self.connector != Connector::Gone;
        let is = |at: usize, status| self.accounts[at].as_ref().is_some_and(|c| c.status == status);
        match event {
            // Without an id, a call is for any connection there is.
            Event::Call(at) => {
                self.accounts[at].is_some() || self.accounts.iter().all(Option::is_none)
            }
            Event::Expire | Event::EndAccess | Event::Revoke(_) => true,
            Event::Befalls(_) => self.troubles.is_empty(),
            Event::Connect(_) | Event::Pause => self.connector == Connector::Ready,
            Event::ConnectAnother(at) => {
                self.connector == Connector::Ready && is(at, "needs_reauth")
            }
            Event::Disconnect(at) => self.accounts[at].is_some(),
            Event::Resume => self.connector == Connector::Paused,
            Event::Disable | Event::ReplaceApp => there,
            Event::Enable => !there,
        }
    }

    /// Returns what a call for that account answers; it changes what it finds out.
    pub(super) fn call(&mut self, at: usize) -> Answer {
        match self.connector {
            Connector::Gone => return Answer::Refused(404),
            Connector::Paused => return Answer::Refused(409),
            Connector::Ready => {}
        }
        let Some(connection) = &mut self.accounts[at] else {
            return Answer::Asked("not_connected".to_owned());
        };
        if connection.status == "active" && !(connection.is_fresh && connection.is_granted) {
            connection.refresh(&mut self.troubles);
        }
        match connection.status {
            "active" => Answer::Completed,
            _ => Answer::Asked("needs_reauth".to_owned()),
        }
    }

    /// Tells whoever asks for an account whether it can be used: its token is refreshed.
    pub(super) fn looked_at(&mut self, at: usize) {
        if let Some(connection) = &mut self.accounts[at]
            && connection.status == "active"
            && !connection.is_fresh
        {
            connection.refresh(&mut self.troubles);
        }
    }

    pub(super) fn connected(&mut self, at: usize, id: String) {
        let known = self.accounts[at].as_ref();
        if let Some(known) = known {
            assert_eq!(known.id, id, "the same account keeps its id");
            if known.status == "active" {
                return;
            }
        }
        self.accounts[at] = Some(Connection {
            id,
            status: "active",
            reason: "",
            is_fresh: true,
            is_granted: true,
            is_doubtful: false,
        });
    }

    pub(super) fn happened(&mut self, event: Event) {
        match event {
            Event::Call(_) | Event::Connect(_) | Event::ConnectAnother(_) => {}
            Event::Expire | Event::EndAccess => self.each(|one| one.is_fresh = false),
            Event::Revoke(at) => {
                if let Some(connection) = &mut self.accounts[at] {
                    connection.is_granted = false;
                }
            }
            Event::Befalls(trouble) => self.troubles.push_back(trouble),
            Event::Disconnect(at) => self.accounts[at] = None,
            Event::Pause => self.connector = Connector::Paused,
            Event::Resume | Event::Enable => self.connector = Connector::Ready,
            Event::Disable => {
                self.connector = Connector::Gone;
                self.accounts = Default::default();
            }
            Event::ReplaceApp => {
                for (account, orphan) in self.accounts.iter().zip(&mut self.orphans) {
                    *orphan |= account.is_some();
                }
                self.each(|one| {
                    if one.status == "active" {
                        (one.status, one.reason) = ("needs_reauth", "client_changed");
                    }
                });
            }
        }
    }

    /// Returns the connection of that account.
    pub(super) fn id(&self, at: usize) -> Option<&str> {
        self.accounts[at].as_ref().map(|connection| connection.id.as_str())
    }

    /// Returns whether nothing that an account has granted is to be alive at the provider.
    pub(super) fn has_given_back(&self, at: usize) -> bool {
        self.accounts[at].is_none() && !self.orphans[at]
    }

    /// Lists id, status and reason of every connection.
    pub(super) fn listed(&self) -> Vec<(String, String, String)> {
        let own = |text: &str| text.to_owned();
        let view = |c: &Connection| (c.id.clone(), own(c.status), own(c.reason));
        let mut listed: Vec<_> = self.accounts.iter().flatten().map(view).collect();
        listed.sort();
        listed
    }

    fn each(&mut self, change: impl Fn(&mut Connection)) {
        self.accounts.iter_mut().flatten().for_each(change);
    }
}

const TRANSIENT: [Trouble; 4] =
    [Trouble::ServerError, Trouble::TooMany, Trouble::Html, Trouble::DropBefore];

impl Connection {
    /// Refreshes until something is certain.
    fn refresh(&mut self, troubles: &mut VecDeque<Trouble>) {
        while let Some(trouble) = troubles.pop_front() {
            // Who is told to come later knows that nothing was done; of the others nobody knows.
            self.is_doubtful |= trouble != Trouble::TooMany;
            if trouble == Trouble::DropAfter {
                // The next pair is lost, and whoever comes with the old one again ends the grant.
                self.is_granted = false;
            }
        }
        if self.is_granted {
            (self.is_fresh, self.is_doubtful) = (true, false);
        } else {
            let reason =
                if self.is_doubtful { "refresh_outcome_unknown" } else { "refresh_rejected" };
            (self.status, self.reason) = ("needs_reauth", reason);
        }
    }
}

/// Numbers that look like chance and are the same each time: SplitMix64.
pub(super) struct Seeded(u64);

impl Seeded {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ (bits >> 31)) % limit
    }

    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap()
    }
}
