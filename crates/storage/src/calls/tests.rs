use std::time::Duration;

use astralform_domain::{
    Actor, CallLine, CallOutcome, CallTimes, Day, EndUserId, Tenant, Timestamp, UsageBy,
};

use super::*;
use crate::{
    Db, call_erasures,
    testing::{ACTOR, id, on_both, world},
};

const START: Timestamp = Timestamp::from_secs(1_700_000_000);

fn line(tenant: Tenant, seconds: u64) -> CallLine {
    let at = START.after(Duration::from_secs(seconds));
    let times = CallTimes {
        authenticate: Duration::from_micros(40),
        provider: Duration::from_millis(3),
        first_byte: Some(Duration::from_millis(2)),
        ..CallTimes::default()
    };
    CallLine {
        id: astralform_domain::CallId::new(
            &astralform_domain::Clock::manual(at),
            &astralform_domain::Entropy::system(),
        ),
        tenant,
        at,
        took: Duration::from_millis(4),
        request: None,
        connector: Some("notes".parse().unwrap()),
        tool: "notes_list".to_owned(),
        agent: id(),
        end_user: Some(user("alice")),
        by: Actor::ApiKey(id()),
        connection: Some(id()),
        outcome: CallOutcome::Completed,
        reason: None,
        status: Some(200),
        attempts: 1,
        times,
        summary: None,
    }
}

fn user(name: &str) -> EndUserId {
    name.parse().unwrap()
}

const FIRST: CallPart = CallPart { after: None, limit: 100 };

fn all() -> CallFilter {
    CallFilter::default()
}

async fn found(store: &CallStore, tenant: Tenant, filter: CallFilter) -> Vec<CallLine> {
    let page = store.page(tenant, &filter, FIRST).await.unwrap();
    page.calls.into_iter().map(|ListedCall(line)| line).collect()
}

async fn tenant(db: &Db) -> Tenant {
    world(db).await.tenant
}

#[tokio::test]
async fn lines_are_read_as_they_were_written_the_newest_first() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let lines: Vec<_> = (0..300).map(|second| line(tenant, second)).collect();
        store.write(&lines, &[]).await.unwrap();
        let newest: Vec<_> = lines.iter().rev().take(100).cloned().collect();
        let first = store.page(tenant, &all(), FIRST).await.unwrap();
        assert_eq!(first.searched_back_to, None);
        assert_eq!(first.calls.iter().map(|call| call.0.clone()).collect::<Vec<_>>(), newest);
        let mut after = first.next;
        let mut number = first.calls.len();
        while let Some(place) = after {
            let again = place.to_string().parse().unwrap();
            assert_eq!(place, again, "a cursor survives its text");
            let page = store.page(tenant, &all(), CallPart { after, ..FIRST }).await.unwrap();
            number += page.calls.len();
            after = page.next;
        }
        assert_eq!(number, 300);
        let other = Tenant { environment: astralform_domain::Environment::Live, ..tenant };
        assert_eq!(found(&store, other, all()).await, []);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn every_filter_finds_its_lines_alone() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let plain = line(tenant, 10);
        let special = CallLine {
            request: Some(astralform_domain::RequestId::new(
                &astralform_domain::Clock::manual(START),
                &astralform_domain::Entropy::system(),
            )),
            connector: None,
            tool: "made_up".to_owned(),
            end_user: Some(user("bob")),
            outcome: CallOutcome::Refused,
            reason: Some("unknown_tool".into()),
            connection: Some(id()),
            status: None,
            ..line(tenant, 20)
        };
        let nobody = CallLine { end_user: None, ..line(tenant, 30) };
        store.write(&[plain.clone(), special.clone(), nobody.clone()], &[]).await.unwrap();
        let only = |filter: CallFilter| found(&store, tenant, filter);
        let expected = [special.clone()];
        assert_eq!(only(CallFilter { id: Some(special.id), ..all() }).await, expected);
        assert_eq!(only(CallFilter { request: special.request, ..all() }).await, expected);
        let connection = special.connection;
        assert_eq!(only(CallFilter { connection, ..all() }).await, expected);
        let agent = Some(special.agent);
        assert_eq!(only(CallFilter { agent, ..all() }).await, expected);
        let tool = Some(special.tool.clone());
        assert_eq!(only(CallFilter { tool, ..all() }).await, expected);
        let outcome = Some(CallOutcome::Refused);
        assert_eq!(only(CallFilter { outcome, ..all() }).await, expected);
        let reason = Some("unknown_tool".to_owned());
        assert_eq!(only(CallFilter { reason, ..all() }).await, expected);
        let end_user = Some(user("bob"));
        assert_eq!(only(CallFilter { end_user, ..all() }).await, expected);
        let end_user = Some(user("carol"));
        assert_eq!(only(CallFilter { end_user, ..all() }).await, []);
        let connector = plain.connector.clone();
        let both = [nobody.clone(), plain.clone()];
        assert_eq!(only(CallFilter { connector, ..all() }).await, both);
        let since = Some(special.at);
        let until = Some(nobody.at);
        assert_eq!(only(CallFilter { since, until, ..all() }).await, expected);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_page_that_finds_nothing_says_how_far_it_looked() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let needle = CallLine { tool: "needle".to_owned(), ..line(tenant, 0) };
        store.write(std::slice::from_ref(&needle), &[]).await.unwrap();
        for part in 0..10 {
            let lines: Vec<_> = (1..=2_500).map(|at| line(tenant, part * 2_500 + at)).collect();
            store.write(&lines, &[]).await.unwrap();
        }
        let tool = Some("needle".to_owned());
        let wanted = CallFilter { tool, ..all() };
        let first = store.page(tenant, &wanted, FIRST).await.unwrap();
        assert_eq!(first.calls, []);
        assert_eq!(first.searched_back_to, Some(START.after(Duration::from_secs(5_001))));
        let second =
            store.page(tenant, &wanted, CallPart { after: first.next, ..FIRST }).await.unwrap();
        assert_eq!(second.calls, [ListedCall(needle)]);
        assert_eq!((second.next, second.searched_back_to), (None, None));
        store.close().await;
    })
    .await;
}

fn refreshes(tenant: Tenant, day: Day) -> UsageKey {
    UsageKey {
        tenant,
        day,
        connector: Some("notes".parse().unwrap()),
        tool: None,
        agent: None,
        counted: Counted::Refreshes("success".to_owned()),
    }
}

#[tokio::test]
async fn what_there_was_is_counted_by_the_day() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let agent = id();
        let made_up = |tool: &str| CallLine {
            connector: None,
            tool: tool.to_owned(),
            outcome: CallOutcome::Refused,
            reason: Some("unknown_tool".into()),
            agent,
            ..line(tenant, 90_000)
        };
        let today = CallLine { agent, ..line(tenant, 0) };
        let lines = [today.clone(), made_up("one"), made_up("two")];
        store.write(&lines, &[]).await.unwrap();
        let day = Day::of(START);
        let refreshed = refreshes(tenant, day);
        let again = CallLine { id: line(tenant, 5).id, ..today };
        store.write(&[again], &[(refreshed, 3)]).await.unwrap();
        let filter = UsageFilter {
            tenant,
            from: day,
            to: day.next().next(),
            connector: None,
            tool: None,
            agent: None,
            by: &[UsageBy::Day, UsageBy::Connector, UsageBy::Tool],
            limit: 100,
        };
        let usage = store.usage(&filter).await.unwrap();
        let number = |tool: Option<&str>, counted: Counted| {
            let row =
                usage.iter().find(|row| row.tool.as_deref() == tool && row.counted == counted);
            row.map(|row| (row.day.unwrap(), row.number))
        };
        let completed = Counted::Calls("completed".to_owned());
        assert_eq!(number(Some("notes_list"), completed.clone()), Some((day, 2)));
        let took = Counted::Took(Counted::class_of(Duration::from_millis(4)));
        assert_eq!(number(Some("notes_list"), took), Some((day, 2)));
        let unknown = Counted::Calls("refused:unknown_tool".to_owned());
        assert_eq!(number(None, unknown), Some((day.next(), 2)), "names that are of no tool");
        assert_eq!(number(None, Counted::Refreshes("success".to_owned())), Some((day, 3)));
        let all_of_it = UsageFilter { by: &[], ..filter };
        let usage = store.usage(&all_of_it).await.unwrap();
        assert!(usage.iter().all(|row| row.day.is_none() && row.connector.is_none()));
        assert_eq!(usage.iter().find(|row| row.counted == completed).unwrap().number, 2);
        let none = UsageFilter { agent: Some(id()), ..all_of_it };
        assert_eq!(store.usage(&none).await.unwrap(), []);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn lines_about_a_deleted_end_user_go_and_those_of_the_next_of_that_id_stay() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let before: Vec<_> = (0..2_500).map(|second| line(tenant, second % 90)).collect();
        let other = CallLine { end_user: Some(user("bob")), ..line(tenant, 50) };
        store.write(&before, &[]).await.unwrap();
        store.write(std::slice::from_ref(&other), &[]).await.unwrap();
        let deleted_at = START.after(Duration::from_secs(100));
        let late = CallLine { took: Duration::from_secs(20), ..line(tenant, 110) };
        let next = CallLine { took: Duration::from_secs(2), ..line(tenant, 110) };
        let clock = astralform_domain::Clock::manual(deleted_at);
        let there = db.clone().at_the_time_of(clock);
        let mut tx = there.begin(ACTOR).await.unwrap();
        call_erasures::note(&mut tx, tenant, Some(&user("alice"))).await.unwrap();
        tx.commit().await.unwrap();
        let carry_out = async |seconds| {
            let now = deleted_at.after(Duration::from_secs(seconds));
            call_erasures::carry_out(&db, &store, now, 10).await.unwrap()
        };
        assert_eq!(carry_out(1).await, 1);
        assert_eq!(found(&store, tenant, all()).await, std::slice::from_ref(&other));
        assert_eq!(carry_out(2).await, 0);
        store.write(&[late, next.clone()], &[]).await.unwrap();
        assert_eq!(carry_out(700).await, 1, "and once more, for lines that were written late");
        assert_eq!(found(&store, tenant, all()).await, [next.clone(), other.clone()]);
        let end_user = Some(user("alice"));
        assert_eq!(found(&store, tenant, CallFilter { end_user, ..all() }).await, [next]);
        assert_eq!(carry_out(10_000).await, 0);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn everything_about_a_deleted_project_goes() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let mine = tenant(&db).await;
        let other = tenant(&db).await;
        let kept = line(other, 1);
        store.write(&[line(mine, 1), line(mine, 2), kept.clone()], &[]).await.unwrap();
        let until = START.after(Duration::from_mins(1));
        store.erase_tenant(mine, until).await.unwrap();
        assert_eq!(found(&store, mine, all()).await, []);
        assert_eq!(found(&store, other, all()).await, [kept]);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn old_lines_and_those_that_do_not_fit_are_removed() {
    on_both(async |db| {
        let store = CallStore::of(&db);
        let tenant = tenant(&db).await;
        let day = 86_400;
        let lines: Vec<_> = (0..4).map(|days| line(tenant, days * day)).collect();
        store.write(&lines, &[]).await.unwrap();
        let now = lines[3].at;
        let keep = Keep { days: 2, ..Keep::default() };
        assert!(!store.trim(keep, now).await.unwrap());
        let left: Vec<_> = lines[1..].iter().rev().cloned().collect();
        assert_eq!(found(&store, tenant, all()).await, left);
        store.trim(Keep { bytes: 1, ..keep }, now).await.unwrap();
        let after = found(&store, tenant, all()).await;
        assert!(after.len() <= 1, "today's partition stays, a file keeps nothing: {after:?}");
        store.write(&[line(tenant, 4 * day)], &[]).await.unwrap();
        assert_eq!(found(&store, tenant, all()).await.len(), after.len() + 1);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn a_store_is_beside_its_database_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    for (name, expected) in [("astralform.db", "calls.db"), ("other.db", "other-calls.db")] {
        let db = Db::open_sqlite(&folder.path().join(name)).await.unwrap();
        let path = folder.path().join(expected);
        let store = CallStore::of(&db);
        assert!(!path.exists(), "it is made when it is used");
        let tenant = Tenant { project: id(), environment: astralform_domain::Environment::Test };
        store.write(&[line(tenant, 1)], &[]).await.unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        store.close().await;
    }
}
