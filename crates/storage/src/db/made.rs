//! Statements that are made while the program runs, of names and numbers of ours alone.

use sqlx::AssertSqlSafe;

use super::{Db, Open, PgArguments, Pools, Row, Tx, limited, one_connection};
use crate::{Result, bind::Bind};

impl Db {
    /// Runs a statement that is made of names of ours, and returns its rows.
    pub(crate) async fn run_made(&self, sql: String) -> Result<Vec<Row>> {
        one_connection::check(&sql);
        Ok(match &self.pools {
            Pools::Sqlite { write, .. } => {
                let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
                let rows = limited(query.fetch_all(write)).await?;
                rows.into_iter().map(Row::Sqlite).collect()
            }
            Pools::Postgres(lines) => {
                let mut line = lines.take().await?;
                line.is_preparing = false;
                let rows = line.fetch_all(AssertSqlSafe(sql), PgArguments::default()).await?;
                rows.into_iter().map(Row::Postgres).collect()
            }
        })
    }
}

/// A statement that writes rows, many of them at once.
pub(crate) struct ManyRows {
    sizes: [ForRows; 3],
}

/// A statement for so many rows. Its parameters have no names on SQLite, where each name would be
/// looked for among all that there are.
struct ForRows {
    number: usize,
    sqlite: &'static str,
    postgres: &'static str,
}

impl ManyRows {
    /// Makes it of what stands before the rows and behind them. To be kept for good.
    pub(crate) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let sized = |number: usize| {
            let made = |parameter: fn(usize) -> String| -> &'static str {
                let row = |row: usize| {
                    let numbers = row * columns + 1..=(row + 1) * columns;
                    format!("({})", numbers.map(parameter).collect::<Vec<_>>().join(", "))
                };
                let rows: Vec<_> = (0..number).map(row).collect();
                format!("{head} VALUES {} {tail}", rows.join(", ")).leak()
            };
            let sqlite = made(|_| "?".to_owned());
            ForRows { number, sqlite, postgres: made(|number| format!("${number}")) }
        };
        Self { sizes: [sized(128), sized(16), sized(1)] }
    }

    /// Divides rows among statements of a transaction's database.
    pub(crate) fn statements(
        &self,
        tx: &Tx,
        mut rows: Vec<Vec<Bind>>,
    ) -> Vec<(&'static str, Vec<Bind>)> {
        let mut statements = Vec::new();
        for size in &self.sizes {
            let sql = match tx.open {
                Open::Sqlite(_) => size.sqlite,
                Open::Postgres(_) => size.postgres,
            };
            while rows.len() >= size.number {
                let rest = rows.split_off(size.number);
                statements.push((sql, rows.into_iter().flatten().collect()));
                rows = rest;
            }
        }
        statements
    }
}
