//! The text of our own bearer tokens: `{prefix}_{id}_{secret}_{checksum}`.
//!
//! The prefix says what it opens, the id finds the row, the secret proves the token, and the
//! checksum lets a secret scanner tell a token from noise without asking us. Only SHA-256 of the
//! secret is stored: 256 random bits need no slow hash.

use std::fmt::Display;

use astralform_domain::{Entropy, Secret};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

const SECRET_BYTES: usize = 32;

/// A token as its holder brings it, taken apart.
pub(crate) struct PresentedToken<'a> {
    /// The id in our own spelling, as in `key_01…`.
    pub(crate) id: String,
    secret: &'a str,
}

/// Returns a fresh token: its text, shown once, and what is stored of its secret.
pub fn mint(prefix: &str, id: impl Display, entropy: &Entropy) -> (Secret, [u8; 32]) {
    let id = id.to_string();
    let bare = id.rsplit_once('_').map_or(id.as_str(), |(_, bare)| bare).to_lowercase();
    let secret = hex(&entropy.bytes::<SECRET_BYTES>());
    let body = format!("{prefix}_{bare}_{secret}");
    let text = Secret::new(format!("{body}_{:08x}", crc32fast::hash(body.as_bytes())));
    (text, hash(&secret))
}

/// Takes a token apart that has that prefix and an id of the kind `kind`; returns `None` when it is
/// none.
pub(crate) fn parse<'a>(text: &'a str, prefix: &str, kind: &str) -> Option<PresentedToken<'a>> {
    let (body, checksum) = text.rsplit_once('_')?;
    if checksum != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
        return None;
    }
    let (id, secret) = body.strip_prefix(prefix)?.strip_prefix('_')?.split_once('_')?;
    Some(PresentedToken { id: format!("{kind}_{}", id.to_uppercase()), secret })
}

impl PresentedToken<'_> {
    /// Returns whether its secret is the one that was stored, in constant time.
    pub(crate) fn proves(&self, stored: &[u8; 32]) -> bool {
        hash(self.secret).ct_eq(stored).into()
    }
}

fn hash(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes every write");
        text
    })
}

#[cfg(test)]
mod tests {
    use astralform_domain::{ApiKeyId, Clock, Timestamp};

    use super::*;

    fn minted() -> (ApiKeyId, Secret, [u8; 32]) {
        let clock = Clock::manual(Timestamp::from_secs(1));
        let entropy = Entropy::seeded(1);
        let id = ApiKeyId::new(&clock, &entropy);
        let (text, hash) = mint("sk_test", id, &entropy);
        (id, text, hash)
    }

    #[test]
    fn a_token_reads_back_as_what_was_stored_of_it() {
        let (id, text, stored) = minted();
        assert!(text.expose().starts_with("sk_test_"));
        let brought = parse(text.expose(), "sk_test", "key").unwrap();
        assert_eq!(brought.id, id.to_string());
        assert!(brought.proves(&stored));
        assert!(!brought.proves(&[0; 32]));
    }

    #[test]
    fn a_mistyped_token_is_told_from_a_token_without_a_look_up() {
        let (_, text, _) = minted();
        let text = text.expose();
        for wrong in [
            text.replace("sk_test", "sk_live"),
            text.replacen('a', "b", 1),
            text[..text.len() - 1].to_owned(),
            format!("{text} "),
            "sk_test_".to_owned(),
            String::new(),
        ] {
            assert!(parse(&wrong, "sk_test", "key").is_none(), "{wrong}");
        }
        assert!(parse(text, "sk_live", "key").is_none());
    }
}
