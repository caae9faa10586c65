use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use tokio::sync::OnceCell;

use super::{days::KnownDays, write::KnownEndUsers};
use crate::{Db, Result};

/// Where the call log is kept. It is opened, and its schema brought up to date, when it is first
/// used: commands that never look into it make no file.
#[derive(Clone)]
pub struct CallStore {
    main: Db,
    opened: Arc<OnceCell<Db>>,
    pub(super) known_days: Arc<KnownDays>,
    pub(super) known_end_users: Arc<KnownEndUsers>,
}

impl CallStore {
    const MIGRATIONS: &[(&str, &str)] =
        &[("calls", include_str!("../../migrations/calls/0001_calls.sql"))];

    /// Returns the store that belongs to a database.
    pub fn of(main: &Db) -> Self {
        Self {
            main: main.clone(),
            opened: Arc::default(),
            known_days: Arc::default(),
            known_end_users: Arc::default(),
        }
    }

    /// Returns its database.
    pub(super) async fn db(&self) -> Result<&Db> {
        self.opened.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<Db> {
        let db = match self.main.file() {
            Some(path) => {
                let own = Db::open_sqlite_log(&beside(&path)).await?;
                own.at_the_clock_of(&self.main)
            }
            None => self.main.clone(),
        };
        db.migrate_calls(Self::MIGRATIONS).await?;
        Ok(db)
    }

    /// Closes what is its own.
    pub async fn close(&self) {
        if let Some(db) = self.opened.get()
            && db.is_for_one()
        {
            db.close().await;
        }
    }
}

/// Returns the file beside a database: `calls.db`, and `NAME-calls.db` beside one of another name
/// than the usual, so that two installations in one folder have one each.
fn beside(main: &Path) -> PathBuf {
    let stem = main.file_stem().unwrap_or_default().to_string_lossy();
    main.with_file_name(match &*stem {
        "astralform" => "calls.db".to_owned(),
        other => format!("{other}-calls.db"),
    })
}
