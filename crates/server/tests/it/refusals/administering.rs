//! Refusals of those who administer projects, agents, keys and tokens.

use std::time::Duration;

use astralform_domain::Timestamp;
use astralform_management::{
    Forbidden, Right, admin_tokens::AdminTokenError, agents::AgentError, api_keys::ApiKeyError,
    calls::UsageError, logos::LogoError, projects::ProjectError,
};
use astralform_surface::Refusal;
use astralform_testkit::{Agent, TestServer, picture};
use serde_json::{Value, json};

use super::{
    Refused,
    runtime::{get, patch, post},
};

pub(super) async fn refused() -> Vec<Refused> {
    let server = TestServer::start().await;
    let mut all = of_projects(&server).await;
    all.extend(of_environments(&server).await);
    all.extend(of_agents(&server).await);
    all.extend(of_assignments(&server).await);
    all.extend(of_keys(&server).await);
    all.extend(of_tokens(&server).await);
    all.extend(rendered());
    all
}

async fn put(admin: &Agent, path: &str, body: Value) -> Refused {
    let request = format!("`PUT {path}` `{body}`");
    Refused::to(&request, &admin.put(path, body).await)
}

async fn delete(admin: &Agent, path: &str) -> Refused {
    Refused::to(&format!("`DELETE {path}`"), &admin.delete(path).await)
}

async fn of_projects(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let project = server.project("");
    let logo = server.project("/logo");
    let team = "team_01J00000000000000000000000";
    vec![
        post(&admin, "/v1/projects", json!({"name": "Second", "team_id": team})).await,
        patch(&admin, &project, json!({"support_url": "http://acme.example"})).await,
        Refused::to(
            &format!("`PATCH {project}` with `If-Match: \"7\"`"),
            &admin.patch_if(&project, 7, json!({"name": "Acme"})).await,
        ),
        Refused::to(
            &format!("`PUT {logo}` with a text"),
            &admin.put_picture(&logo, "image/png", b"no picture".to_vec()).await,
        ),
        Refused::to(
            &format!("`PUT {logo}` with `Content-Type: image/svg+xml`"),
            &admin.put_picture(&logo, "image/svg+xml", picture()).await,
        ),
    ]
}

async fn of_environments(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let test = server.project("/environments/test");
    let many: Vec<_> = (0..21).map(|number| format!("https://{number}.example.com")).collect();
    let copy = server.project("/environments/live/copy");
    vec![
        patch(&admin, &test, json!({"allowed_origins": ["https://app.example.com/"]})).await,
        Refused::to(
            &format!("`PATCH {test}` with 21 `allowed_origins`"),
            &admin.patch(&test, json!({"allowed_origins": many})).await,
        ),
        get(&admin, &format!("{copy}?from=live")).await,
        post(&admin, &copy, json!({"from": "test", "digest": "AAAA"})).await,
    ]
}

async fn of_agents(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let agents = server.project("/agents");
    let made = admin.post(&agents, json!({"name": "writer"})).await;
    assert_eq!(made.status, 201);
    let mut all = vec![
        get(&admin, &format!("{agents}/writter")).await,
        post(&admin, &agents, json!({"name": "writer"})).await,
        post(&admin, &agents, json!({"name": "The Writer"})).await,
        delete(&admin, &format!("{agents}/default")).await,
        patch(&admin, &format!("{agents}/default"), json!({"name": "main"})).await,
    ];
    let key = json!({"environment": "test", "name": "Writer", "agent": "writer"});
    assert_eq!(admin.post(&server.project("/api-keys"), key).await.status, 201);
    all.push(delete(&admin, &format!("{agents}/writer")).await);
    let off = json!({"is_enabled": false});
    assert_eq!(admin.patch(&format!("{agents}/writer"), off.clone()).await.status, 200);
    all.push(patch(&admin, &format!("{agents}/default"), off).await);
    all
}

async fn of_assignments(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let path = server.project("/agents/default/connectors");
    let mut all = vec![put(&admin, &path, json!({"connector": "slack"})).await];
    for assigned in [
        json!([{"connector": "slak"}]),
        json!([{"connector": "slack"}, {"connector": "slack"}]),
        json!([{"connector": "slack", "tools": ["slack_sing"]}]),
        json!([{"connector": "slack", "tools": []}]),
        json!([{"connector": "slack", "tools": ["slack_list_channels"], "read_only": true}]),
    ] {
        all.push(put(&admin, &path, assigned).await);
    }
    let one = json!([{"connector": "slack", "tools": ["slack_list_channels"]}]);
    assert_eq!(admin.put(&path, one).await.status, 200);
    let hello = json!({"channel": "C0SIMGENRL", "text": "Hello."});
    all.push(Refused::to(
        "`POST /v1/tools/slack_send_message/call` as an agent that has another tool of it",
        &server.agent("alice").call("slack_send_message", hello).await,
    ));
    all
}

async fn of_keys(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let keys = server.project("/api-keys");
    let past = Timestamp::from_secs(1_700_000_000);
    let none = "key_01J00000000000000000000000";
    let mut all = vec![
        post(&admin, &keys, json!({"environment": "test", "name": ""})).await,
        post(&admin, &keys, json!({"environment": "test", "name": "CI", "expires_at": past})).await,
        get(&admin, &format!("{keys}/{none}")).await,
        get(&admin, &server.project("/audit?end_user=alice")).await,
    ];
    let made = admin.post(&keys, json!({"environment": "test", "name": "Old"})).await;
    let path = format!("{keys}/{}", made.body["id"].as_str().unwrap());
    assert_eq!(admin.delete(&path).await.status, 204);
    all.push(post(&admin, &format!("{path}/roll"), json!({})).await);
    all
}

async fn of_tokens(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let tokens = "/v1/me/admin-tokens";
    let past = Timestamp::from_secs(1_700_000_000);
    let soon = server.clock.now().after(Duration::from_hours(1));
    let mut all = vec![
        post(&admin, tokens, json!({"name": " "})).await,
        post(&admin, tokens, json!({"name": "CI", "expires_at": past})).await,
        delete(&admin, &format!("{tokens}/admt_01J00000000000000000000000")).await,
    ];
    for (access, when) in [("write", "a token that ends"), ("read", "a token that reads")] {
        let wanted = json!({"name": "CI", "access": access, "expires_at": soon});
        let made = admin.post(tokens, wanted).await;
        let text = made.body["token"].as_str().unwrap_or_else(|| panic!("{made:?}"));
        let holder = server.agent_with_key(text, "nobody").naming(None);
        let refused = holder.post(tokens, json!({"name": "More"})).await;
        all.push(Refused::to(
            &format!("`POST {tokens}` `{{\"name\":\"More\"}}` by {when}"),
            &refused,
        ));
        if access == "read" {
            let refused = holder.patch(&server.project(""), json!({"name": "Acme"})).await;
            all.push(Refused::to("`PATCH /v1/projects/{project}` by a token that reads", &refused));
        }
    }
    all
}

fn rendered() -> Vec<Refused> {
    let too_large = LogoError::TooLarge { width: 4_000, height: 3_000 };
    vec![
        Refused::rendered("a hundred projects", ProjectError::TooMany),
        Refused::rendered("a project that was deleted meanwhile", ProjectError::Unknown),
        Refused::rendered("a picture of 4,000 × 3,000 pixels", too_large),
        Refused::rendered("a call that is not in the log", Refusal::UnknownCall),
        Refused::rendered("usage of each tool and agent on 400 days", UsageError::TooWide),
        Refused::rendered("the logo of a project without one", Refusal::NoLogo),
        Refused::rendered("several teams", Refusal::TeamRequired),
        Refused::rendered("`If-Match: 3`", Refusal::InvalidIfMatch),
        Refused::rendered("a page of an origin that is not listed", Refusal::OriginNotAllowed),
        Refused::rendered("a hundred agents", AgentError::TooMany),
        Refused::rendered("a hundred API keys", ApiKeyError::TooMany),
        Refused::rendered("an overlap of 8 days", ApiKeyError::BadOverlap(691_200)),
        Refused::rendered("fifty admin tokens", AdminTokenError::TooMany),
        Refused::rendered(
            "an end user where a member is asked for",
            Forbidden::NotAdministering(Right::Look),
        ),
    ]
}
