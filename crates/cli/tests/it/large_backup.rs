//! A backup of a gigabyte, with what it takes.

use std::{
    fs,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use astralform_domain::{Actor, Clock, EndUserKey, Entropy, Environment, Owner, Sealed, Tenant};
use astralform_storage::{
    Db, end_users,
    idempotent_requests::{self, Arriving},
};

use crate::{
    installation::{Installation, told},
    program::astralform,
};

/// What a command took.
struct Took {
    time: Duration,
    /// The most memory that was resident, in MiB.
    memory: u64,
}

/// Runs a command to its end and looks at its memory all the while.
fn measured(folder: &Path, arguments: &[&str]) -> Took {
    let mut command = astralform(folder, arguments);
    let start = Instant::now();
    let mut child = command.stdout(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut memory = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let peak = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let peak = peak.and_then(|peak| peak.trim().trim_end_matches(" kB").parse::<u64>().ok());
        memory = memory.max(peak.unwrap_or_default() / 1_024);
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(ended.success(), "{arguments:?}");
    Took { time: start.elapsed(), memory }
}

/// Stores a gigabyte: answers of 64 KiB, some as large as they can be, and many end users.
async fn fill(db: &Db, tenant: Tenant) {
    let clock = Clock::system();
    let entropy = Entropy::system();
    let now = clock.now();
    let largest = usize::try_from(astralform_domain::limits::KEPT_ANSWER.value).unwrap();
    let lengths = std::iter::repeat_n(64 * 1_024, 15_000).chain([largest; 4]);
    let mut tx = db.begin_long(Actor::Product).await.unwrap();
    for number in 0..100_000 {
        let end_user = Owner::EndUser(format!("user-{number}").parse().unwrap());
        let fresh = EndUserKey::new(&clock, &entropy);
        end_users::ensure(&mut tx, tenant, &end_user, fresh, now).await.unwrap();
    }
    let ids: Vec<_> = lengths.enumerate().map(|(at, length)| (at.to_string(), length)).collect();
    for (id, _) in &ids {
        let claimed = Arriving { id, tenant, request_digest: &[0; 32] };
        idempotent_requests::claim(&mut tx, claimed, now, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    for (id, length) in &ids {
        let mut answer = vec![0; *length];
        entropy.fill(&mut answer);
        idempotent_requests::answer(db, id, &Sealed::from_bytes(answer)).await.unwrap();
    }
}

#[tokio::test]
#[ignore = "takes minutes and some gigabytes of disk"]
async fn f4_v5_a_backup_of_a_gigabyte_is_made_and_restored_in_little_memory() {
    const MOST: u64 = 256;
    let at = Installation::new(None);
    let db = Db::open_sqlite(&at.path().join("data/astralform.db")).await.unwrap();
    let project = at.made["project_id"].as_str().unwrap().parse().unwrap();
    fill(&db, Tenant { project, environment: Environment::Test }).await;
    db.close().await;

    let file = at.path().join("backup").display().to_string();
    let backup = measured(at.path(), &["backup", &file]);
    let size = fs::metadata(&file).unwrap().len() / (1 << 20);
    eprintln!("backup: {size} MiB in {:?}, {} MiB of memory", backup.time, backup.memory);
    assert!(size > 1_000 && backup.memory <= MOST, "{size} MiB took {}", backup.memory);

    let postgres = match told("TEST_DATABASE_URL") {
        Some(url) => Some(Db::fresh_schema(&url).await),
        None => None,
    };
    for database in [None, postgres] {
        let other = at.elsewhere(database.clone());
        let restored = measured(other.path(), &other.with_store(&["restore", &file]));
        eprintln!(
            "restore into {}: {:?}, {} MiB of memory",
            if database.is_some() { "PostgreSQL" } else { "SQLite" },
            restored.time,
            restored.memory
        );
        assert!(restored.memory <= MOST, "{} MiB", restored.memory);
        let again = other.path().join("again").display().to_string();
        let backup = measured(other.path(), &other.with_store(&["backup", &again]));
        eprintln!("backup of that: {:?}, {} MiB of memory", backup.time, backup.memory);
        assert!(backup.memory <= MOST, "{} MiB", backup.memory);
        fs::remove_file(again).unwrap();
    }
}
