use std::fmt;

use astralform_domain::Sealed;

pub(crate) const LENGTH: usize = 16;

/// What identifies a key, safe to store and to show: the fingerprint of a master key, or the number
/// of a data key. It stands in front of everything that the key sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; LENGTH]);

impl KeyId {
    /// Returns the id of those bytes.
    pub const fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns its bytes.
    pub const fn to_bytes(self) -> [u8; LENGTH] {
        self.0
    }

    /// Returns the id of the key that sealed a value, which stands in front of the value.
    pub fn of(sealed: &Sealed) -> Option<Self> {
        sealed.as_bytes().get(1..).and_then(<[u8]>::first_chunk).copied().map(Self)
    }

    /// Returns the id that `text` spells, or `None`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = u128::from_str_radix(text, 16).ok()?;
        (text.len() == 2 * LENGTH).then(|| Self(number.to_be_bytes()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}
