//! Statements that are made while the program runs, of names and numbers of ours alone.

use sqlx::AssertSqlSafe;

use super::{Db, PgArguments, Pools, Row, limited, one_connection};
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
    sizes: [(usize, &'static str); 3],
}

impl ManyRows {
    /// Makes it of what stands before the rows and behind them. To be kept for good.
    pub(crate) fn new(head: &str, columns: usize, tail: &str) -> Self {
        let sized = |rows: usize| -> (usize, &'static str) {
            let row = |at: usize| {
                let names: Vec<_> =
                    (1..=columns).map(|c| format!("${}", at * columns + c)).collect();
                format!("({})", names.join(", "))
            };
            let rows_in_words: Vec<_> = (0..rows).map(row).collect();
            (rows, format!("{head} VALUES {} {tail}", rows_in_words.join(", ")).leak())
        };
        Self { sizes: [sized(128), sized(16), sized(1)] }
    }

    /// Divides rows among statements.
    pub(crate) fn statements(&self, mut rows: Vec<Vec<Bind>>) -> Vec<(&'static str, Vec<Bind>)> {
        let mut statements = Vec::new();
        for (size, sql) in self.sizes {
            while rows.len() >= size {
                let rest = rows.split_off(size);
                statements.push((sql, rows.into_iter().flatten().collect()));
                rows = rest;
            }
        }
        statements
    }
}
