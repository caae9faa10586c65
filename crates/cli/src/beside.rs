use std::sync::Arc;

use astralform_catalog::{builtin, load};
use astralform_domain::{Clock, Entropy};
use astralform_egress::{Egress, Networks};
use astralform_engine::{Engine, Parts, Site};
use astralform_management::Management;
use astralform_storage::{Db, calls::Keep};
use astralform_vault::KeyRing;

/// Returns management for a command that works on the database beside a server, and serves nothing.
pub(crate) fn management(
    db: Db,
    key_ring: KeyRing,
    entropy: Entropy,
) -> anyhow::Result<Management> {
    Ok(Management::over(&engine(db, key_ring, entropy)?))
}

/// Returns an engine for a command that works on the database beside a server, and serves nothing.
pub(crate) fn engine(db: Db, key_ring: KeyRing, entropy: Entropy) -> anyhow::Result<Arc<Engine>> {
    Ok(Engine::new(Parts {
        db,
        catalog: load(builtin().iter().copied()).0,
        key_ring,
        egress: Egress::new(Networks::default(), None),
        site: Site::new("http://localhost".parse()?, None),
        clock: Clock::system(),
        entropy,
        node: "command".to_owned(),
        call_log: Keep::default(),
        spool: None,
    }))
}
