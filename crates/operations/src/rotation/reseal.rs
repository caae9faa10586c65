use std::collections::{HashMap, hash_map::Entry};

use astralform_domain::{Actor, ProjectId, Sealed};
use astralform_storage::{
    Db,
    data_keys::{self, KeyRole},
    sealed_columns::{RowId, SEALED_COLUMNS, SealedColumn, SealedRow},
};
use astralform_vault::{Binding, KeyRing, ProjectKeys};

use super::{BATCH, Rotation, Step};
use astralform_engine::{Fault, open_project_keys, places::digest_row};

/// The keys of projects, opened when the first of a project's values is met.
#[derive(Default)]
pub(super) struct Opened(HashMap<ProjectId, ProjectKeys>);

/// What became of a column's values.
#[derive(Default)]
struct Tally {
    resealed: usize,
    unopened: usize,
}

impl Rotation<'_> {
    /// Seals every value anew that is not sealed with its project's current key; then once more
    /// what was sealed with the key before by those who had not heard.
    pub(super) async fn reseal_all(&self) -> Result<(), Fault> {
        self.reseal_once().await?;
        self.known_by_all(KeyRole::Older).await?;
        self.reseal_once().await
    }

    async fn reseal_once(&self) -> Result<(), Fault> {
        let mut opened = Opened::default();
        for column in SEALED_COLUMNS {
            let tally = self.reseal(column, &mut opened).await?;
            let table = column.table;
            let name = column.column;
            if tally.unopened > 0 {
                tracing::error!(
                    table,
                    column = name,
                    values = tally.unopened,
                    "integrity failure: stored secrets do not open"
                );
                (self.tell)(Step::Unopened(table, name, tally.unopened));
            }
        }
        Ok(())
    }

    async fn reseal(&self, column: &SealedColumn, opened: &mut Opened) -> Result<Tally, Fault> {
        let mut tally = Tally::default();
        let mut from = String::new();
        loop {
            let rows = column.stale(self.db, &from, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(tally) };
            let before = tally.resealed;
            let (fresh, unopened) = self.all_sealed_anew(column, &rows, opened).await?;
            let mut tx = self.db.begin(Actor::Operator).await?;
            for (row, fresh) in &fresh {
                tally.resealed += usize::from(column.replace(&mut tx, row, fresh).await?);
            }
            tx.commit_unrecorded().await?;
            if tally.resealed > before {
                (self.tell)(Step::Resealed(column.table, column.column, tally.resealed));
            } else if last.place() == from {
                // What is left here does not open, or is being changed.
                tally.unopened += unopened;
                return Ok(tally);
            }
            last.place().clone_into(&mut from);
        }
    }

    /// Seals values anew, outside of any transaction; counts those that do not open.
    async fn all_sealed_anew<'r>(
        &self,
        column: &SealedColumn,
        rows: &'r [SealedRow],
        opened: &mut Opened,
    ) -> Result<(Vec<(&'r SealedRow, Sealed)>, usize), Fault> {
        let mut fresh = Vec::new();
        let mut unopened = 0;
        for row in rows {
            match self.sealed_anew(column, row, opened).await {
                Ok(sealed) => fresh.push((row, sealed)),
                Err(Fault::Integrity(_)) => unopened += 1,
                Err(fault) => return Err(fault),
            }
        }
        Ok((fresh, unopened))
    }

    async fn sealed_anew(
        &self,
        column: &SealedColumn,
        row: &SealedRow,
        opened: &mut Opened,
    ) -> Result<Sealed, Fault> {
        let keys = opened.of(self.db, self.ring, row.tenant.project).await?;
        in_its_place(column, row, |place| {
            let secret = keys.open(place, &row.sealed)?;
            Ok(keys.seal(place, &secret, &self.entropy))
        })
    }
}

impl Opened {
    pub(super) async fn of(
        &mut self,
        db: &Db,
        ring: &KeyRing,
        project: ProjectId,
    ) -> Result<&ProjectKeys, Fault> {
        Ok(match self.0.entry(project) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => {
                let wrapped = data_keys::of(db, project).await?;
                place.insert(open_project_keys(ring, project, &wrapped)?)
            }
        })
    }
}

/// Does something with what a stored value is bound to.
pub(super) fn in_its_place<T>(
    column: &SealedColumn,
    row: &SealedRow,
    work: impl FnOnce(Binding<'_>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let name = match &row.row {
        RowId::Text(text) => text.clone(),
        RowId::Digest(digest) => digest_row(digest),
    };
    work(Binding {
        tenant: row.tenant,
        owner: &row.owner,
        table: column.table,
        row: &name,
        column: column.bound_as,
        generation: row.generation,
        hosts: &row.hosts,
    })
}
