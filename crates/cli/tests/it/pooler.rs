//! A pooler between a server and PostgreSQL.

use std::{
    io::Write as _,
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use astralform_storage::Db;
use astralform_testkit::free_address;
use reqwest::Url;

use crate::{
    installation::told,
    program::{Running, run, said},
};

/// A pooler that ends with the test.
struct Pooler {
    child: Child,
    port: u16,
}

impl Pooler {
    /// Starts one in front of the server at `url`; none, with a note, where the program is missing.
    fn start(folder: &Path, url: &Url, mode: &str) -> Option<Self> {
        let port = free_address().port();
        let host = url.host_str().unwrap();
        let user = url.username();
        let options = url.query_pairs().find(|(name, _)| name == "options").unwrap().1;
        let settings = format!(
            "[databases]\npooled = host={host} port={} user={user} dbname={} connect_query='{}'\n\
             [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nauth_type = any\n\
             unix_socket_dir =\npool_mode = {mode}\n\
             server_reset_query = DEALLOCATE ALL\n", // the usual one forgets the schema
            url.port().unwrap_or(5432),
            url.path().trim_start_matches('/'),
            options.replacen("-c search_path=", "SET search_path TO ", 1),
        );
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
        let file = folder.join(format!("{mode}.ini"));
        std::fs::write(&file, settings).unwrap();
        let mut command = Command::new("pgbouncer");
        if Command::new("id").arg("-u").output().unwrap().stdout == b"0\n" {
            command.args(["-u", "nobody"]); // it refuses to run as root
        }
        let child = command.arg(&file).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let Ok(child) = child else {
            let _ = writeln!(std::io::stderr(), "skipped: pgbouncer is not installed");
            return None;
        };
        let end = Instant::now() + Duration::from_secs(30);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the pooler does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Some(Self { child, port })
    }

    fn url(&self, user: &str) -> String {
        format!("postgres://{user}@127.0.0.1:{}/pooled", self.port)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_pooler_of_sessions_serves_and_any_other_is_refused_with_what_to_do() {
    let Some(server) = told("TEST_DATABASE_URL") else { return };
    let schema: Url = Db::fresh_schema(&server).await.parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for mode in ["transaction", "statement", "session"] {
        let Some(pooler) = Pooler::start(folder.path(), &schema, mode) else { return };
        let url = pooler.url(schema.username());
        if mode == "session" {
            let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", &url];
            assert!(Running::start(folder.path(), &serve, true).terminate().success());
            continue;
        }
        for command in ["serve", "migrate"] {
            let refused = run(folder.path(), &[command, "--database-url", &url]);
            assert!(!refused.status.success(), "{mode}: {}", said(&refused));
            assert!(said(&refused).contains("set `pool_mode = session`"), "{}", said(&refused));
        }
    }
}
