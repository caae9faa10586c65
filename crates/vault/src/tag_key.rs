use astralform_domain::SecretKey;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

/// The key that vouches for what one project hands out, such as links, or for rows of the whole
/// installation that grant something. It seals nothing, and stays the same when data keys and master
/// keys are replaced, so that open links go on working.
#[derive(Clone)]
pub struct TagKey {
    pub(crate) key: SecretKey,
}

/// What a MAC vouches for; a tag for one purpose is worthless for another.
#[derive(Clone, Copy)]
pub enum Purpose {
    /// The link of an auth request.
    ConnectLink,
    /// The proof of the browser that finished an auth request.
    Confirmation,
    /// What a flow led to, in the browser that began it.
    FlowOutcome,
    /// The account that an API key stands for.
    KeyAccount,
    /// The row of one of our API keys.
    ApiKeyRow,
    /// The row of a session.
    SessionRow,
    /// The row of an admin token.
    AdminTokenRow,
    /// The settings of an environment.
    EnvironmentRow,
    /// An entry of the audit log, after the one before it.
    AuditEntry,
    /// Where a chain of the audit log ends, or begins.
    AuditHead,
    /// The pseudonym of an end user in the audit log.
    AuditName,
}

impl TagKey {
    /// Makes a tag (HMAC-SHA256) that only a holder of the key can make for `message`.
    pub fn tag(&self, purpose: Purpose, message: &[u8]) -> [u8; 32] {
        let subkey = Zeroizing::new(hmac(self.key.expose(), purpose.label()));
        hmac(subkey.as_slice(), message)
    }

    /// Makes a tag of values, each with its length before it, so that no two lists read the same.
    pub fn tag_of(&self, purpose: Purpose, values: &[&[u8]]) -> [u8; 32] {
        let mut message = Vec::with_capacity(256);
        for value in values {
            message.extend_from_slice(&(value.len() as u64).to_be_bytes());
            message.extend_from_slice(value);
        }
        self.tag(purpose, &message)
    }
}

impl Purpose {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::ConnectLink => b"astralform connect link 1",
            Self::Confirmation => b"astralform confirmation 1",
            Self::FlowOutcome => b"astralform flow outcome 1",
            Self::KeyAccount => b"astralform key account 1",
            Self::ApiKeyRow => b"astralform api key row 1",
            Self::SessionRow => b"astralform session row 1",
            Self::AdminTokenRow => b"astralform admin token row 1",
            Self::EnvironmentRow => b"astralform environment row 1",
            Self::AuditEntry => b"astralform audit entry 1",
            Self::AuditHead => b"astralform audit head 1",
            Self::AuditName => b"astralform audit name 1",
        }
    }
}

fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(message);
    mac.finalize().into_bytes().into()
}
