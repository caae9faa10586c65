use std::sync::Arc;

use astralform_domain::{AgentId, Clock, Entropy, Environment, Principal, RequestId, Timestamp};
use tokio::task::JoinSet;

use super::*;

const OF_ONE: Rate = Rate::new(10, 5);

fn throttle(rates: Rates) -> Arc<Throttle> {
    Arc::new(Throttle::new(rates, Machine::default()))
}

fn served() -> Arc<Served> {
    let clock = Clock::manual(Timestamp::from_secs(1));
    let entropy = Entropy::system();
    let origin = Some(CallerOrigin::Address([192, 0, 2, 1].into()));
    Arc::new(Served::new(RequestId::new(&clock, &entropy), origin, None, Stopwatch::WALL))
}

fn caller(end_user: Option<&str>) -> Caller {
    let clock = Clock::manual(Timestamp::from_secs(1));
    let entropy = Entropy::seeded(7);
    let credential = RuntimeCredential::ApiKey {
        id: ApiKeyId::new(&clock, &entropy),
        agent: None,
        connectors: None,
    };
    let project = ProjectId::new(&clock, &entropy);
    let agent = AgentId::new(&clock, &entropy);
    let tenant = Tenant { project, environment: Environment::Test };
    let principal = Principal { tenant, agent, credential };
    Caller { principal, end_user: end_user.map(|id| id.parse().unwrap()) }
}

/// Returns how many of so many requests at once are let in.
async fn admitted(throttle: &Arc<Throttle>, caller: &Caller, count: usize) -> usize {
    let asking: JoinSet<_> = (0..count)
        .map(|_| {
            let throttle = Arc::clone(throttle);
            let caller = caller.clone();
            async move { throttle.admit(&served(), &caller).await.is_ok() }
        })
        .collect();
    asking.join_all().await.into_iter().filter(|is_admitted| *is_admitted).count()
}

#[tokio::test]
async fn x4_each_end_user_has_a_burst_and_what_is_earned_in_the_longest_wait() {
    let throttle = throttle(Rates { end_user: OF_ONE, ..Rates::default() });
    let alice = caller(Some("alice"));
    let bob = caller(Some("bob"));
    let of_alice = admitted(&throttle, &alice, 100).await;
    assert!((5 + 20..50).contains(&of_alice), "{of_alice}");
    assert_eq!(admitted(&throttle, &bob, 5).await, 5);
}

#[tokio::test]
async fn x4_an_api_key_has_no_limit_of_its_own_unless_one_is_set() {
    let unlimited = throttle(Rates::default());
    assert_eq!(admitted(&unlimited, &caller(None), 5_000).await, 5_000);
    for rates in [
        Rates { key: Some(OF_ONE), ..Rates::default() },
        Rates { project: Some(OF_ONE), ..Rates::default() },
    ] {
        assert!(admitted(&throttle(rates), &caller(None), 50).await < 50);
    }
}

#[tokio::test]
async fn x4_so_many_requests_of_an_end_user_are_served_at_once_and_the_next_ones_wait() {
    let throttle = throttle(Rates { end_user: Rate::new(1_000, 1_000), ..Rates::default() });
    let alice = caller(Some("alice"));
    let mut under_way = Vec::new();
    for _ in 0..limits::AT_ONCE.count() {
        let one = served();
        throttle.admit(&one, &alice).await.unwrap();
        under_way.push(one);
    }
    let next = served();
    let mut waiting = std::pin::pin!(throttle.admit(&next, &alice));
    let early = timeout(Duration::from_millis(50), &mut waiting).await;
    assert!(early.is_err(), "there is no place yet");
    under_way.pop();
    waiting.await.unwrap();
}

#[tokio::test]
async fn x4_an_address_that_is_refused_again_and_again_is_not_listened_to() {
    let throttle = throttle(Rates { visitor: Rate::new(1, 3), ..Rates::default() });
    for _ in 0..3 {
        assert!(!throttle.is_exhausted(&served()));
        throttle.admit_visitor(&served()).await.unwrap();
    }
    assert!(throttle.is_exhausted(&served()));
}
