use astralform_domain::{Actor, HostSet, WebhookId};
use astralform_storage::webhooks;
use astralform_testkit::{Agent, Receiver, TestServer};
use serde_json::{Value, json};

use super::{Hook, TOOL, create};

/// Somebody, and where they look for a webhook, with what follows its id.
type Place<'a> = (&'a Agent, &'a dyn Fn(&str) -> String);

#[tokio::test]
async fn a_secret_is_shown_once_and_kept_sealed() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    assert!(hook.secret.starts_with("whsec_") && hook.secret.len() == 50, "32 bytes");
    let shown = hook.shown(&server).await;
    assert_eq!(shown["url"], receiver.url.as_str());
    let listed = server.admin().get(&server.project("/webhooks?environment=test")).await;
    assert_eq!(listed.body["data"], json!([shown]));
    assert!(!listed.body.to_string().contains("whsec_"));
    if let Some(bytes) = server.database_bytes() {
        let secret = hook.secret.trim_start_matches("whsec_").as_bytes();
        assert!(!bytes.windows(secret.len()).any(|window| window == secret));
    }
}

#[tokio::test]
async fn s1_only_what_may_be_called_can_be_a_webhook() {
    let server = TestServer::start().await;
    for url in [
        "",
        "app.example.com/hook",
        "ftp://app.example.com/hook",
        "http://app.example.com/hook",
        "http://203.0.113.7/hook",
        "https://user@127.0.0.1/hook",
        "https://:secret@127.0.0.1/hook",
        "https://127.0.0.1/hook#part",
        "https://10.0.0.1/hook",
        "https://169.254.169.254/latest",
        "https://[::ffff:10.0.0.1]/hook",
        "https://0.0.0.0/hook",
    ] {
        let refused = create(&server, url).await;
        assert_eq!((refused.status, refused.code()), (422, "invalid_url"), "{url}");
    }
    let simulator = server.app.engine().site().simulator().unwrap().to_string();
    assert_eq!(create(&server, &simulator).await.code(), "invalid_url");
    let long = format!("https://127.0.0.1/{}", "a".repeat(2048));
    assert_eq!(create(&server, &long).await.code(), "invalid_url");
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    let moved = json!({"url": "https://10.0.0.1/hook"});
    assert_eq!(server.admin().patch(&hook.at(""), moved).await.code(), "invalid_url");
    assert_eq!(hook.shown(&server).await["url"], receiver.url.as_str());
}

#[tokio::test]
async fn an_environment_has_so_many_webhooks() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    for _ in 0..10 {
        Hook::create(&server, &receiver).await;
    }
    let refused = create(&server, &receiver.url).await;
    assert_eq!((refused.status, refused.code()), (409, "too_many_webhooks"));
}

// F29
#[tokio::test]
async fn webhooks_that_are_made_at_once_count_each_other() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let path = server.project("/webhooks?environment=test");
    let creating: Vec<_> = (0..16)
        .map(|_| {
            let admin = server.admin();
            let path = path.clone();
            let wanted = json!({"url": receiver.url.as_str()});
            tokio::spawn(async move { admin.post(&path, wanted).await.status })
        })
        .collect();
    let mut made = 0;
    for one in creating {
        made += usize::from(one.await.unwrap() == 201);
    }
    assert_eq!(made, 10);
}

#[tokio::test]
async fn a_paused_webhook_hears_nothing_and_a_deleted_one_is_gone() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    server.connect("alice", TOOL).await;
    let paused = server.admin().patch(&hook.at(""), json!({"is_enabled": false})).await;
    assert_eq!(paused.body["disabled_reason"], "paused");
    server.connect("bob", TOOL).await;
    server.deliver_webhooks().await;
    assert!(receiver.received().is_empty());
    let deliveries = hook.deliveries(&server).await;
    assert_eq!(deliveries.len(), 1, "of Alice, whom it did not hear of in time");
    assert_eq!(deliveries[0]["last_failure"], "the webhook was disabled: paused");

    server.admin().patch(&hook.at(""), json!({"is_enabled": true})).await;
    server.connect("carol", TOOL).await;
    server.deliver_webhooks().await;
    assert_eq!(receiver.received().len(), 1);

    server.connect("dave", TOOL).await;
    assert_eq!(server.admin().delete(&hook.at("")).await.status, 204);
    server.deliver_webhooks().await;
    assert_eq!(receiver.received().len(), 1);
    for gone in [
        server.admin().get(&hook.at("")).await,
        server.admin().get(&hook.at("/deliveries")).await,
        server.admin().patch(&hook.at(""), json!({})).await,
        server.admin().post(&hook.at("/test"), json!({})).await,
        server.admin().post(&hook.at("/rotate-secret"), json!({})).await,
        server.admin().delete(&hook.at("")).await,
    ] {
        assert_eq!((gone.status, gone.code()), (404, "unknown_webhook"));
    }
}

#[tokio::test]
async fn t1_a_webhook_of_another_environment_or_project_is_as_good_as_none() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    server.connect("alice", TOOL).await;
    let elsewhere = |rest: &str| format!("{}{rest}?environment=live", hook.path);
    let made = server.app.management().provisioning.provision("Other", "Other").await.unwrap();
    let owner = "other@example.com".parse().unwrap();
    let token = server.app.management().provisioning.create_owner(made.team, &owner).await.unwrap();
    let stranger = server.agent_with_key(token.expose(), "alice").naming(None);
    let ours = server.tenant.project.to_string();
    let theirs = |rest: &str| hook.at(rest).replace(&ours, &made.project.to_string());
    let admin = server.admin();
    let here = |rest: &str| hook.at(rest);
    let places: [Place<'_>; 3] = [(&admin, &elsewhere), (&stranger, &theirs), (&stranger, &here)];
    for (who, at) in places {
        for refused in [
            who.get(&at("")).await,
            who.get(&at("/deliveries")).await,
            who.patch(&at(""), json!({"is_enabled": false})).await,
            who.post(&at("/rotate-secret"), json!({})).await,
            who.post(&at("/test"), json!({})).await,
            who.delete(&at("")).await,
        ] {
            assert_eq!(refused.status, 404, "{refused:?}");
            assert!(!refused.body.to_string().contains(&receiver.url));
        }
    }
    let shown = hook.shown(&server).await;
    assert_eq!(
        (&shown["is_enabled"], &shown["previous_secret_until"]),
        (&json!(true), &Value::Null)
    );
    assert_eq!(hook.deliveries(&server).await.len(), 1);
}

#[tokio::test]
async fn v1_a_webhook_whose_address_was_edited_is_not_told() {
    let server = TestServer::start().await;
    let receiver = Receiver::start().await;
    let thief = Receiver::start().await;
    let hook = Hook::create(&server, &receiver).await;
    let id: WebhookId = hook.path.rsplit('/').next().unwrap().parse().unwrap();
    let mut stored = webhooks::find(&server.db, server.tenant, id).await.unwrap().unwrap();
    stored.url.clone_from(&thief.url);
    let host = thief.url.trim_end_matches("/hook").to_owned();
    for (end_user, hosts) in [("alice", stored.hosts.clone()), ("bob", HostSet::from_iter([host]))]
    {
        stored.hosts = hosts;
        let mut tx = server.db.begin(Actor::Product).await.unwrap();
        webhooks::update(&mut tx, &stored).await.unwrap();
        tx.commit().await.unwrap();
        server.connect(end_user, TOOL).await;
        server.deliver_webhooks().await;
        assert!(thief.received().is_empty() && receiver.received().is_empty());
    }
    let deliveries = hook.deliveries(&server).await;
    let failure = deliveries[0]["last_failure"].as_str().unwrap();
    assert!(failure.contains("may not be called: the secret"), "{failure}");
}
