//! What vouches for entries, for the ends of chains, and what stands for end users.

use astralform_domain::{EndUserId, Environment};
use astralform_storage::audit::Entry;
use astralform_vault::Purpose;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use subtle::ConstantTimeEq as _;

use super::ChainKey;

/// Returns the MAC of an entry: of all its fields, and of the MAC of the entry before it.
pub(super) fn entry_mac(key: &ChainKey, entry: &Entry, before: &[u8; 32]) -> [u8; 32] {
    let text = |text: &Option<String>| optional(text.as_deref().map(str::as_bytes));
    let environment = optional(entry.environment.map(|named| named.as_str().as_bytes()));
    let request = optional(entry.request.map(|id| id.to_string()).as_deref().map(str::as_bytes));
    let values: [&[u8]; 12] = [
        before,
        entry.chain.as_bytes(),
        &entry.number.to_be_bytes(),
        &entry.at.as_micros().to_be_bytes(),
        entry.actor.as_bytes(),
        entry.action.as_bytes(),
        &environment,
        entry.subject.as_bytes(),
        &text(&entry.end_user),
        entry.details.as_bytes(),
        &request,
        &text(&entry.address),
    ];
    key.tag_of(Purpose::AuditEntry, &values)
}

/// Returns what vouches for the end of a chain, or for where it begins.
pub(super) fn head_tag(
    key: &ChainKey,
    chain: &str,
    role: &str,
    number: i64,
    mac: &[u8; 32],
) -> [u8; 32] {
    let values: [&[u8]; 4] = [chain.as_bytes(), role.as_bytes(), &number.to_be_bytes(), mac];
    key.tag_of(Purpose::AuditHead, &values)
}

/// Returns what stands for an end user: nobody without the key can tell whom.
pub(super) fn pseudonym(key: &ChainKey, environment: Environment, end_user: &EndUserId) -> String {
    let values: [&[u8]; 2] = [environment.as_str().as_bytes(), end_user.as_str().as_bytes()];
    let tag = key.tag_of(Purpose::AuditName, &values);
    format!("eu_{}", BASE64_URL_SAFE_NO_PAD.encode(&tag[..16]))
}

pub(super) fn is_same(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one.ct_eq(other).into()
}

/// Returns bytes that tell nothing from an empty text.
fn optional(value: Option<&[u8]>) -> Vec<u8> {
    value.map_or_else(Vec::new, |value| [b"=", value].concat())
}
