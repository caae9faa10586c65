//! Where the database is, as it is written in a setting.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use url::Url;

/// Where the database is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite(PathBuf),
    Postgres(String),
}

/// What the address of a PostgreSQL database may say behind its `?`.
const POSTGRES_PARAMETERS: [&str; 15] = [
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
    "ssl-mode",
    "ssl-root-cert",
    "statement-cache-capacity",
];

impl Database {
    /// Reads where the database is; without an address, it is in the data folder.
    pub(super) fn read(address: Option<&str>, data_dir: &Path) -> anyhow::Result<Self> {
        let Some(address) = address.map(str::trim) else {
            return Ok(Self::Sqlite(data_dir.join("astralform.db")));
        };
        let (scheme, rest) = address.split_once(':').unwrap_or(("", address));
        match scheme.to_ascii_lowercase().as_str() {
            "sqlite" => sqlite(rest).map(Self::Sqlite),
            "postgres" | "postgresql" => {
                check_postgres(address)?;
                Ok(Self::Postgres(address.to_owned()))
            }
            _ => anyhow::bail!(
                "the database URL must start with sqlite: or postgres://; what was given starts \
                 with {}",
                if scheme.is_empty() { "neither".to_owned() } else { format!("`{scheme}:`") }
            ),
        }
    }

    /// Returns where it is, for people: without user and password.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Sqlite(path) => path.display().to_string(),
            Self::Postgres(address) => {
                let read = Url::parse(address).ok();
                let host = read.as_ref().and_then(Url::host_str).unwrap_or("its host");
                let port = read.as_ref().and_then(Url::port).unwrap_or(5432);
                format!("{host}:{port}")
            }
        }
    }
}

/// Reads what follows `sqlite:`: a path, or two slashes and an absolute one. Some programs write an
/// absolute path behind three slashes, others behind four; both are taken as meant.
fn sqlite(rest: &str) -> anyhow::Result<PathBuf> {
    const FORMS: &str = "write sqlite:data/astralform.db for a file below the working folder, or \
                         sqlite:/srv/astralform.db for one anywhere";
    let path = match rest.strip_prefix("//") {
        None => rest.to_owned(),
        Some(rest) => {
            let path = rest.trim_start_matches('/');
            anyhow::ensure!(
                rest.starts_with('/'),
                "sqlite://{rest} would name a host, and SQLite has none: {FORMS}"
            );
            format!("/{path}")
        }
    };
    anyhow::ensure!(
        !path.contains(":memory:") && !path.to_ascii_lowercase().starts_with("file:"),
        "sqlite:{rest} is not kept on disk, or is a URI: a database must be a file, or its keys would \
         be lost with it: {FORMS}"
    );
    anyhow::ensure!(
        !path.contains(['?', '#', '%', '\0']),
        "sqlite:{rest} has parameters or escapes, which are not understood: {FORMS}"
    );
    anyhow::ensure!(!path.starts_with("~/"), "sqlite:{rest}: `~` is not understood: {FORMS}");
    let is_folder = path.ends_with('/') || path.ends_with("/.") || path.ends_with("/..");
    let names_file = !is_folder && !matches!(path.as_str(), "" | "." | "..");
    anyhow::ensure!(names_file, "sqlite:{rest} names no file: {FORMS}");
    Ok(path.into())
}

/// Refuses what the driver would pass over. Nothing of the address is repeated: it holds a password.
fn check_postgres(address: &str) -> anyhow::Result<()> {
    const FORM: &str = "one is postgres://user:password@host:5432/database; other characters of user \
                        and password are percent-encoded";
    let read = Url::parse(address)
        .map_err(|error| anyhow::anyhow!("the database URL cannot be read ({error}): {FORM}"))?;
    anyhow::ensure!(
        address.split_once(':').is_some_and(|(_, rest)| rest.starts_with("//")),
        "the database URL names no server: {FORM}"
    );
    anyhow::ensure!(
        read.fragment().is_none(),
        "the database URL has a `#`, which would cut it: write %23, {FORM}"
    );
    let unknown = read.query_pairs().find(|(name, _)| {
        !POSTGRES_PARAMETERS.contains(&name.as_ref()) && !name.starts_with("options[")
    });
    if let Some((name, _)) = unknown {
        let known = POSTGRES_PARAMETERS[..12].join(", ");
        return Err(anyhow::anyhow!("leave it out, or use one of {known}"))
            .with_context(|| format!("the database URL's parameter `{name}` is not understood"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(address: &str) -> anyhow::Result<Database> {
        Database::read(Some(address), Path::new("data"))
    }

    #[test]
    fn a_sqlite_file_is_where_its_address_says() {
        for (address, expected) in [
            ("sqlite:////srv/af/four.db", "/srv/af/four.db"),
            ("sqlite:///srv/af/four.db", "/srv/af/four.db"),
            ("sqlite:/srv/af/four.db", "/srv/af/four.db"),
            ("sqlite://////srv/af/four.db", "/srv/af/four.db"),
            ("sqlite:four.db", "four.db"),
            ("sqlite:./data/four.db", "./data/four.db"),
            ("sqlite:../af/four.db", "../af/four.db"),
            ("SQLite:four.db", "four.db"),
            (" sqlite:four.db\n", "four.db"),
            ("sqlite:/srv/with space/a.db", "/srv/with space/a.db"),
        ] {
            assert_eq!(read(address).unwrap(), Database::Sqlite(expected.into()), "{address}");
        }
        let default = Database::read(None, Path::new("data")).unwrap();
        assert_eq!(default, Database::Sqlite("data/astralform.db".into()));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_what_is() {
        for address in [
            "sqlite::memory:",
            "sqlite://:memory:",
            "sqlite:///:memory:",
            "sqlite:file:a.db",
            "sqlite:file::memory:?cache=shared",
            "sqlite:a.db?mode=memory",
            "sqlite:///a.db?mode=rwc",
            "sqlite:a%20b.db",
            "sqlite:a.db#x",
            "sqlite://a.db",
            "sqlite://localhost/srv/a.db",
            "sqlite:~/a.db",
            "sqlite:",
            "sqlite://",
            "sqlite:///",
            "sqlite:/srv/",
            "sqlite:.",
            "sqlite:/srv/..",
        ] {
            let refused = format!("{:#}", read(address).unwrap_err());
            assert!(refused.contains("sqlite:/srv/astralform.db"), "{address}: {refused}");
        }
        for address in ["mysql://u:CANARY@h/d", "CANARY", "srv/CANARY.db", "/srv/CANARY.db"] {
            let refused = format!("{:#}", read(address).unwrap_err());
            assert!(refused.contains("sqlite: or postgres://"), "{address}: {refused}");
            assert!(!refused.contains("CANARY"), "{refused}");
        }
    }

    #[test]
    fn what_would_be_passed_over_of_a_postgresql_address_is_refused_and_no_password_repeated() {
        for address in [
            "postgres://u:CANARY@h/d",
            "postgresql://u:CANARY@h:6543/d?sslmode=require&application_name=a",
            "postgres:///d?host=/run/postgresql",
            "POSTGRES://u:CANARY@h/d?options=-c%20a%3Db&options[x]=y",
        ] {
            assert_eq!(read(address).unwrap(), Database::Postgres(address.to_owned()));
        }
        for (address, why) in [
            ("postgres://u:CANARY@h/d?pgbouncer=true", "parameter `pgbouncer` is not understood"),
            ("postgres://u:CANARY@h/d?sslmod=require", "sslmode"),
            ("postgres://u:CANARY#1@h/d", "cannot be read"),
            ("postgres://u:CANARY@h/d#x", "%23"),
            ("postgres://u:CANARY@h:port/d", "cannot be read"),
            ("postgres:d", "names no server"),
        ] {
            let refused = format!("{:#}", read(address).unwrap_err());
            assert!(refused.contains(why), "{address}: {refused}");
            assert!(!refused.contains("CANARY"), "{refused}");
        }
        let place = read("postgres://u:CANARY@db.internal/d").unwrap().place();
        assert_eq!(place, "db.internal:5432");
    }
}
