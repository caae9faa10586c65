//! Whole tables as plain values, for copies that both databases can read.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Executor as _, Row as _, Sqlite, Transaction};

use super::{Bind, Db, Open, PgArguments, Pools, Row, Tx, postgres, sqlite};
use crate::{Error, Result, row::corrupt};

/// A table, as the database describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Its columns, in their order.
    pub columns: Vec<TableColumn>,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableColumn {
    /// Its name.
    pub name: String,
    /// What it holds.
    #[serde(rename = "type")]
    pub kind: ColumnKind,
}

/// What a column can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// `TEXT`.
    Text,
    /// `BIGINT`.
    Int,
    /// `BOOLEAN`.
    Bool,
    /// `BYTEA`.
    Bytes,
}

/// A value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Nothing.
    Null,
    /// Of a text column.
    Text(String),
    /// Of a column of numbers.
    Int(i64),
    /// Of a column of flags.
    Bool(bool),
    /// Of a column of bytes.
    Bytes(Vec<u8>),
}

/// The database as it was at one moment, without what is written meanwhile.
pub struct Snapshot(Open);

/// Tables whose rows are of no use anywhere else.
const LEFT_OUT: &[&str] = &["changes", "nodes"];

/// How many rows are read at once.
const AT_ONCE: i64 = 500;

/// Tables whose rows hold whole answers, of some megabytes each; few of them are read at once, so that
/// a copy takes little memory.
const LARGE: &[&str] = &["idempotent_requests", "refreshes"];
const LARGE_AT_ONCE: i64 = 4;

impl ColumnKind {
    fn of(declared: &str) -> Result<Self> {
        Ok(match declared.to_ascii_lowercase().as_str() {
            "text" => Self::Text,
            "bigint" => Self::Int,
            "boolean" => Self::Bool,
            "bytea" => Self::Bytes,
            _ => return Err(corrupt("type", "a column is of none of the types that we use")),
        })
    }
}

impl Table {
    /// Returns the names of all tables that hold something to keep, those first that others refer
    /// to.
    fn names() -> impl Iterator<Item = &'static str> {
        let lines = Db::MIGRATIONS.iter().flat_map(|(_, sql)| sql.lines());
        let lines = lines.filter_map(|line| line.strip_prefix("CREATE TABLE "));
        let names = lines.map(|line| line.trim_end_matches(" ("));
        names.filter(|name| !LEFT_OUT.contains(name))
    }

    fn columns(&self) -> String {
        self.columns.iter().map(|column| column.name.as_str()).collect::<Vec<_>>().join(", ")
    }

    fn read(&self, row: &Row) -> Result<Vec<Value>> {
        let columns = self.columns.iter().enumerate();
        columns.map(|(at, column)| value(row, at, column.kind)).collect()
    }
}

fn value(row: &Row, at: usize, kind: ColumnKind) -> Result<Value> {
    macro_rules! get {
        ($type:ty, $make:path) => {
            match row {
                Row::Sqlite(row) => row.try_get::<Option<$type>, _>(at),
                Row::Postgres(row) => row.try_get::<Option<$type>, _>(at),
            }?
            .map_or(Value::Null, $make)
        };
    }
    Ok(match kind {
        ColumnKind::Text => get!(String, Value::Text),
        ColumnKind::Int => get!(i64, Value::Int),
        ColumnKind::Bool => get!(bool, Value::Bool),
        ColumnKind::Bytes => get!(Vec<u8>, Value::Bytes),
    })
}

impl Db {
    /// Begins to read the database as it is now. Others go on reading and writing.
    ///
    /// # Errors
    /// When no connection is to be had.
    pub async fn snapshot(&self) -> Result<Snapshot> {
        // The moment is that of the first read, in both.
        Ok(Snapshot(match &self.pools {
            Pools::Sqlite { read, .. } => {
                let mut tx = read.begin().await?;
                tx.execute("SELECT name FROM sqlite_master LIMIT 1").await?;
                Open::Sqlite(tx)
            }
            Pools::Postgres(lines) => {
                let mut line = lines.take().await?;
                line.is_preparing = false;
                line.begin("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                line.take_long().await?;
                line.execute("SELECT 1", PgArguments::default()).await?;
                Open::Postgres(line)
            }
        }))
    }

    /// Returns whether there is nothing in it: no schema, or one without a row.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn is_empty(&self) -> Result<bool> {
        match self.schema_version().await {
            Err(error) if error.is_missing_table() => return Ok(true),
            found => found?,
        };
        let mut snapshot = self.snapshot().await?;
        for table in snapshot.tables().await? {
            let sql = format!("SELECT 1 FROM {} LIMIT 1", table.name);
            if !snapshot.fetch(sql).await?.is_empty() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Copies a SQLite database to a file that is not there yet, while others use it.
    ///
    /// # Errors
    /// When the file cannot be written, or the database is not SQLite's.
    pub async fn copy_to(&self, path: &Path) -> Result<()> {
        let Pools::Sqlite { read, .. } = &self.pools else {
            return Err(corrupt("file", "only SQLite databases are copied as files"));
        };
        let path = path.to_string_lossy().into_owned();
        sqlx::query("VACUUM INTO $1").bind(path).execute(read).await?;
        Ok(())
    }
}

impl Snapshot {
    /// Returns the tables, those first that others refer to.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn tables(&mut self) -> Result<Vec<Table>> {
        let mut tables = Vec::new();
        for name in Table::names() {
            let sql = match &self.0 {
                Open::Sqlite(_) => {
                    format!("SELECT name, type FROM pragma_table_info('{name}') ORDER BY cid")
                }
                Open::Postgres(_) => format!(
                    "SELECT CAST(column_name AS TEXT) AS name, CAST(data_type AS TEXT) AS type
                     FROM information_schema.columns
                     WHERE table_schema = current_schema() AND table_name = '{name}'
                     ORDER BY ordinal_position"
                ),
            };
            let mut columns = Vec::new();
            for row in self.fetch(sql).await? {
                let kind = ColumnKind::of(&row.text("type")?)?;
                columns.push(TableColumn { name: row.text("name")?, kind });
            }
            tables.push(Table { name: name.to_owned(), columns });
        }
        Ok(tables)
    }

    /// Hands every row of a table to `take`, some at a time.
    ///
    /// # Errors
    /// When the database does not answer, or `take` refuses.
    pub async fn rows<E: From<Error>>(
        &mut self,
        table: &Table,
        mut take: impl FnMut(Vec<Value>) -> Result<(), E>,
    ) -> Result<(), E> {
        let columns = table.columns();
        let name = &table.name;
        let at_once = if LARGE.contains(&name.as_str()) { LARGE_AT_ONCE } else { AT_ONCE };
        if matches!(self.0, Open::Postgres(_)) {
            let declare = format!("DECLARE copied CURSOR FOR SELECT {columns} FROM {name}");
            self.run(declare).await?;
        }
        let mut after = i64::MIN;
        loop {
            let sql = match &self.0 {
                Open::Sqlite(_) => format!(
                    "SELECT {columns}, rowid AS place FROM {name} WHERE rowid > {after}
                     ORDER BY rowid LIMIT {at_once}"
                ),
                Open::Postgres(_) => format!("FETCH {at_once} FROM copied"),
            };
            let rows = self.fetch(sql).await?;
            let Some(last) = rows.last() else { break };
            if matches!(self.0, Open::Sqlite(_)) {
                after = last.int("place")?;
            }
            for row in &rows {
                take(table.read(row)?)?;
            }
        }
        if matches!(self.0, Open::Postgres(_)) {
            self.run("CLOSE copied".to_owned()).await?;
        }
        Ok(())
    }

    /// Fetches rows. Only names of our own tables and columns stand in these statements.
    async fn fetch(&mut self, sql: String) -> Result<Vec<Row>> {
        let query = AssertSqlSafe(sql);
        Ok(match &mut self.0 {
            Open::Sqlite(tx) => {
                let rows = sqlx::query(query).persistent(false).fetch_all(&mut **tx).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Open::Postgres(line) => {
                let rows = line.fetch_all(query, PgArguments::default()).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }

    async fn run(&mut self, sql: String) -> Result<()> {
        self.fetch(sql).await.map(drop)
    }
}

impl Tx {
    /// Stores a row that another database had.
    ///
    /// # Errors
    /// When it does not fit the table.
    pub async fn insert_row(&mut self, table: &Table, values: Vec<Value>) -> Result<()> {
        if values.len() != table.columns.len() {
            return Err(corrupt("row", "a row has not the columns of its table"));
        }
        let places: Vec<_> = (1..=values.len()).map(|at| format!("${at}")).collect();
        let columns = table.columns();
        let places = places.join(", ");
        let sql = format!("INSERT INTO {} ({columns}) VALUES ({places})", table.name);
        let binds = values.into_iter().zip(&table.columns);
        let binds = binds.map(|(value, column)| bind(value, column.kind)).collect::<Result<_>>()?;
        let query = AssertSqlSafe(sql);
        match &mut self.open {
            Open::Sqlite(tx) => insert_sqlite(tx, query, binds).await,
            Open::Postgres(line) => line.execute(query, postgres(binds)?).await.map(drop),
        }
    }
}

async fn insert_sqlite(
    tx: &mut Transaction<'static, Sqlite>,
    query: AssertSqlSafe<String>,
    binds: Vec<Bind>,
) -> Result<()> {
    sqlx::query_with(query, sqlite(binds)?).execute(&mut **tx).await?;
    Ok(())
}

fn bind(value: Value, kind: ColumnKind) -> Result<Bind> {
    Ok(match (kind, value) {
        (ColumnKind::Text, Value::Null) => Bind::Text(None),
        (ColumnKind::Int, Value::Null) => Bind::Int(None),
        (ColumnKind::Bytes, Value::Null) => Bind::Bytes(None),
        (ColumnKind::Text, Value::Text(value)) => Bind::Text(Some(value)),
        (ColumnKind::Int, Value::Int(value)) => Bind::Int(Some(value)),
        (ColumnKind::Bool, Value::Bool(value)) => Bind::Bool(value),
        (ColumnKind::Bytes, Value::Bytes(value)) => Bind::Bytes(Some(value)),
        _ => return Err(corrupt("row", "a value is not of its column's type")),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::{
        projects,
        testing::{ACTOR, on_both, on_both_empty, world},
    };

    async fn rows(snapshot: &mut Snapshot, table: &Table) -> Vec<Vec<Value>> {
        let mut all = Vec::new();
        let taken = snapshot.rows::<Error>(table, |row| {
            all.push(row);
            Ok(())
        });
        taken.await.unwrap();
        all
    }

    async fn table(snapshot: &mut Snapshot, name: &str) -> Table {
        let tables = snapshot.tables().await.unwrap();
        tables.into_iter().find(|table| table.name == name).unwrap()
    }

    async fn fill(tx: &mut Tx, table: &Table, rows: Vec<Vec<Value>>) {
        for row in rows {
            tx.insert_row(table, row).await.unwrap();
        }
    }

    async fn names_in_database(snapshot: &mut Snapshot) -> BTreeSet<String> {
        let sql = match &snapshot.0 {
            Open::Sqlite(_) => "SELECT name FROM sqlite_master WHERE type = 'table'",
            Open::Postgres(_) => {
                "SELECT CAST(table_name AS TEXT) AS name FROM information_schema.tables
                 WHERE table_schema = current_schema()"
            }
        };
        let rows = snapshot.fetch(sql.to_owned()).await.unwrap();
        let names = rows.iter().map(|row| row.text("name").unwrap());
        names.filter(|name| !name.starts_with("sqlite_") && name != "_sqlx_migrations").collect()
    }

    #[tokio::test]
    async fn v5_every_table_that_the_migrations_make_is_copied_or_left_out_with_intent() {
        on_both(async |db| {
            let mut snapshot = db.snapshot().await.unwrap();
            let copied = Table::names().chain(LEFT_OUT.iter().copied());
            let known: BTreeSet<_> = copied.map(ToOwned::to_owned).collect();
            assert_eq!(names_in_database(&mut snapshot).await, known);
        })
        .await;
    }

    #[tokio::test]
    async fn v5_both_databases_describe_their_tables_alike() {
        let all = std::sync::Mutex::new(Vec::new());
        on_both(async |db| {
            let tables = db.snapshot().await.unwrap().tables().await.unwrap();
            assert!(tables.iter().all(|table| table.columns.len() > 1));
            assert!(tables.len() > 10);
            all.lock().unwrap().push(tables);
        })
        .await;
        let all = all.into_inner().unwrap();
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
    }

    #[tokio::test]
    async fn v5_a_snapshot_does_not_see_what_is_written_after_it() {
        on_both(async |db| {
            let first = world(&db).await;
            let mut snapshot = db.snapshot().await.unwrap();
            world(&db).await;
            let projects = table(&mut snapshot, "projects").await;
            let seen = rows(&mut snapshot, &projects).await;
            assert_eq!(seen.len(), 1);
            assert!(seen[0].contains(&Value::Text(first.tenant.project.to_string())));
        })
        .await;
    }

    #[tokio::test]
    async fn v5_the_rows_of_one_database_fit_into_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let source = Db::open_sqlite(&folder.path().join("source.db")).await.unwrap();
        source.migrate().await.unwrap();
        let project = world(&source).await.tenant.project;
        for _ in 0..600 {
            world(&source).await;
        }
        on_both_empty(async |db| {
            assert!(db.is_empty().await.unwrap());
            db.migrate().await.unwrap();
            assert!(db.is_empty().await.unwrap());
            let mut snapshot = source.snapshot().await.unwrap();
            let mut tx = db.begin(ACTOR).await.unwrap();
            for table in snapshot.tables().await.unwrap() {
                fill(&mut tx, &table, rows(&mut snapshot, &table).await).await;
            }
            tx.commit().await.unwrap();
            assert!(!db.is_empty().await.unwrap());
            assert!(projects::name(&db, project).await.unwrap().is_some());
            let mut copy = db.snapshot().await.unwrap();
            for table in snapshot.tables().await.unwrap() {
                let here = rows(&mut copy, &table).await;
                let there = rows(&mut snapshot, &table).await;
                assert_eq!(here, there, "{}", table.name);
            }
        })
        .await;
    }

    #[tokio::test]
    async fn a_sqlite_file_is_copied_while_it_is_open() {
        let folder = tempfile::tempdir().unwrap();
        let db = Db::open_sqlite(&folder.path().join("a.db")).await.unwrap();
        db.migrate().await.unwrap();
        let project = world(&db).await.tenant.project;
        let copy = folder.path().join("b.db");
        db.copy_to(&copy).await.unwrap();
        assert!(db.copy_to(&copy).await.is_err(), "an existing file is kept");
        let copy = Db::open_sqlite(&copy).await.unwrap();
        assert!(projects::name(&copy, project).await.unwrap().is_some());
    }
}
