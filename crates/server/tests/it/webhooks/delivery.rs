use std::time::{Duration, Instant};

use astralform_testkit::{Receiver, TestServer};
use serde_json::{Value, json};

use super::{Hook, TOOL, seconds, token_dies, verified};

const HOUR: u64 = 3600;

#[tokio::test]
async fn a_delivery_is_what_the_reference_implementation_takes() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    server.connect("alice", TOOL).await;
    server.deliver_webhooks().await;
    let arrived = receiver.received().remove(0);
    assert_eq!(verified(&server, &hook.secret, &arrived).unwrap(), arrived.body);
    assert_eq!(arrived.header("content-type"), "application/json");
    assert_eq!(arrived.header("webhook-timestamp"), seconds(server.clock.now()).to_string());

    let mut forged = arrived.clone();
    forged.text = forged.text.replace("alice", "mallory");
    assert!(verified(&server, &hook.secret, &forged).is_err());
    let mut moved = arrived.clone();
    moved.headers.insert("webhook-id", "evt_other".parse().unwrap());
    assert!(verified(&server, &hook.secret, &moved).is_err());
    let other = Hook::create(&server, &receiver).await;
    assert!(verified(&server, &other.secret, &arrived).is_err());
}

#[tokio::test]
async fn for_a_day_after_a_rotation_the_old_secret_signs_beside_the_new_one() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    let rotated = server.admin().post(&hook.at("/rotate-secret"), json!({})).await;
    let fresh = rotated.body["secret"].as_str().unwrap();
    let until = json!(server.clock.now().after(Duration::from_hours(24)));
    assert_eq!(rotated.body["webhook"]["previous_secret_until"], until);
    let again = server.admin().post(&hook.at("/rotate-secret"), json!({})).await;
    assert_eq!((again.status, again.code()), (409, "secret_rotated_lately"));
    let says = again.body["detail"].as_str().unwrap();
    assert!(says.contains(until.as_str().unwrap()), "{says}");
    let last = async || {
        server.admin().post(&hook.at("/test"), json!({})).await;
        receiver.received().pop().unwrap()
    };
    let both = last().await;
    assert_eq!(both.header("webhook-signature").split(' ').count(), 2);
    assert!(verified(&server, &hook.secret, &both).is_ok());
    assert!(verified(&server, fresh, &both).is_ok());

    let moved = json!({"url": receiver.url.replace("127.0.0.1", "127.0.0.2")});
    assert_eq!(server.admin().patch(&hook.at(""), moved).await.status, 200);
    let back = json!({"url": receiver.url});
    assert_eq!(server.admin().patch(&hook.at(""), back).await.status, 200);
    let both = last().await;
    assert!(verified(&server, &hook.secret, &both).is_ok(), "it survives a move");
    assert!(verified(&server, fresh, &both).is_ok());

    server.clock.advance(Duration::from_hours(24));
    let one = last().await;
    assert!(verified(&server, fresh, &one).is_ok());
    assert!(verified(&server, &hook.secret, &one).is_err());
    let again = server.admin().post(&hook.at("/rotate-secret"), json!({})).await;
    assert_eq!(again.status, 200, "the first one is over");
    let both = last().await;
    assert!(verified(&server, fresh, &both).is_ok());
}

#[tokio::test]
async fn what_is_not_taken_is_delivered_again_for_three_days() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    receiver.answer(500);
    server.connect("alice", TOOL).await;
    let mut attempts = 0;
    for delay in [0, 6, 330, 1_980, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
    {
        server.clock.advance(Duration::from_secs(delay + delay / 10));
        server.deliver_webhooks().await;
        attempts += 1;
        assert_eq!(receiver.received().len(), attempts, "after {delay} s");
        server.deliver_webhooks().await;
        assert_eq!(receiver.received().len(), attempts, "not before its time");
    }
    server.clock.advance(Duration::from_hours(10 * 24));
    server.deliver_webhooks().await;
    assert_eq!(receiver.received().len(), 10);
    let delivery = hook.deliveries(&server).await.remove(0);
    assert_eq!(delivery["status"], "failed");
    assert_eq!((&delivery["attempts"], &delivery["last_answer"]), (&json!(10), &json!(500)));
    assert_eq!(delivery["last_failure"], "it answered 500");
    assert_eq!(delivery["next_attempt_at"], Value::Null);
}

#[tokio::test]
async fn a_receiver_that_was_down_is_told_when_it_is_back_and_after_a_restart() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    drop(receiver);
    tokio::task::yield_now().await;
    server.connect("alice", TOOL).await;
    server.deliver_webhooks().await;
    let delivery = hook.deliveries(&server).await.remove(0);
    assert_eq!((delivery["status"].as_str(), &delivery["attempts"]), (Some("pending"), &json!(1)));
    assert_eq!(delivery["last_failure"], "no connection could be made");
    assert_ne!(hook.shown(&server).await["failing_since"], Value::Null);

    let back = Receiver::start().await;
    let moved = json!({"url": back.url});
    assert_eq!(server.admin().patch(&hook.at(""), moved).await.status, 200);
    server.clock.advance(Duration::from_secs(10));
    let restarted = server.restarted();
    for turn in restarted.engine().deliveries.webhooks_due().await.unwrap() {
        restarted.engine().deliveries.deliver(turn).await;
    }
    let arrived = back.received();
    assert_eq!(arrived.len(), 1);
    assert!(verified(&server, &hook.secret, &arrived[0]).is_ok());
    assert_eq!(hook.shown(&server).await["failing_since"], Value::Null);
}

#[tokio::test]
async fn what_a_node_had_in_hand_when_it_died_is_delivered_by_another() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    server.connect("alice", TOOL).await;
    receiver.delay(Duration::from_mins(1));
    let app = server.app.clone();
    let dying = tokio::spawn(async move {
        for turn in app.engine().deliveries.webhooks_due().await.unwrap() {
            app.engine().deliveries.deliver(turn).await;
        }
    });
    while receiver.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    dying.abort();
    receiver.delay(Duration::ZERO);
    let other = server.restarted();
    assert!(other.engine().deliveries.webhooks_due().await.unwrap().is_empty(), "it is in hand");
    server.clock.advance(Duration::from_secs(31));
    for turn in other.engine().deliveries.webhooks_due().await.unwrap() {
        other.engine().deliveries.deliver(turn).await;
    }
    let arrived = receiver.received();
    assert_eq!(arrived.len(), 2);
    assert_eq!(arrived[0].header("webhook-id"), arrived[1].header("webhook-id"));
    assert_eq!(hook.deliveries(&server).await[0]["status"], "delivered");
}

#[tokio::test]
async fn a_webhook_that_is_gone_or_fails_for_days_is_disabled_and_says_why() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let gone = Hook::create(&server, &receiver).await;
    receiver.answer(410);
    server.connect("alice", TOOL).await;
    token_dies(&server).await;
    server.deliver_webhooks().await;
    assert_eq!(receiver.received().len(), 1);
    let shown = gone.shown(&server).await;
    assert_eq!((&shown["is_enabled"], &shown["disabled_reason"]), (&json!(false), &json!("gone")));
    let deliveries = gone.deliveries(&server).await;
    assert!(deliveries.iter().all(|one| one["status"] == "failed"), "{deliveries:?}");
    let refused = server.admin().post(&gone.at("/test"), json!({})).await;
    assert_eq!((refused.status, refused.code()), (409, "webhook_disabled"));
    server.connect("alice", TOOL).await;
    assert_eq!(gone.deliveries(&server).await.len(), 2, "it is told no more");

    let failing = Hook::create(&server, &receiver).await;
    receiver.answer(500);
    server.admin().post(&failing.at("/test"), json!({})).await;
    server.clock.advance(Duration::from_hours(5 * 24 - 1));
    server.admin().post(&failing.at("/test"), json!({})).await;
    assert_eq!(failing.shown(&server).await["is_enabled"], true);
    server.clock.advance(Duration::from_hours(1));
    server.admin().post(&failing.at("/test"), json!({})).await;
    assert_eq!(failing.shown(&server).await["disabled_reason"], "failing");
    let resumed = server.admin().patch(&failing.at(""), json!({"is_enabled": true})).await;
    assert_eq!(resumed.body["disabled_reason"], Value::Null);
    receiver.answer(200);
    let tried = server.admin().post(&failing.at("/test"), json!({})).await;
    assert_eq!((tried.outcome(), &tried.body["type"]), ("delivered", &json!("webhook.test")));
}

#[tokio::test]
async fn a_slow_receiver_holds_up_no_other_and_is_not_waited_for_longer_than_ten_seconds() {
    let server = TestServer::start().await;
    let slow = Receiver::start().await;
    let quick = Receiver::start().await;
    let hook = Hook::create(&server, &slow).await;
    Hook::create(&server, &quick).await;
    slow.delay(Duration::from_mins(1));
    server.connect("alice", TOOL).await;
    let began = Instant::now();
    let app = server.app.clone();
    let mut delivering = Vec::new();
    for turn in app.engine().deliveries.webhooks_due().await.unwrap() {
        let app = app.clone();
        delivering.push(tokio::spawn(async move { app.engine().deliveries.deliver(turn).await }));
    }
    while quick.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    for one in delivering {
        one.await.unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    let delivery = hook.deliveries(&server).await.remove(0);
    assert_eq!(delivery["last_failure"], "no answer came within 10 seconds");
}

#[tokio::test]
async fn p4_a_redirect_is_a_failure_and_nobody_else_is_told() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let elsewhere = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    receiver.redirect_to(&elsewhere.url);
    let tried = server.admin().post(&hook.at("/test"), json!({})).await;
    assert_eq!(tried.outcome(), "pending");
    assert_eq!(tried.body["last_failure"], "it answered 307; redirects are not followed");
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn two_nodes_deliver_what_there_is_once() {
    let setup = astralform_testkit::Setup::default();
    let Some((first, second)) = TestServer::two_nodes(setup).await else { return };
    let receiver = Receiver::start().await;
    Hook::create(&first, &receiver).await;
    for number in 0..12 {
        first.connect(&format!("user-{number}"), TOOL).await;
    }
    tokio::join!(first.deliver_webhooks(), second.deliver_webhooks());
    let arrived = receiver.received();
    let ids: std::collections::BTreeSet<_> =
        arrived.iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((arrived.len(), ids.len()), (12, 12));
}
