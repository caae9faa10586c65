use std::io::{BufRead, Read as _};

use astralform_domain::{Actor, Timestamp, limits};
use astralform_storage::{
    Db, Tx,
    copies::{self, ColumnKind, Table, Value},
};
use astralform_vault::{KeyCheck, KeyId, KeyRing};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{
    BackupError, FORMAT, Header, Trailer,
    write::{Written, hex},
};

/// What was restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    /// How many rows.
    pub rows: u64,
    /// How many refresh tokens may have been used up since the backup was made.
    pub in_doubt: u64,
    /// How many keys, admin tokens and sessions were revoked.
    pub revoked: u64,
}

/// The lines of a backup, each counted into its digest.
struct Lines<R> {
    from: R,
    digest: Sha256,
}

/// A line of a backup.
enum Line {
    Row(Vec<Json>),
    End(Trailer),
}

impl<R: BufRead> Lines<R> {
    fn new(from: R) -> Self {
        Self { from, digest: Sha256::new() }
    }

    fn text(&mut self) -> Result<Vec<u8>, BackupError> {
        let mut line = Vec::new();
        let longest = limits::BACKUP_LINE;
        self.from.by_ref().take(longest.value).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') && line.len() == longest.count() {
            return Err(BackupError::Damaged("a row is longer than any can be"));
        }
        if line.last() != Some(&b'\n') {
            return Err(BackupError::Damaged("it is cut off"));
        }
        Ok(line)
    }

    fn header(&mut self) -> Result<Header, BackupError> {
        let line = self.text().map_err(|error| match error {
            BackupError::Damaged(_) => BackupError::NoBackup,
            other => other,
        })?;
        let header: Header = serde_json::from_slice(&line).map_err(|_| BackupError::NoBackup)?;
        if header.format != FORMAT {
            return Err(BackupError::NoBackup);
        }
        self.digest.update(&line);
        Ok(header)
    }

    fn next(&mut self) -> Result<Line, BackupError> {
        let line = self.text()?;
        if line.starts_with(b"{") {
            let trailer: Trailer = serde_json::from_slice(&line)
                .map_err(|_| BackupError::Damaged("its last line cannot be read"))?;
            return Ok(Line::End(trailer));
        }
        self.digest.update(&line);
        let row = serde_json::from_slice(&line);
        Ok(Line::Row(row.map_err(|_| BackupError::Damaged("a line cannot be read"))?))
    }

    /// Hands every row to `take` and holds what was read against the last line.
    async fn each(
        mut self,
        header: &Header,
        mut take: impl AsyncFnMut(&Table, Vec<Value>) -> Result<(), BackupError>,
    ) -> Result<Trailer, BackupError> {
        let mut rows = 0;
        loop {
            match self.next()? {
                Line::Row(row) => {
                    rows += 1;
                    let (table, values) = values(header, row)?;
                    take(table, values).await?;
                }
                Line::End(trailer) => {
                    let read = Trailer { rows, sha256: hex(&self.digest.clone().finalize()) };
                    let is_whole = read == trailer && self.from.fill_buf()?.is_empty();
                    let damaged = BackupError::Damaged("its checksum does not fit");
                    return is_whole.then_some(trailer).ok_or(damaged);
                }
            }
        }
    }
}

fn values(header: &Header, row: Vec<Json>) -> Result<(&Table, Vec<Value>), BackupError> {
    let damaged = BackupError::Damaged("a row does not fit its table");
    let mut row = row.into_iter();
    let number = row.next().and_then(|number| number.as_u64());
    let number = number.and_then(|number| usize::try_from(number).ok());
    let Some(table) = number.and_then(|number| header.tables.get(number)) else {
        return Err(damaged);
    };
    let kinds = table.columns.iter().map(|column| column.kind);
    let values: Option<Vec<_>> = row.zip(kinds).map(|(json, kind)| value(json, kind)).collect();
    values.filter(|values| values.len() == table.columns.len()).ok_or(damaged).map(|v| (table, v))
}

fn value(json: Json, kind: ColumnKind) -> Option<Value> {
    Some(match (kind, json) {
        (_, Json::Null) => Value::Null,
        (ColumnKind::Text, Json::String(text)) => Value::Text(text),
        (ColumnKind::Int, Json::Number(number)) => Value::Int(number.as_i64()?),
        (ColumnKind::Bool, Json::Bool(flag)) => Value::Bool(flag),
        (ColumnKind::Bytes, Json::String(text)) => Value::Bytes(STANDARD.decode(text).ok()?),
        _ => return None,
    })
}

/// Reads a backup to its end and says what it is, if it is whole and can be used with this program
/// and these master keys.
///
/// # Errors
/// When it cannot.
pub async fn verify(ring: &KeyRing, from: impl BufRead) -> Result<Header, BackupError> {
    let mut lines = Lines::new(from);
    let header = lines.header()?;
    if header.schema_version != Db::NEWEST_SCHEMA {
        let found = header.schema_version;
        let known = Db::NEWEST_SCHEMA;
        return Err(BackupError::OtherSchema { found, known });
    }
    for master in &header.master_keys {
        let id = KeyId::parse(master).ok_or(BackupError::NoBackup)?;
        if ring.check(id) != KeyCheck::Held {
            return Err(BackupError::MissingKey(id));
        }
    }
    lines.each(&header, async |_, _| Ok(())).await?;
    Ok(header)
}

/// Reads a backup that was just written to its end, and holds it against what was written.
///
/// # Errors
/// When it cannot be read, or is not the same.
pub async fn check_written(written: &Written, from: impl BufRead) -> Result<(), BackupError> {
    let mut lines = Lines::new(from);
    let header = lines.header()?;
    let read = lines.each(&header, async |_, _| Ok(())).await?;
    if read == written.0 { Ok(()) } else { Err(BackupError::NotWritten) }
}

/// Fills an empty database from a backup that was verified, all of it or nothing. Every refresh
/// token counts as one that may have been used up meanwhile; keys are revoked where that is wanted.
///
/// # Errors
/// When the database is not empty, or the backup is not what it was.
pub async fn restore(
    db: &Db,
    from: impl BufRead,
    now: Timestamp,
    revokes_keys: bool,
) -> Result<Restored, BackupError> {
    if !db.is_empty().await? {
        return Err(BackupError::NotEmpty);
    }
    db.migrate().await?;
    let known = db.snapshot().await?.tables().await?;
    let mut lines = Lines::new(from);
    let header = lines.header()?;
    if header.tables != known {
        return Err(BackupError::Damaged("its tables are not those of this program"));
    }
    let mut tx: Tx = db.begin_long(Actor::Operator).await?;
    let taken = lines.each(&header, async |table, values| Ok(tx.insert_row(table, values).await?));
    let rows = taken.await?.rows;
    let in_doubt = copies::mark_old(&mut tx).await?;
    let revoked = if revokes_keys { copies::revoke_keys(&mut tx, now).await? } else { 0 };
    tx.commit_unrecorded().await?;
    Ok(Restored { rows, in_doubt, revoked })
}
