use astralform_storage::{
    Db,
    sealed_columns::{SEALED_COLUMNS, SealedColumn},
};
use astralform_vault::KeyRing;

use super::{
    BATCH,
    reseal::{Opened, in_its_place},
};
use astralform_engine::Fault;

/// What became of the values of a column when each was opened where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked {
    /// Its table.
    pub table: &'static str,
    /// Its name.
    pub column: &'static str,
    /// How many open.
    pub opened: usize,
    /// The rows whose value does not open: it was altered, moved, or its row was.
    pub refused: Vec<String>,
}

/// Opens every sealed value where it stands, and keeps none of them.
///
/// # Errors
/// When the database does not answer, or the ring does not open a project's keys.
pub async fn check_sealed(db: &Db, ring: &KeyRing) -> Result<Vec<Checked>, Fault> {
    let mut opened = Opened::default();
    let mut all = Vec::with_capacity(SEALED_COLUMNS.len());
    for column in SEALED_COLUMNS {
        let checked = checked(db, ring, column, &mut opened).await?;
        for row in &checked.refused {
            let table = column.table;
            let column = column.column;
            tracing::error!(table, column, row, "integrity failure: a stored secret does not open");
        }
        all.push(checked);
    }
    Ok(all)
}

async fn checked(
    db: &Db,
    ring: &KeyRing,
    column: &SealedColumn,
    opened: &mut Opened,
) -> Result<Checked, Fault> {
    let table = column.table;
    let name = column.column;
    let mut checked = Checked { table, column: name, opened: 0, refused: Vec::new() };
    let mut after = None;
    loop {
        let rows = column.every(db, after.as_ref(), BATCH).await?;
        if rows.is_empty() {
            return Ok(checked);
        }
        for row in &rows {
            let keys = opened.of(db, ring, row.tenant.project).await?;
            match in_its_place(column, row, |place| Ok(keys.open(place, &row.sealed)?)) {
                Ok(_) => checked.opened += 1,
                Err(Fault::Integrity(_)) => checked.refused.push(row.name()),
                Err(fault) => return Err(fault),
            }
        }
        after = rows.into_iter().next_back();
    }
}
