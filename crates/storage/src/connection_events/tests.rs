use std::time::Duration;

use astralform_domain::{
    AuthFailure, AuthReason, AuthRequest, AuthRequestState, AuthStatus, Clock, Connection,
    ConnectionState, ConnectionStatus, EndUserKey, Owner, StatusReason, Timestamp,
};

use super::*;
use crate::{
    auth_requests::{self, expire_pending, fail_all},
    connections::{self, ConnectionSelection, create, mark_dead, revoke_all, update},
    testing::{ACTOR, World, auth_request, connection, id, on_both, pruned, state_of, world},
};

/// A connection whose history is looked at, and what it needs to have one.
struct Told {
    db: Db,
    clock: Clock,
    world: World,
    connection: Connection,
}

impl Told {
    /// Makes a connection of a status; its history begins with that.
    async fn with(db: Db, status: ConnectionStatus) -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_000));
        let db = db.at_the_time_of(clock.clone());
        let world = world(&db).await;
        let new = Connection { state: state_of(status), ..connection(&world, "acc") };
        let told = Self { db, clock, world, connection: new };
        let end_user = Some(told.world.end_user_key);
        told.change(async |tx| create(tx, &told.connection, end_user).await.unwrap()).await;
        told
    }

    async fn change<T>(&self, what: impl AsyncFnOnce(&mut Tx) -> T) -> T {
        let mut tx = self.db.begin(ACTOR).await.unwrap();
        let done = what(&mut tx).await;
        tx.commit().await.unwrap();
        done
    }

    async fn refresh(&self, failure: Option<RefreshFailure>) {
        let of = self.connection.id;
        self.clock.advance(Duration::from_secs(1));
        self.change(async |tx| note_refresh(tx, of, failure).await.unwrap()).await;
    }

    fn prompt(&self) -> AuthRequest {
        AuthRequest {
            renews: Some(self.connection.id),
            reason: AuthReason::NeedsReauth,
            expires_at: self.clock.now().after(AuthRequest::PHASE),
            ..auth_request(&self.world)
        }
    }

    async fn open(&self, prompt: &AuthRequest) {
        let owner = Some(self.world.end_user_key);
        let now = self.clock.now();
        let opening = async |tx: &mut Tx| {
            let open = auth_requests::open(tx, prompt, owner, "it", now).await.unwrap();
            assert_eq!(open.id, prompt.id);
        };
        self.change(opening).await;
    }

    async fn rows(&self) -> Vec<ConnectionEvent> {
        of_connection(&self.db, self.connection.id, None, 1_000).await.unwrap()
    }

    /// Returns what happened, the latest first, with how often.
    async fn history(&self) -> Vec<(Happening, i64)> {
        self.rows().await.into_iter().map(|row| (row.what, row.times)).collect()
    }

    /// Returns how the last prompt is told of, how often it came in a row, and for how long.
    async fn last_prompt(&self) -> (AuthStatus, Option<AuthFailure>, i64, u64) {
        let rows = self.rows().await;
        let row = rows.iter().find(|row| matches!(row.what, Happening::Prompted(_))).unwrap();
        let Happening::Prompted(prompt) = row.what else { unreachable!() };
        assert_eq!((prompt.agent, prompt.reason), (self.world.agent, AuthReason::NeedsReauth));
        (prompt.status, prompt.failure, row.times, row.at.until(row.last_at).as_secs())
    }
}

fn status(old: Option<ConnectionStatus>, new: ConnectionStatus) -> (Happening, i64) {
    let reason = state_of(new).reason();
    (Happening::StatusChanged { old, new, reason }, 1)
}

use ConnectionStatus::{Active, AwaitingConfirmation, NeedsReauth, Revoked};

#[tokio::test]
async fn a_history_begins_with_the_connection_and_has_each_change_of_its_status_once() {
    on_both(async |db| {
        let told = Told::with(db, AwaitingConfirmation).await;
        let mut expected = vec![status(None, AwaitingConfirmation)];
        assert_eq!(told.history().await, expected);
        let active = Connection { state: ConnectionState::ACTIVE, ..told.connection.clone() };
        told.change(async |tx| update(tx, &active).await.unwrap()).await;
        told.change(async |tx| update(tx, &active).await.unwrap()).await;
        expected.insert(0, status(Some(AwaitingConfirmation), Active));
        assert_eq!(told.history().await, expected);
        let why = StatusReason::TokenRejected;
        told.change(async |tx| mark_dead(tx, &active, ("user", 1), why).await.unwrap()).await;
        expected.insert(0, status(Some(Active), NeedsReauth));
        assert_eq!(told.history().await, expected);

        let mut tx = told.db.begin(ACTOR).await.unwrap();
        update(&mut tx, &active).await.unwrap();
        drop(tx);
        assert_eq!(told.history().await, expected, "what did not happen is not told");
    })
    .await;
}

#[tokio::test]
async fn a_change_of_many_is_told_of_each_and_those_of_members_are_among_them() {
    on_both(async |db| {
        let told = Told::with(db, Active).await;
        let World { tenant, project_connector, .. } = &told.world;
        let owner = Owner::Member(id());
        let own = Connection { owner: owner.clone(), ..connection(&told.world, "other") };
        let now = told.clock.now();
        let ended = told
            .change(async |tx| {
                let key = crate::end_users::ensure(tx, *tenant, &owner, id(), now).await.unwrap();
                create(tx, &own, key).await.unwrap();
                let why = StatusReason::TokenRejected;
                let all = ConnectionSelection::default();
                revoke_all(tx, *tenant, project_connector.id, all, why, now).await.unwrap()
            })
            .await;
        assert_eq!(ended, 2);
        for of in [told.connection.id, own.id] {
            let rows = of_connection(&told.db, of, None, 9).await.unwrap();
            let rows: Vec<_> = rows.into_iter().map(|row| (row.what, row.times)).collect();
            assert_eq!(rows, [status(Some(Active), Revoked), status(None, Active)]);
        }
    })
    .await;
}

#[tokio::test]
async fn what_is_merged_leaves_no_history() {
    on_both(async |db| {
        let told = Told::with(db, AwaitingConfirmation).await;
        told.refresh(None).await;
        told.change(async |tx| connections::merge(tx, &told.connection).await.unwrap()).await;
        assert_eq!(told.rows().await, []);
        told.refresh(None).await;
        assert_eq!(told.rows().await, [], "one that is gone is passed over");
    })
    .await;
}

#[tokio::test]
async fn a_thousand_refreshes_are_one_row_and_a_failure_among_them_makes_three() {
    on_both(async |db| {
        let told = Told::with(db, Active).await;
        let of = told.connection.id;
        told.refresh(None).await;
        let first = told.clock.now();
        told.change(async |tx| {
            for _ in 0..998 {
                note_refresh(tx, of, None).await.unwrap();
            }
        })
        .await;
        told.refresh(None).await;
        let rows = told.rows().await;
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[0].what, rows[0].times), (Happening::Refreshed, 1_000));
        assert_eq!((rows[0].at, rows[0].last_at), (first, told.clock.now()));

        let lost = RefreshFailure::NoAnswer;
        for failure in [Some(lost), Some(lost), None, None] {
            told.refresh(failure).await;
        }
        told.refresh(Some(RefreshFailure::Unavailable)).await;
        told.refresh(Some(lost)).await;
        let expected = [
            (Happening::NotRefreshed(lost), 1),
            (Happening::NotRefreshed(RefreshFailure::Unavailable), 1),
            (Happening::Refreshed, 2),
            (Happening::NotRefreshed(lost), 2),
            (Happening::Refreshed, 1_000),
            status(None, Active),
        ];
        assert_eq!(told.history().await, expected);
    })
    .await;
}

#[tokio::test]
async fn a_prompt_to_renew_is_one_row_that_goes_along_with_it() {
    on_both(async |db| {
        let told = Told::with(db, NeedsReauth).await;
        let prompt = told.prompt();
        told.open(&prompt).await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Pending, None, 1, 0));
        told.clock.advance(Duration::from_mins(1));
        let to = told.connection.id;
        let end = told.clock.now();
        told.change(async |tx| {
            let waits = AuthRequestState::AwaitingConfirmation { connection: to };
            assert!(auth_requests::advance(tx, &prompt, &waits, end).await.unwrap());
        })
        .await;
        assert_eq!(told.last_prompt().await, (AuthStatus::AwaitingConfirmation, None, 1, 60));
        let waits = AuthRequestState::AwaitingConfirmation { connection: to };
        let waiting = AuthRequest { state: waits, ..prompt };
        told.change(async |tx| {
            assert!(auth_requests::confirm(tx, &waiting).await.unwrap());
            auth_requests::point_to(tx, waiting.id, to).await.unwrap();
        })
        .await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Completed, None, 1, 60));
        assert_eq!(told.rows().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn prompts_that_expire_one_after_another_are_one_row_and_others_are_not() {
    on_both(async |db| {
        let told = Told::with(db, NeedsReauth).await;
        for times in 1..=3 {
            told.open(&told.prompt()).await;
            let asked = u64::try_from(times - 1).unwrap() * 600;
            assert_eq!(told.last_prompt().await, (AuthStatus::Pending, None, times, asked));
            told.clock.advance(AuthRequest::PHASE);
            if times < 3 {
                // The next one expires the third.
                let now = told.clock.now();
                told.change(async |tx| expire_pending(tx, now).await.unwrap()).await;
                let expired = (AuthStatus::Expired, None, times, asked + 600);
                assert_eq!(told.last_prompt().await, expired);
            }
        }
        told.open(&told.prompt()).await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Pending, None, 4, 1_800));

        let World { tenant, project_connector, .. } = &told.world;
        let why = AuthFailure::SettingsChanged;
        told.change(async |tx| {
            fail_all(tx, *tenant, project_connector.id, why).await.unwrap();
        })
        .await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Failed, Some(why), 4, 1_800));
        told.open(&told.prompt()).await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Pending, None, 1, 0));
        assert_eq!(told.rows().await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_prompt_for_a_first_account_is_told_to_the_connection_that_it_led_to() {
    on_both(async |db| {
        let told = Told::with(db, Active).await;
        let first = AuthRequest { renews: None, ..told.prompt() };
        told.open(&first).await;
        assert_eq!(told.rows().await.len(), 1);
        told.clock.advance(Duration::from_secs(20));
        let done = AuthRequestState::Completed { connection: told.connection.id };
        let end = told.clock.now();
        told.change(async |tx| {
            assert!(auth_requests::advance(tx, &first, &done, end).await.unwrap());
        })
        .await;
        assert_eq!(told.last_prompt().await, (AuthStatus::Completed, None, 1, 20));
        assert_eq!(told.rows().await.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn writers_of_one_history_wait_for_none_and_lose_nothing() {
    on_both(async |db| {
        let told = Told::with(db, NeedsReauth).await;
        let writers = (0..8).map(|at| {
            let prompt = told.prompt();
            let owner: Option<EndUserKey> = Some(told.world.end_user_key);
            let now = told.clock.now();
            let db = told.db.clone();
            tokio::spawn(async move {
                let mut tx = db.begin(ACTOR).await.unwrap();
                let asks_for = format!("{at}");
                auth_requests::open(&mut tx, &prompt, owner, &asks_for, now).await.unwrap();
                tx.commit().await.unwrap();
            })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await.unwrap();
        }
        let rows = told.rows().await;
        assert_eq!(rows.len(), 9);
        let mut paged = Vec::new();
        let mut before = None;
        loop {
            let page = of_connection(&told.db, told.connection.id, before, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.place);
            paged.extend(page);
        }
        assert_eq!(paged, rows, "no page leaves out what shares a number");
    })
    .await;
}

#[tokio::test]
async fn the_oldest_rows_make_way_whatever_is_written() {
    on_both(async |db| {
        let told = Told::with(db, Active).await;
        let of = told.connection.id;
        let kept = limits::CONNECTION_EVENTS.count();
        told.change(async |tx| {
            for at in 0..kept + 20 {
                let failure = (at % 2 == 0).then_some(RefreshFailure::Unreachable);
                note_refresh(tx, of, failure).await.unwrap();
            }
        })
        .await;
        let newest = told.history().await;
        assert_eq!(newest.len(), kept);
        assert!(newest.iter().all(|(what, _)| !matches!(what, Happening::StatusChanged { .. })));

        let why = StatusReason::TokenRejected;
        told.change(async |tx| {
            mark_dead(tx, &told.connection, ("user", 1), why).await.unwrap();
        })
        .await;
        let mut expected = newest;
        expected.insert(0, status(Some(Active), NeedsReauth));
        expected.truncate(kept);
        assert_eq!(told.history().await, expected);
        told.open(&told.prompt()).await;
        assert_eq!(told.rows().await.len(), kept);
    })
    .await;
}

#[tokio::test]
async fn rows_end_ninety_days_after_they_happened_last_and_with_their_connection() {
    on_both(async |db| {
        const TERM: Duration = Duration::from_hours(90 * 24);
        let told = Told::with(db, Active).await;
        let made = told.clock.now();
        told.refresh(None).await;
        let day = made.after(TERM);
        assert_eq!(pruned(&told.db, "connection_events", day.before(TERM / 90)).await, 0);
        assert_eq!(pruned(&told.db, "connection_events", day).await, 1);
        assert_eq!(told.history().await, [(Happening::Refreshed, 1)]);
        assert_eq!(pruned(&told.db, "connection_events", day.after(TERM)).await, 1);

        let now = told.clock.now();
        let why = StatusReason::UserRevoked;
        told.change(async |tx| {
            connections::revoke(tx, &told.connection, why, now).await.unwrap();
        })
        .await;
        assert_eq!(told.rows().await.len(), 1);
        assert_eq!(pruned(&told.db, "connections", now.after(TERM)).await, 1);
        assert_eq!(told.rows().await, []);
    })
    .await;
}

/// Fails for a new statement that sets the status of auth requests and does not take part.
#[test]
fn every_statement_that_sets_a_status_of_prompts_takes_part() {
    let text =
        concat!(include_str!("../auth_requests.rs"), include_str!("../auth_requests/endings.rs"));
    let statements = text.split('"').skip(1).step_by(2);
    let sets = |sql: &&str| {
        let assignments = sql.split("WHERE").next().unwrap_or_default();
        assignments.contains("UPDATE auth_requests") && assignments.contains(" status = ")
    };
    let setting: Vec<_> = statements.filter(sets).collect();
    assert!(setting.len() >= 7, "{}", setting.len());
    for sql in setting {
        assert!(sql.contains("last_change = $"), "{sql}");
    }
}
