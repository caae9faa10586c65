//! What lies in files when a process starts.

use std::{fs, path::Path};

use astralform_domain::{Actor, Connection, ScopeSet, chain};
use astralform_provider::oauth::Refreshed;
use astralform_storage::{
    connections,
    refreshes::{self, RefreshKey},
};

use super::{
    conclude::{Answered, RawAnswer},
    send::open_kept,
    spool::Spooled,
};
use crate::{Fault, connections::OpenToken, connections::living_on, refresh::RefreshExchange};

impl RefreshExchange {
    /// Brings answers from files into the database. Tokens in an answer that comes too late for its
    /// connection are ended at the provider; a file goes when its tokens are taken care of.
    pub(super) async fn replay(&self) -> Result<(), Fault> {
        for (path, spooled) in self.spool.all() {
            if self.place_answer(&spooled).await? {
                remove(&path);
            }
        }
        Ok(())
    }

    /// Says whether the answer is taken care of.
    async fn place_answer(&self, spooled: &Spooled) -> Result<bool, Fault> {
        let id = spooled.connection_id;
        let generation = spooled.generation;
        let key = RefreshKey { connection: id, kind: spooled.kind.clone() };
        let Some(answer) = spooled.answer() else {
            tracing::error!(connection.id = %id, "an answer in a file is damaged; the file stays");
            return Ok(false);
        };
        let mut tx = self.base.begin(Actor::Product).await?;
        let node = &self.process;
        let taken = refreshes::take_answer(&mut tx, &key, generation, node, &answer).await?;
        tx.commit().await?;
        tracing::warn!(connection.id = %id, taken, "an answer was in a file");
        if taken {
            return Ok(true);
        }
        let Some(connection) = connections::find(&self.base.db, spooled.tenant(), id).await? else {
            tracing::error!(connection.id = %id, "the connection of an answer is gone; its file stays");
            return Ok(false);
        };
        let keys = self.base.keys_of(connection.tenant.project).await?;
        match open_kept(&connection, &key, generation, &keys, &answer) {
            Some(opened) => self.end_stray(&connection, &spooled.kind, opened).await,
            None => Ok(false),
        }
    }

    /// Has the tokens of an answer ended that no connection takes, unless they are those the
    /// connection has; says whether that is done.
    async fn end_stray(
        &self,
        connection: &Connection,
        kind: &str,
        answer: RawAnswer,
    ) -> Result<bool, Fault> {
        let at = connection.project_connector;
        let settings = self.connectors.project_connector(connection.tenant, at).await?;
        let ready = self.connectors.ready_even_if_paused(settings);
        let Ok(ready) = ready.and_then(|ready| ready.oauth().map(drop).map(|()| ready)) else {
            let id = connection.id;
            tracing::error!(connection.id = %id, "an answer waits until its connector can be used");
            return Ok(false);
        };
        let (oauth, _) = ready.oauth().map_err(|_| Fault::Inconsistent("no OAuth any more"))?;
        let Refreshed::Granted(granted) = Answered::read(oauth, kind, answer, None).read else {
            return Ok(true);
        };
        let nothing = ScopeSet::default();
        let fresh = OpenToken::granted(*granted, &ready.connector, &nothing, self.base.now());
        let kept = self.connections.open_tokens(connection).await?;
        let is_in_use = kept.iter().any(|token| token.kind == kind);
        let unused = vec![fresh];
        let unused = if is_in_use { living_on(&ready.connector, unused, &kept) } else { unused };
        for unused in unused {
            tracing::warn!(connection.id = %connection.id, "tokens that came too late are withdrawn");
            self.discards.discard_refreshed(connection, &ready, unused).await;
        }
        Ok(true)
    }
}

fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        let path = path.display().to_string();
        tracing::error!(path, error = chain(&error), "a kept answer cannot be removed");
    }
}
