use std::collections::HashMap;

const LIFETIME_MICROS: i64 = 10 * 60 * 1_000_000;

/// What an app asked a person for on the authorize page.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) client_id: String,
    pub(crate) bot_scopes: Vec<&'static str>,
    pub(crate) user_scopes: Vec<&'static str>,
    pub(crate) redirect_uri: String,
    /// Whether the app named the redirect URI itself, and therefore has to repeat it.
    pub(crate) redirect_uri_sent: bool,
    pub(crate) state: Option<String>,
    pub(crate) code_challenge: Option<String>,
}

/// What a person agreed to.
pub(crate) struct Agreed {
    pub(crate) asked: Asked,
    pub(crate) person: String,
}

/// Open consent pages and codes not yet exchanged; each can be taken once and within ten minutes.
#[derive(Default)]
pub(crate) struct Consents {
    pages: HashMap<String, Expiring<Asked>>,
    codes: HashMap<String, Expiring<Agreed>>,
}

struct Expiring<T> {
    value: T,
    expires_at: i64,
}

// === impl Consents ===

impl Consents {
    pub(crate) fn open(&mut self, id: String, asked: Asked, now: i64) {
        put(&mut self.pages, id, asked, now);
    }

    pub(crate) fn decide(&mut self, id: &str, now: i64) -> Option<Asked> {
        take(&mut self.pages, id, now)
    }

    pub(crate) fn agree(&mut self, code: String, agreed: Agreed, now: i64) {
        put(&mut self.codes, code, agreed, now);
    }

    pub(crate) fn redeem(&mut self, code: &str, now: i64) -> Option<Agreed> {
        take(&mut self.codes, code, now)
    }
}

fn put<T>(kept: &mut HashMap<String, Expiring<T>>, id: String, value: T, now: i64) {
    kept.retain(|_, waiting| waiting.expires_at > now);
    kept.insert(id, Expiring { value, expires_at: now + LIFETIME_MICROS });
}

fn take<T>(kept: &mut HashMap<String, Expiring<T>>, id: &str, now: i64) -> Option<T> {
    let taken = kept.remove(id)?;
    (taken.expires_at > now).then_some(taken.value)
}
