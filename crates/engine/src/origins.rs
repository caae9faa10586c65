//! Which pages of browsers may call: the allowed origins of environments.

use std::{
    hash::{BuildHasher as _, RandomState},
    sync::Arc,
    time::{Duration, Instant},
};

use astralform_domain::Tenant;
use astralform_storage::projects;
use tokio::sync::Mutex;

use crate::{Fault, base::Base, cache::Cache};

/// For how long it is believed which origins there are at all: a preflight is asked by strangers.
const BELIEVED: Duration = Duration::from_secs(2);

/// The allowed origins of all environments, as hashes in order, and when they were read. Two that
/// share a hash change nothing: what follows a preflight is compared with its environment's own.
type Listed = Option<(Instant, Arc<[u64]>)>;

/// Says which origins are allowed.
pub struct Origins {
    base: Arc<Base>,
    cache: Arc<Cache>,
    listed: Mutex<Listed>,
    /// Nobody outside knows its key, so that nobody can seek such two.
    hasher: RandomState,
}

impl Origins {
    pub(crate) fn new(base: &Arc<Base>, cache: &Arc<Cache>) -> Self {
        let (base, cache) = (Arc::clone(base), Arc::clone(cache));
        Self { base, cache, listed: Mutex::default(), hasher: RandomState::new() }
    }

    /// Returns whether an environment allows an origin, to the letter.
    ///
    /// # Errors
    /// When the database does not answer, or the settings were altered without the key.
    pub async fn allows(&self, tenant: Tenant, origin: &str) -> Result<bool, Fault> {
        let allowed = self.cache.allowed_origins(tenant).await?;
        Ok(allowed.0.iter().any(|allowed| allowed == origin))
    }

    /// Returns whether any environment allows an origin; a change is known within two seconds.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_listed(&self, origin: &str) -> Result<bool, Fault> {
        let sought = self.hasher.hash_one(origin);
        let mut listed = self.listed.lock().await;
        if let Some((read_at, origins)) = &*listed
            && read_at.elapsed() < BELIEVED
        {
            return Ok(origins.binary_search(&sought).is_ok());
        }
        let read = projects::all_origins(&self.base.db).await;
        let origins = match (read, &*listed) {
            (Ok(all), _) => self.hashed(&all),
            // Believed a little longer: those who wait must not each wait for the database.
            (Err(_), Some((_, before))) => Arc::clone(before),
            (Err(error), None) => return Err(error.into()),
        };
        let is_listed = origins.binary_search(&sought).is_ok();
        *listed = Some((Instant::now(), origins));
        Ok(is_listed)
    }

    fn hashed(&self, origins: &[String]) -> Arc<[u64]> {
        let mut hashes: Vec<_> =
            origins.iter().map(|origin| self.hasher.hash_one(origin.as_str())).collect();
        hashes.sort_unstable();
        hashes.dedup();
        hashes.into()
    }
}
