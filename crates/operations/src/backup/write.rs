use std::{
    collections::BTreeSet,
    io::{self, Write},
};

use astralform_domain::{Sealed, Timestamp, limits};
use astralform_storage::{
    Db,
    copies::{Snapshot, Table, Value},
};
use astralform_vault::KeyId;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::{BackupError, FORMAT, Header, Trailer};

/// Writes what it is given, and the digest of it.
struct Digesting<W> {
    out: W,
    digest: Sha256,
    rows: u64,
    /// The most bytes that a line may have.
    longest: usize,
}

impl<W: Write> Digesting<W> {
    fn line(&mut self, table: &str, line: &impl serde::Serialize) -> Result<(), BackupError> {
        let mut text = serde_json::to_vec(line).map_err(io::Error::from)?;
        text.push(b'\n');
        if self.longest < text.len() {
            return Err(BackupError::TooLong { table: table.to_owned(), length: text.len() });
        }
        self.digest.update(&text);
        Ok(self.out.write_all(&text)?)
    }
}

/// What was written, to be held against what is read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written(pub(super) Trailer);

impl Written {
    /// Returns how many rows it has.
    pub fn rows(&self) -> u64 {
        self.0.rows
    }
}

/// Writes the database as it is at one moment, and says what was written. It is read some rows at a
/// time; others go on reading and writing.
///
/// # Errors
/// When the database does not answer, a row is longer than what is restored, or `out` does not take
/// it.
pub async fn back_up(db: &Db, now: Timestamp, out: impl Write) -> Result<Written, BackupError> {
    back_up_within(limits::BACKUP_LINE.count(), db, now, out).await
}

pub(super) async fn back_up_within(
    longest: usize,
    db: &Db,
    now: Timestamp,
    out: impl Write,
) -> Result<Written, BackupError> {
    let mut snapshot = db.snapshot().await?;
    let tables = snapshot.tables().await?;
    let masters = masters(&mut snapshot, &tables).await?;
    let header = Header {
        format: FORMAT.to_owned(),
        schema_version: db.schema_version().await?,
        made_at: now,
        master_keys: masters.iter().map(ToString::to_string).collect(),
        tables: tables.clone(),
    };
    let mut out = Digesting { out, digest: Sha256::new(), rows: 0, longest };
    out.line("", &header)?;
    for (number, table) in tables.iter().enumerate() {
        snapshot
            .rows::<BackupError>(table, |row| {
                let values = row.into_iter().map(in_json);
                let line: Vec<Json> = std::iter::once(json!(number)).chain(values).collect();
                out.rows += 1;
                out.line(&table.name, &line)
            })
            .await?;
    }
    let Digesting { mut out, digest, rows, .. } = out;
    let trailer = Trailer { rows, sha256: hex(&digest.finalize()) };
    serde_json::to_writer(&mut out, &trailer).map_err(io::Error::from)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(Written(trailer))
}

/// Returns the master keys that the snapshot cannot do without: those that wrap its keys, and the
/// one that its next ones would be wrapped with.
async fn masters(
    snapshot: &mut Snapshot,
    tables: &[Table],
) -> Result<BTreeSet<KeyId>, BackupError> {
    let mut found = BTreeSet::new();
    for table in tables.iter().filter(|table| ["data_keys", "meta"].contains(&table.name.as_str()))
    {
        let columns = table.columns.iter().map(|column| column.name.as_str());
        let envelope = columns.clone().position(|name| name == "envelope");
        let value = columns.clone().position(|name| name == "value");
        let take = |row: Vec<Value>| {
            let id = match (envelope.map(|at| &row[at]), value.map(|at| &row[at])) {
                (Some(Value::Bytes(bytes)), _) => KeyId::of(&Sealed::from_bytes(bytes.clone())),
                (_, Some(Value::Text(text))) => KeyId::parse(text),
                _ => None,
            };
            found.extend(id);
            Ok(())
        };
        snapshot.rows::<BackupError>(table, take).await?;
    }
    Ok(found)
}

fn in_json(value: Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Text(text) => Json::String(text),
        Value::Int(number) => json!(number),
        Value::Bool(flag) => json!(flag),
        Value::Bytes(bytes) => Json::String(STANDARD.encode(bytes)),
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
