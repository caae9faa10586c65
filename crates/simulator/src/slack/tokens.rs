use std::collections::{HashMap, VecDeque};

use serde::{Deserialize, Serialize};

use super::answer::Refusal;
use crate::outside::Outside;

/// How long a rotated access token lives.
pub(crate) const ACCESS_SECONDS: i64 = 12 * 60 * 60;
/// How long a refresh token of an app with PKCE lives.
const PKCE_REFRESH_SECONDS: i64 = 30 * 24 * 60 * 60;
/// How many dead tokens are remembered as such, instead of as never issued.
const DEAD_KEPT: usize = 10_000;
const SECOND: i64 = 1_000_000;

/// On whose behalf a token acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// As the app.
    Bot,
    /// As a person.
    User,
}

/// A standing permission; an app has one per workspace as bot and one per person.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) client_id: String,
    pub(crate) kind: TokenKind,
    pub(crate) user: String,
    pub(crate) scopes: Vec<String>,
}

/// How tokens of an app are issued.
#[derive(Clone, Copy)]
pub(crate) struct Terms {
    pub(crate) rotation: bool,
    pub(crate) pkce: bool,
    /// Whether the app holds them on the person's device, where it has no secret.
    pub(crate) on_device: bool,
}

/// A token as the token endpoint hands it out.
pub(crate) struct Issued {
    pub(crate) grant: Grant,
    pub(crate) access_token: String,
    pub(crate) refresh_token: Option<String>,
}

/// A living token, as an API method sees it.
pub(crate) struct Caller {
    pub(crate) token: String,
    pub(crate) grant_id: u64,
    pub(crate) grant: Grant,
    pub(crate) expires_at: Option<i64>,
}

/// All tokens of a workspace.
#[derive(Default)]
pub(crate) struct Tokens {
    counter: u64,
    pub(super) grants: HashMap<u64, Grant>,
    pub(super) access: HashMap<String, Access>,
    pub(super) refresh: HashMap<String, Refresh>,
    dead: VecDeque<String>,
}

pub(super) struct Access {
    pub(super) grant: u64,
    pub(super) chain: u64,
    pub(super) number: u64,
    pub(super) expires_at: Option<i64>,
    pub(super) revoked: bool,
}

pub(super) struct Refresh {
    pub(super) grant: u64,
    pub(super) chain: u64,
    pub(super) expires_at: Option<i64>,
    pub(super) on_device: bool,
}

// === impl Tokens ===

impl Tokens {
    /// Issues tokens for a consent; Slack adds new scopes to those granted before.
    pub(crate) fn issue(&mut self, asked: Grant, terms: Terms, outside: &Outside) -> Issued {
        let grant = self.widen(asked);
        let lasting = self.access.iter().find(|(_, access)| {
            access.grant == grant && access.expires_at.is_none() && !access.revoked
        });
        match lasting {
            // Without rotation an app gets the very token it already has.
            Some((token, _)) if !terms.rotation => Issued {
                grant: self.grants[&grant].clone(),
                access_token: token.clone(),
                refresh_token: None,
            },
            _ => {
                let chain = self.count();
                self.mint(grant, chain, terms, outside)
            }
        }
    }

    /// Finds out who calls with an access token.
    pub(crate) fn caller(&self, token: Option<&str>, now: i64) -> Result<Caller, Refusal> {
        let token = token.ok_or(Refusal::new("not_authed"))?;
        let access = self.access.get(token).ok_or(Refusal::new("invalid_auth"))?;
        if access.revoked {
            return Err(Refusal::new("token_revoked"));
        }
        self.holder(token, access.grant, access.expires_at, now)
    }

    /// Finds out whose token it is, be it an access or a refresh token.
    pub(crate) fn owner(&self, token: Option<&str>, now: i64) -> Result<Caller, Refusal> {
        match token.and_then(|token| Some((token, self.refresh.get(token)?))) {
            Some((token, known)) => self.holder(token, known.grant, known.expires_at, now),
            None => self.caller(token, now),
        }
    }

    /// Withdraws a grant with all its tokens and returns it.
    pub(crate) fn withdraw(&mut self, grant: u64) -> Option<Grant> {
        self.refresh.retain(|_, refresh| refresh.grant != grant);
        let alive =
            self.access.iter().filter(|(_, access)| access.grant == grant && !access.revoked);
        let alive: Vec<_> = alive.map(|(token, _)| token.clone()).collect();
        for token in alive {
            self.kill(token);
        }
        self.grants.remove(&grant)
    }

    /// Ends one token that expires; false when it is a lasting one.
    pub(crate) fn end(&mut self, token: &str) -> bool {
        if self.refresh.remove(token).is_some() {
            return true;
        }
        let expires = self.access.get(token).is_some_and(|access| access.expires_at.is_some());
        if expires {
            self.kill(token.to_owned());
        }
        expires
    }

    fn holder(
        &self,
        token: &str,
        grant_id: u64,
        expires_at: Option<i64>,
        now: i64,
    ) -> Result<Caller, Refusal> {
        if expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::new("token_expired"));
        }
        let grant = self.grants.get(&grant_id).ok_or(Refusal::new("token_revoked"))?.clone();
        Ok(Caller { token: token.to_owned(), grant_id, grant, expires_at })
    }

    fn widen(&mut self, asked: Grant) -> u64 {
        let same = |known: &Grant| {
            known.client_id == asked.client_id
                && known.kind == asked.kind
                && known.user == asked.user
        };
        let Some((id, known)) = self.grants.iter_mut().find(|(_, known)| same(known)) else {
            let id = self.count();
            self.grants.insert(id, asked);
            return id;
        };
        for scope in asked.scopes {
            if !known.scopes.contains(&scope) {
                known.scopes.push(scope);
            }
        }
        *id
    }

    pub(super) fn mint(
        &mut self,
        grant: u64,
        chain: u64,
        terms: Terms,
        outside: &Outside,
    ) -> Issued {
        let kind = self.grants[&grant].kind;
        let access_token = outside.secret(kind.prefix(terms.rotation));
        let number = self.count();
        let expires_at = terms.rotation.then(|| outside.now() + ACCESS_SECONDS * SECOND);
        let access = Access { grant, chain, number, expires_at, revoked: false };
        self.access.insert(access_token.clone(), access);
        let refresh_token = terms.rotation.then(|| outside.secret("xoxe-1-"));
        if let Some(refresh_token) = &refresh_token {
            let expires_at = terms.pkce.then(|| outside.now() + PKCE_REFRESH_SECONDS * SECOND);
            let refresh = Refresh { grant, chain, expires_at, on_device: terms.on_device };
            self.refresh.insert(refresh_token.clone(), refresh);
        }
        Issued { grant: self.grants[&grant].clone(), access_token, refresh_token }
    }

    pub(super) fn kill(&mut self, token: String) {
        if let Some(access) = self.access.get_mut(&token) {
            access.revoked = true;
        }
        self.dead.push_back(token);
        if self.dead.len() > DEAD_KEPT
            && let Some(forgotten) = self.dead.pop_front()
        {
            self.access.remove(&forgotten);
        }
    }

    fn count(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}

// === impl Caller ===

impl Caller {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.grant.scopes.iter().any(|granted| granted == scope)
    }

    /// Refuses unless at least one of the scopes was granted.
    pub(crate) fn needs(&self, scopes: &[&str]) -> Result<(), Refusal> {
        if scopes.is_empty() || scopes.iter().any(|scope| self.has(scope)) {
            return Ok(());
        }
        Err(self.misses(scopes))
    }

    pub(crate) fn misses(&self, scopes: &[&str]) -> Refusal {
        Refusal::missing_scope(&scopes.join(","), &self.scopes())
    }

    /// Returns all scopes of the token, joined; a person's also tells who the person is.
    pub(crate) fn scopes(&self) -> String {
        let own = match self.grant.kind {
            TokenKind::Bot => None,
            TokenKind::User => Some("identify"),
        };
        let granted = self.grant.scopes.iter().map(String::as_str);
        own.into_iter().chain(granted).collect::<Vec<_>>().join(",")
    }
}

// === impl TokenKind ===

impl TokenKind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::User => "user",
        }
    }

    fn prefix(self, rotation: bool) -> &'static str {
        match (self, rotation) {
            (Self::Bot, false) => "xoxb-",
            (Self::User, false) => "xoxp-",
            (Self::Bot, true) => "xoxe.xoxb-1-",
            (Self::User, true) => "xoxe.xoxp-1-",
        }
    }
}
