//! Where answers lie while the database cannot take them: a file each, sealed, beside it.

use std::{
    fs, io,
    io::Write as _,
    path::{Path, PathBuf},
};

use astralform_domain::{ConnectionId, Environment, ProjectId, Sealed, Tenant, chain};
use astralform_storage::refreshes::{Lease, RefreshKey};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};

/// A folder for answers, where there is one.
#[derive(Default)]
pub(crate) struct Spool(Option<PathBuf>);

/// An answer with what it is the answer to.
#[derive(Serialize, Deserialize)]
pub(super) struct Spooled {
    pub(super) project_id: ProjectId,
    pub(super) environment: Environment,
    pub(super) connection_id: ConnectionId,
    pub(super) kind: String,
    pub(super) generation: i64,
    answer: String,
}

impl Spool {
    pub(crate) fn new(folder: Option<PathBuf>) -> Self {
        Self(folder)
    }

    /// Writes an answer down; when not even that is possible, memory is all that is left.
    pub(super) fn put(&self, of: Tenant, lease: &Lease, generation: i64, answer: &Sealed) {
        let Some(folder) = &self.0 else { return };
        let spooled = Spooled {
            project_id: of.project,
            environment: of.environment,
            connection_id: lease.key.connection,
            kind: lease.key.kind.clone(),
            generation,
            answer: STANDARD.encode(answer.as_bytes()),
        };
        if let Err(error) = write(folder, &file_name(&lease.key), &spooled) {
            let id = lease.key.connection;
            tracing::error!(connection.id = %id, error = chain(&error), "an answer is in memory only");
        }
    }

    pub(super) fn remove(&self, key: &RefreshKey) {
        if let Some(folder) = &self.0 {
            let _ = fs::remove_file(folder.join(file_name(key)));
        }
    }

    /// Returns everything that was left, with its file.
    pub(super) fn all(&self) -> Vec<(PathBuf, Spooled)> {
        let Some(Ok(entries)) = self.0.as_ref().map(fs::read_dir) else { return Vec::new() };
        let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
        let answers = paths.filter(|path| path.extension().is_some_and(|end| end == "answer"));
        answers.filter_map(|path| Some((path.clone(), read(&path)?))).collect()
    }
}

impl Spooled {
    pub(super) const fn tenant(&self) -> Tenant {
        Tenant { project: self.project_id, environment: self.environment }
    }

    pub(super) fn answer(&self) -> Option<Sealed> {
        STANDARD.decode(&self.answer).ok().map(Sealed::from_bytes)
    }
}

fn read(path: &Path) -> Option<Spooled> {
    let read = fs::read(path).map_err(io::Error::other);
    let parsed = read.and_then(|bytes| serde_json::from_slice(&bytes).map_err(io::Error::other));
    parsed
        .inspect_err(|error| {
            let path = path.display().to_string();
            tracing::error!(path, error = chain(error), "a kept answer cannot be read");
        })
        .ok()
}

/// Writes a file under another name first, so that a file is whole or not there.
fn write(folder: &Path, name: &str, spooled: &Spooled) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let unfinished = folder.join(format!("{name}.new"));
    let finished = folder.join(name);
    let mut file = fs::File::create(&unfinished)?;
    file.write_all(&serde_json::to_vec(spooled)?)?;
    file.sync_all()?;
    fs::rename(&unfinished, &finished)?;
    fs::File::open(folder)?.sync_all()
}

fn file_name(key: &RefreshKey) -> String {
    let kind = URL_SAFE_NO_PAD.encode(&key.kind);
    format!("{}-{kind}.answer", key.connection)
}

#[cfg(test)]
mod tests {
    use astralform_domain::{Clock, Entropy, Timestamp};

    use super::*;

    fn lease() -> Lease {
        let connection = ConnectionId::new(&Clock::system(), &Entropy::system());
        let not_before = Timestamp::from_secs(0);
        let key = RefreshKey { connection, kind: "../user".to_owned() };
        Lease {
            key,
            generation: 3,
            fence: 7,
            was_sent: true,
            answer: None,
            failures: 0,
            not_before,
            refused_since: None,
        }
    }

    #[test]
    fn r3_what_is_put_is_found_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::new(Some(folder.path().join("spool")));
        let lease = lease();
        assert!(spool.all().is_empty(), "there is no folder yet");
        let answer = Sealed::from_bytes(vec![1, 2, 3]);
        let project = ProjectId::new(&Clock::system(), &Entropy::system());
        let tenant = Tenant { project, environment: Environment::Live };
        spool.put(tenant, &lease, 3, &Sealed::from_bytes(vec![9]));
        spool.put(tenant, &lease, 3, &answer);
        let all = spool.all();
        let [(_, found)] = all.as_slice() else { panic!("{} files", all.len()) };
        assert_eq!((found.tenant(), found.connection_id), (tenant, lease.key.connection));
        assert_eq!((found.kind.as_str(), found.generation), ("../user", 3));
        assert_eq!(found.answer(), Some(answer));
        spool.remove(&lease.key);
        assert!(spool.all().is_empty());
    }
}
