//! Whose connection pays for a call, or what its end user has to be asked for: purely.

use astralform_domain::{
    AuthReason, Connection, ConnectionId, ConnectionStatus, EndUserId, HostSet, Owner, ScopeSet,
};

use super::CredentialRefusal;
use crate::connectors::Ready;

/// What a call is to be paid with.
#[derive(Debug)]
pub(crate) enum Decision<'a> {
    /// This connection's token.
    Use(&'a Connection),
    /// The end user has to be asked first.
    Ask(Ask),
}

/// What an owner has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) reason: AuthReason,
    pub(crate) required: ScopeSet,
    pub(crate) granted: ScopeSet,
    /// The connection to renew, with the account as its owner knows it.
    pub(crate) renews: Option<(ConnectionId, String)>,
}

/// What the decision rests on.
pub(crate) struct Situation<'a> {
    /// Whether end users may connect accounts of their own.
    pub(crate) allow_end_user_auth: bool,
    /// Whether they must, where they may.
    pub(crate) require_auth: bool,
    /// What the connector asks for, by its own or the project's list.
    pub(crate) requested_scopes: &'a ScopeSet,
    /// What the operation needs.
    pub(crate) needed: &'a ScopeSet,
    /// Where the operation's requests go, as the project connector names it.
    pub(crate) hosts: &'a HostSet,
    /// The end user, where the request names one.
    pub(crate) end_user: Option<&'a EndUserId>,
    /// The connections that could serve: the end user's own and the project's, of each the
    /// default one first.
    pub(crate) connections: &'a [Connection],
    /// The connection that the call named.
    pub(crate) named: Option<ConnectionId>,
}

/// Decides, as a pure function. The first that matches wins: the end user's own connection, even
/// one that has to be renewed first; then what the project shares; else the end user is asked.
pub(crate) fn decide<'a>(on: &Situation<'a>) -> Result<Decision<'a>, CredentialRefusal> {
    if let Some(own) = on.own()? {
        return Ok(match on.obstacle(own) {
            None => Decision::Use(own),
            Some(reason) => Decision::Ask(Ask::renewing(reason, own, &on.required())),
        });
    }
    match on.shared() {
        Some(shared) if on.obstacle(shared).is_none() => return Ok(Decision::Use(shared)),
        Some(_) if !on.may_ask() => return Err(CredentialRefusal::SharedUnusable),
        _ => {}
    }
    if !on.allow_end_user_auth {
        return Err(CredentialRefusal::NothingShared);
    }
    if on.end_user.is_none() {
        return Err(CredentialRefusal::EndUserRequired);
    }
    Ok(Decision::Ask(Ask::connecting(on.required())))
}

impl<'a> Situation<'a> {
    /// Returns the situation of a call that names no connection.
    pub(crate) fn of(
        ready: &'a Ready,
        needed: &'a ScopeSet,
        end_user: Option<&'a EndUserId>,
        connections: &'a [Connection],
    ) -> Self {
        Self {
            allow_end_user_auth: ready.settings.allow_end_user_auth,
            require_auth: ready.settings.require_auth,
            requested_scopes: &ready.requested_scopes,
            needed,
            hosts: &ready.settings.hosts,
            end_user,
            connections,
            named: None,
        }
    }

    /// Returns the end user's own connection: the one the call named, or the default one.
    fn own(&self) -> Result<Option<&'a Connection>, CredentialRefusal> {
        let allowed = self.end_user.filter(|_| self.allow_end_user_auth);
        let mut own =
            self.connections.iter().filter(|c| allowed.is_some() && c.owner.end_user() == allowed);
        match self.named {
            None => Ok(own.next()),
            Some(id) => match own.find(|connection| connection.id == id) {
                None => Err(CredentialRefusal::UnknownConnection),
                found => Ok(found),
            },
        }
    }

    /// Returns what the project shares, where it may pay.
    fn shared(&self) -> Option<&'a Connection> {
        if self.require_auth && self.allow_end_user_auth {
            return None;
        }
        self.connections.iter().find(|connection| connection.owner == Owner::Project)
    }

    /// Returns what stands between a connection and its use.
    fn obstacle(&self, connection: &Connection) -> Option<AuthReason> {
        if connection.status() != ConnectionStatus::Active || !connection.hosts.are(self.hosts) {
            Some(AuthReason::NeedsReauth)
        } else if !self.needed.is_within(&connection.scopes) {
            Some(AuthReason::MissingScopes)
        } else {
            None
        }
    }

    pub(crate) fn may_ask(&self) -> bool {
        self.allow_end_user_auth && self.end_user.is_some()
    }

    fn required(&self) -> ScopeSet {
        self.requested_scopes.union(self.needed)
    }
}

impl Ask {
    /// Asks for an account.
    pub(crate) fn connecting(required: ScopeSet) -> Self {
        let granted = ScopeSet::default();
        Self { reason: AuthReason::NotConnected, required, granted, renews: None }
    }

    /// Asks for a connection again: for all that is wanted of it now, and all it had that the
    /// limits leave room for.
    pub(crate) fn renewing(
        reason: AuthReason,
        connection: &Connection,
        required: &ScopeSet,
    ) -> Self {
        Self {
            reason,
            required: required.clone().filled_with(&connection.scopes),
            granted: connection.scopes.clone(),
            renews: Some((connection.id, connection.account.label.clone())),
        }
    }
}

/// Returns those of the scopes that a provider says are missing which are worth asking for: those
/// that the connector knows, since some providers name alternatives that need not all be granted;
/// `None` unless at least one is not granted yet.
pub(crate) fn worth_asking(
    missing: &ScopeSet,
    known: &ScopeSet,
    granted: &ScopeSet,
) -> Option<ScopeSet> {
    let missing = missing.intersection(known);
    let leads_somewhere = !missing.is_within(granted);
    leads_somewhere.then_some(missing)
}
