use std::io::Cursor;

use astralform_domain::{Actor, Clock, Entropy, Environment, ProjectId, Sealed, Tenant};
use astralform_storage::{
    Db, Tx,
    idempotent_requests::{self, Arriving},
    meta, projects,
};
use astralform_vault::KeyRing;

use super::*;

async fn database(folder: &std::path::Path, name: &str) -> Db {
    Db::open_sqlite(&folder.join(name)).await.unwrap()
}

/// Returns a database with one project, and the ring that it was written with.
async fn filled(folder: &std::path::Path) -> (Db, KeyRing, ProjectId) {
    let clock = Clock::system();
    let entropy = Entropy::system();
    let ring = KeyRing::generate(&entropy);
    let db = database(folder, "source.db").await;
    db.migrate().await.unwrap();
    let mut tx: Tx = db.begin(Actor::Product).await.unwrap();
    meta::set_key_check(&mut tx, &ring.current().to_string()).await.unwrap();
    let project = ProjectId::new(&clock, &entropy);
    let team = astralform_domain::TeamId::new(&clock, &entropy);
    projects::create_team(&mut tx, team, "Team \u{1F512}\n\"x\"", clock.now()).await.unwrap();
    let new = projects::NewProject { id: project, team, name: &"Project".parse().unwrap() };
    projects::create(&mut tx, &new, clock.now()).await.unwrap();
    tx.commit().await.unwrap();
    (db, ring, project)
}

async fn backup(db: &Db) -> Vec<u8> {
    let mut file = Vec::new();
    back_up(db, Clock::system().now(), &mut file).await.unwrap();
    file
}

async fn restored(db: &Db, file: &[u8]) -> Result<Restored, BackupError> {
    restore(db, Cursor::new(file), Clock::system().now(), false).await
}

#[tokio::test]
async fn v5_what_was_backed_up_is_restored_into_an_empty_database_only() {
    let folder = tempfile::tempdir().unwrap();
    let (db, ring, project) = filled(folder.path()).await;
    let file = backup(&db).await;
    let header = verify(&ring, Cursor::new(&file)).await.unwrap();
    assert_eq!(header.master_keys, [ring.current().to_string()]);
    let other = database(folder.path(), "other.db").await;
    restored(&other, &file).await.unwrap();
    assert_eq!(projects::name(&other, project).await.unwrap().unwrap().0, "Project");
    assert!(matches!(restored(&other, &file).await, Err(BackupError::NotEmpty)));
    let again = backup(&other).await;
    let rows = |file: &[u8]| String::from_utf8(file.to_vec()).unwrap().lines().count();
    assert_eq!(rows(&file), rows(&again));
}

#[tokio::test]
async fn v5_a_backup_that_was_cut_off_or_altered_anywhere_is_not_restored() {
    let folder = tempfile::tempdir().unwrap();
    let (db, ring, _) = filled(folder.path()).await;
    let file = backup(&db).await;
    for length in 0..file.len() {
        assert!(verify(&ring, Cursor::new(&file[..length])).await.is_err(), "cut at {length}");
    }
    for at in 0..file.len() {
        let mut altered = file.clone();
        altered[at] ^= 1;
        assert!(verify(&ring, Cursor::new(&altered)).await.is_err(), "altered at {at}");
    }
    let longer = [file.as_slice(), b"{}\n"].concat();
    assert!(verify(&ring, Cursor::new(&longer)).await.is_err());
    let other = database(folder.path(), "other.db").await;
    let half = &file[..file.len() - 2];
    assert!(restored(&other, half).await.is_err());
    assert!(other.is_empty().await.unwrap(), "all of it or nothing");
    restored(&other, &file).await.unwrap();
}

/// What is written is read back as it was, at the limit, and beyond it not written.
#[tokio::test]
async fn f4_v5_a_row_that_would_not_be_restored_is_not_backed_up() {
    let folder = tempfile::tempdir().unwrap();
    let (db, ring, project) = filled(folder.path()).await;
    let now = Clock::system().now();
    // Of the same moment: the time stands in the file, longer or shorter by its last digits.
    let mut before = Vec::new();
    write::back_up_within(usize::MAX, &db, now, &mut before).await.unwrap();
    let longest = before.split(|byte| *byte == b'\n').map(|line| line.len() + 1).max().unwrap();
    let mut file = Vec::new();
    let written = write::back_up_within(longest, &db, now, &mut file).await.unwrap();
    check_written(&written, Cursor::new(&file)).await.unwrap();
    let refused = write::back_up_within(longest - 1, &db, now, Vec::new()).await;
    assert!(matches!(refused, Err(BackupError::TooLong { .. })), "{refused:?}");

    let mut tx: Tx = db.begin(Actor::Product).await.unwrap();
    let claimed = Arriving {
        id: "large",
        tenant: Tenant { project, environment: Environment::Live },
        request_digest: &[0; 32],
    };
    idempotent_requests::claim(&mut tx, claimed, now, now).await.unwrap();
    tx.commit().await.unwrap();
    let keep = async |length: usize| {
        let answer = Sealed::from_bytes(vec![7; length]);
        idempotent_requests::answer(&db, "large", &answer).await.unwrap();
    };
    keep(limits::KEPT_ANSWER.count() + 1_000).await;
    let file = backup(&db).await;
    verify(&ring, Cursor::new(&file)).await.unwrap();
    let other = database(folder.path(), "other.db").await;
    restored(&other, &file).await.unwrap();
    assert!(!other.is_empty().await.unwrap());

    keep(limits::BACKUP_LINE.count()).await;
    let refused = back_up(&db, now, std::io::sink()).await;
    let Err(BackupError::TooLong { table, length }) = refused else { panic!("{refused:?}") };
    assert_eq!(table, "idempotent_requests");
    assert!(limits::BACKUP_LINE.is_exceeded_by(length), "{length}");
}

#[tokio::test]
async fn f4_v5_a_backup_that_was_not_written_as_it_was_meant_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (db, ..) = filled(folder.path()).await;
    let mut file = Vec::new();
    let written = back_up(&db, Clock::system().now(), &mut file).await.unwrap();
    check_written(&written, Cursor::new(&file)).await.unwrap();
    let short = &file[..file.len() / 2];
    assert!(check_written(&written, Cursor::new(short)).await.is_err());
    let mut altered = file.clone();
    altered[file.len() / 2] ^= 1;
    assert!(check_written(&written, Cursor::new(altered)).await.is_err());
    let mut another = Vec::new();
    let later = Clock::system().now().after(std::time::Duration::from_secs(1));
    back_up(&db, later, &mut another).await.unwrap();
    let refused = check_written(&written, Cursor::new(another)).await;
    assert!(matches!(refused, Err(BackupError::NotWritten)), "{refused:?}");
}

#[tokio::test]
async fn v5_a_backup_is_of_no_use_without_its_key_and_does_not_hold_it() {
    let folder = tempfile::tempdir().unwrap();
    let (db, ring, _) = filled(folder.path()).await;
    let file = backup(&db).await;
    let other = KeyRing::generate(&Entropy::system());
    let refused = verify(&other, Cursor::new(&file)).await;
    assert!(matches!(refused, Err(BackupError::MissingKey(id)) if id == ring.current()));
}
