//! API keys: `sk_{environment}_{id}_{secret}_{checksum}`.
//!
//! The id finds the row, the secret proves the key, and the checksum lets a secret scanner tell a
//! key from noise without asking us. Only SHA-256 of the secret is stored: 256 random bits need no
//! slow hash.

use astralform_domain::{
    AgentId, ApiKeyId, Clock, Entropy, Environment, Principal, Secret, Tenant,
};
use astralform_storage::{
    agents::{self, Agent},
    api_keys::{self, ApiKey},
};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use thiserror::Error;

use crate::{Engine, Fault};

const SECRET_BYTES: usize = 32;

/// Why a request has no principal.
#[derive(Debug, Error)]
pub enum AuthenticationError {
    /// The key is not one of ours, or has been revoked.
    #[error("the API key is not valid")]
    InvalidKey,
    /// The key is bound to another agent than the request names.
    #[error("the API key belongs to another agent")]
    OtherAgent,
    /// There is no agent of that name.
    #[error("there is no such agent")]
    UnknownAgent,
    /// The agent is switched off.
    #[error("the agent is disabled")]
    DisabledAgent,
    /// Something is broken.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A key's text, taken apart.
struct Parsed<'a> {
    environment: Environment,
    id: ApiKeyId,
    secret: &'a str,
}

/// A fresh key: its text, shown once, and what is stored of it.
pub fn generate(
    tenant: Tenant,
    agent: Option<AgentId>,
    clock: &Clock,
    entropy: &Entropy,
) -> (Secret, ApiKey) {
    let id = ApiKeyId::new(clock, entropy);
    let secret: String = hex(&entropy.bytes::<SECRET_BYTES>());
    let bare = id.to_string().replacen("key_", "", 1).to_lowercase();
    let body = format!("sk_{}_{bare}_{secret}", tenant.environment);
    let text = Secret::new(format!("{body}_{:08x}", crc32fast::hash(body.as_bytes())));
    let secret_hash = hash(&secret);
    let key = ApiKey { id, tenant, agent, secret_hash, hint: text.hint(), revoked_at: None };
    (text, key)
}

impl Engine {
    /// The principal that a key and the agent's name in a request stand for.
    ///
    /// # Errors
    /// An unknown id, a wrong secret and a revoked key are one and the same.
    pub async fn authenticate(
        &self,
        key: &str,
        agent: Option<&str>,
    ) -> Result<Principal, AuthenticationError> {
        let key = self.find_key(key).await?.ok_or(AuthenticationError::InvalidKey)?;
        let agent = self.agent_of(&key, agent).await?;
        if !agent.is_enabled {
            return Err(AuthenticationError::DisabledAgent);
        }
        Ok(Principal { tenant: key.tenant, agent: agent.id, api_key: key.id })
    }

    async fn find_key(&self, text: &str) -> Result<Option<ApiKey>, Fault> {
        let Some(parsed) = parse(text) else {
            return Ok(None);
        };
        let Some(key) = api_keys::find(&self.db, parsed.id).await? else {
            return Ok(None);
        };
        let proven = bool::from(hash(parsed.secret).ct_eq(&key.secret_hash));
        let same = key.tenant.environment == parsed.environment;
        Ok((proven && same && key.revoked_at.is_none()).then_some(key))
    }

    async fn agent_of(
        &self,
        key: &ApiKey,
        named: Option<&str>,
    ) -> Result<Agent, AuthenticationError> {
        let project = key.tenant.project;
        let bound = key.agent.map(|id| id.to_string());
        let wanted = named.map(ToOwned::to_owned).or_else(|| bound.clone());
        let found = match wanted {
            Some(name) => agents::named(&self.db, project, &name).await,
            None => agents::default_of(&self.db, project).await,
        };
        let agent = found.map_err(Fault::from)?.ok_or(AuthenticationError::UnknownAgent)?;
        match key.agent {
            Some(bound) if bound != agent.id => Err(AuthenticationError::OtherAgent),
            _ => Ok(agent),
        }
    }
}

fn parse(text: &str) -> Option<Parsed<'_>> {
    let (body, checksum) = text.rsplit_once('_')?;
    if checksum != format!("{:08x}", crc32fast::hash(body.as_bytes())) {
        return None;
    }
    let mut parts = body.strip_prefix("sk_")?.splitn(3, '_');
    let environment = parts.next()?.parse().ok()?;
    let id = format!("key_{}", parts.next()?.to_uppercase()).parse().ok()?;
    Some(Parsed { environment, id, secret: parts.next()? })
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
    use astralform_domain::{ProjectId, Timestamp};

    use super::*;

    fn key() -> (Secret, ApiKey) {
        let (clock, entropy) = (Clock::manual(Timestamp::from_secs(1)), Entropy::seeded(1));
        let project = ProjectId::new(&clock, &entropy);
        generate(Tenant { project, environment: Environment::Test }, None, &clock, &entropy)
    }

    #[test]
    fn a_key_reads_back_as_what_was_stored_of_it() {
        let (text, stored) = key();
        let parsed = parse(text.expose()).unwrap();
        assert!(text.expose().starts_with("sk_test_"));
        assert_eq!((parsed.environment, parsed.id), (Environment::Test, stored.id));
        assert_eq!(hash(parsed.secret), stored.secret_hash);
        assert!(!text.expose().contains(stored.hint.trim_start_matches('…').repeat(2).as_str()));
    }

    #[test]
    fn a_mistyped_key_is_told_from_a_key_without_a_look_up() {
        let (text, _) = key();
        let text = text.expose();
        for wrong in [
            text.replace("sk_test", "sk_live"),
            text.replacen('a', "b", 1),
            text[..text.len() - 1].to_owned(),
            format!("{text} "),
            "sk_test_".to_owned(),
            String::new(),
        ] {
            assert!(parse(&wrong).is_none(), "{wrong}");
        }
    }
}
