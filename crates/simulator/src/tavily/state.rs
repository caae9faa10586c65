use super::InvalidKey;
use super::answer::Refusal;

/// The key that is there from the beginning. It is the same after every start, so that what was
/// set up with it goes on working; it opens nothing but made-up pages.
const SEEDED_KEY: &str = "tvly-dev-simulated0000000000000000";
const PLAN_LIMIT: u64 = 1_000;
const PAGES_PER_CREDIT: u64 = 5;

/// Everything the Tavily stand-in remembers.
pub struct State {
    keys: Vec<Key>,
    pub(crate) plan_limit: u64,
    /// What keys were used for that are no more.
    ended: KeyUsage,
}

/// A key to be made.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// The key itself, where it is not to be a fresh one.
    pub api_key: Option<String>,
    /// How many credits it may use; as many as the plan has where it says nothing.
    pub limit: Option<u64>,
}

/// The credits that a key has used, by endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct KeyUsage {
    /// For searches.
    pub search: u64,
    /// For pages that were read.
    pub extract: u64,
}

pub(crate) struct Key {
    pub(crate) text: String,
    pub(crate) limit: Option<u64>,
    pub(crate) usage: KeyUsage,
    /// Pages that were read and are not paid for yet.
    unpaid_pages: u64,
}

// === impl State ===

impl State {
    pub(crate) fn seeded() -> Self {
        let keys = vec![Key::new(SEEDED_KEY, None)];
        Self { keys, plan_limit: PLAN_LIMIT, ended: KeyUsage::default() }
    }

    pub(crate) fn reset(&mut self) {
        let unused = |key: &Key| Key::new(&key.text, key.limit);
        self.keys = self.keys.iter().map(unused).collect();
        self.plan_limit = PLAN_LIMIT;
        self.ended = KeyUsage::default();
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.keys.iter()
    }

    pub(crate) fn key(&self, api_key: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.text == api_key)
    }

    pub(crate) fn add_key(&mut self, api_key: &str, limit: Option<u64>) -> Result<(), InvalidKey> {
        let rest = api_key.strip_prefix("tvly-").ok_or(InvalidKey::Form)?;
        let is_plain = rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if !is_plain || !(1..=200).contains(&rest.len()) {
            return Err(InvalidKey::Form);
        }
        if self.key(api_key).is_some() {
            return Err(InvalidKey::Taken);
        }
        self.keys.push(Key::new(api_key, limit));
        Ok(())
    }

    pub(crate) fn end_key(&mut self, api_key: &str) -> bool {
        let Some(at) = self.keys.iter().position(|key| key.text == api_key) else {
            return false;
        };
        let usage = self.keys.remove(at).usage;
        self.ended.search += usage.search;
        self.ended.extract += usage.extract;
        true
    }

    /// Returns what all keys have used together.
    pub(crate) fn plan_usage(&self) -> KeyUsage {
        self.keys.iter().fold(self.ended, |sum, key| KeyUsage {
            search: sum.search + key.usage.search,
            extract: sum.extract + key.usage.extract,
        })
    }

    /// Takes the credits of a search.
    pub(crate) fn pay_search(&mut self, api_key: &str, credits: u64) -> Result<(), Refusal> {
        self.pay(api_key, credits)?.usage.search += credits;
        Ok(())
    }

    /// Takes what pages cost that were read, and says how many credits that was.
    pub(crate) fn pay_pages(
        &mut self,
        api_key: &str,
        pages: u64,
        per_bundle: u64,
    ) -> Result<u64, Refusal> {
        let unpaid = self.key(api_key).map_or(0, |key| key.unpaid_pages) + pages;
        let credits = unpaid / PAGES_PER_CREDIT * per_bundle;
        let key = self.pay(api_key, credits)?;
        key.usage.extract += credits;
        key.unpaid_pages = unpaid % PAGES_PER_CREDIT;
        Ok(credits)
    }

    /// Returns the key, if it and the plan have so many credits left.
    fn pay(&mut self, api_key: &str, credits: u64) -> Result<&mut Key, Refusal> {
        let plan_left = self.plan_limit.saturating_sub(self.plan_usage().total());
        let key = self.keys.iter_mut().find(|key| key.text == api_key);
        let key = key.ok_or_else(Refusal::unauthorized)?;
        let key_left = key.limit.map_or(u64::MAX, |limit| limit.saturating_sub(key.usage.total()));
        if credits > plan_left.min(key_left) { Err(Refusal::plan_limit()) } else { Ok(key) }
    }
}

// === impl Key ===

impl Key {
    fn new(api_key: &str, limit: Option<u64>) -> Self {
        let usage = KeyUsage::default();
        Self { text: api_key.to_owned(), limit, usage, unpaid_pages: 0 }
    }
}

// === impl KeyUsage ===

impl KeyUsage {
    /// Returns all together.
    pub fn total(&self) -> u64 {
        self.search + self.extract
    }
}
