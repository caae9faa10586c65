use std::time::Duration;

use super::{Habit, Pair, Rotation, Temper};

/// One grant: what was consented to, and every pair of tokens since.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// Whose it is.
    pub account: String,
    /// How often it was refreshed.
    pub refreshes: usize,
    /// Why it is dead.
    pub ended: Option<Ended>,
}

/// Why a grant is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// A refresh token was used again.
    Reused,
    /// Its owner took it back.
    Revoked,
    /// The app did.
    Returned,
}

/// All grants. A token names its grant and its number within it, besides what nobody can guess.
pub(super) struct Families {
    seal: String,
    all: Vec<Grant>,
    /// Counts how often all access tokens were ended.
    epoch: u64,
}

struct Grant {
    account: String,
    ended: Option<Ended>,
    attempts: u64,
    pairs: Vec<Given>,
}

struct Given {
    at: i64,
    epoch: u64,
    used: Option<i64>,
}

/// A token that this provider has made: which pair of which grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) family: usize,
    pub(super) number: usize,
}

const ACCESS: &str = "hat";
const REFRESH: &str = "hrt";

impl Families {
    pub(super) fn new(seal: String) -> Self {
        Self { seal, all: Vec::new(), epoch: 0 }
    }

    pub(super) fn grant(&mut self, account: &str, now: i64) -> Pair {
        let first = Given { at: now, epoch: self.epoch, used: None };
        let account = account.to_owned();
        let pairs = vec![first];
        self.all.push(Grant { account, ended: None, attempts: 0, pairs });
        let place = Place { family: self.all.len() - 1, number: 0 };
        self.pair(place, place)
    }

    pub(super) fn all(&self) -> Vec<Family> {
        let view = |grant: &Grant| Family {
            account: grant.account.clone(),
            refreshes: grant.pairs.len() - 1,
            ended: grant.ended,
        };
        self.all.iter().map(view).collect()
    }

    pub(super) fn expire_all(&mut self) {
        self.epoch += 1;
    }

    pub(super) fn end_all(&mut self, account: &str, why: Ended) -> usize {
        let alive = self.all.iter_mut().filter(|grant| grant.ended.is_none());
        alive.filter(|grant| grant.account == account).map(|grant| grant.ended = Some(why)).count()
    }

    pub(super) fn end(&mut self, family: usize, why: Ended) {
        let ended = &mut self.all[family].ended;
        *ended = ended.or(Some(why));
    }

    /// Returns where a refresh token of ours belongs.
    pub(super) fn refresh_token(&self, token: &str) -> Option<Place> {
        self.place(token, REFRESH)
    }

    /// Returns where a token of ours of either sort belongs.
    pub(super) fn any_token(&self, token: &str) -> Option<Place> {
        self.place(token, REFRESH).or_else(|| self.place(token, ACCESS))
    }

    /// Counts a refresh that comes; its number within the grant, from 1.
    pub(super) fn attempt(&mut self, family: usize) -> u64 {
        let attempts = &mut self.all[family].attempts;
        *attempts += 1;
        *attempts
    }

    /// Trades a refresh token for the next pair; none when the grant is dead, or is from now on.
    pub(super) fn refresh(&mut self, used: Place, temper: &Temper, now: i64) -> Option<Pair> {
        let grant = &mut self.all[used.family];
        if grant.ended.is_some() {
            return None;
        }
        if temper.rotation != Rotation::None {
            let given = &mut grant.pairs[used.number];
            if given.used.is_some_and(|before| !is_spared(temper.rotation, before, now)) {
                grant.ended = Some(Ended::Reused);
                return None;
            }
            given.used = given.used.or(Some(now));
        }
        grant.pairs.push(Given { at: now, epoch: self.epoch, used: None });
        let next = Place { number: grant.pairs.len() - 1, ..used };
        let kept = if temper.rotation == Rotation::None { used } else { next };
        Some(self.pair(next, kept))
    }

    /// Returns whose account an access token opens.
    pub(super) fn account(&self, token: &str, temper: &Temper, now: i64) -> Option<&str> {
        let place = self.place(token, ACCESS)?;
        let grant = &self.all[place.family];
        let given = &grant.pairs[place.number];
        let last = place.number == grant.pairs.len() - 1;
        let alive = grant.ended.is_none()
            && given.epoch == self.epoch
            && now < given.at.saturating_add(micros(temper.lifetime))
            && (last || !temper.has(Habit::EndsAccess));
        alive.then_some(grant.account.as_str())
    }

    fn pair(&self, access: Place, refresh: Place) -> Pair {
        let token = |sort, Place { family, number }| {
            let seal = &self.seal;
            format!("{sort}-{family}-{number}-{seal}")
        };
        Pair { access_token: token(ACCESS, access), refresh_token: token(REFRESH, refresh) }
    }

    fn place(&self, token: &str, sort: &str) -> Option<Place> {
        let rest = token.strip_prefix(sort)?.strip_prefix('-')?;
        let rest = rest.strip_suffix(&self.seal)?.strip_suffix('-')?;
        let (family, number) = rest.split_once('-')?;
        let place = Place { family: family.parse().ok()?, number: number.parse().ok()? };
        let known = self.all.get(place.family)?.pairs.len() > place.number;
        known.then_some(place)
    }
}

fn is_spared(rotation: Rotation, used: i64, now: i64) -> bool {
    match rotation {
        Rotation::None => true,
        Rotation::Strict => false,
        Rotation::Grace(window) => now <= used.saturating_add(micros(window)),
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
