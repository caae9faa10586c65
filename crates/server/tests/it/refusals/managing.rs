use astralform_testkit::TestServer;
use serde_json::{Value, json};

use super::{
    Refused,
    runtime::{get, patch, post},
};

pub(super) async fn refused() -> Vec<Refused> {
    let server = TestServer::start().await;
    let mut all = of_places(&server).await;
    all.extend(of_enabling(&server).await);
    all.extend(of_changing(&server).await);
    all.extend(of_keys(&server).await);
    all.extend(of_environments(&server).await);
    all.extend(of_many(&server).await);
    all
}

async fn of_places(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let member = server.member("member").await;
    let connections = server.project("/connections?environment=");
    let delete = json!({"confirm": "Test project"});
    let project = server.project("");
    vec![
        get(&admin, "/v1/connectors/slak").await,
        get(&admin, "/v1/connectors/Slack").await,
        get(&admin, "/v1/projects/proj_01J00000000000000000000000/connectors").await,
        get(&admin, &server.project("/connectors/slack")).await,
        get(&admin, &server.project("/connectors/slack?environment=prod")).await,
        get(&admin, &server.project("/connectors/slack?environment=live")).await,
        get(&admin, &server.project("/connectors/notion?environment=test")).await,
        get(&admin, &server.project("/environments/prod")).await,
        get(&admin, &format!("{connections}test&status=broken")).await,
        get(&admin, &format!("{connections}test&used_since=yesterday")).await,
        get(&admin, &server.project("/webhooks/wh_01J00000000000000000000000?environment=test"))
            .await,
        Refused::to(
            "`POST …/connections/revoke` by a member",
            &member.post(&server.project("/connections/revoke?environment=test"), json!({})).await,
        ),
        Refused::to(
            "`DELETE /v1/projects/{project}` by a member",
            &member.delete_with(&project, delete).await,
        ),
    ]
}

async fn of_enabling(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let connectors = server.project("/connectors");
    let mut all = Vec::new();
    for body in [
        json!({"connector": "slack", "environment": "prod"}),
        json!({"connector": "slack"}),
        json!({"connector": "slak", "environment": "test"}),
        json!({"connector": "slack", "environment": "test", "sandbox": true}),
        json!({"connector": "notion", "environment": "live", "sandbox": true}),
        json!({"connector": "notion", "environment": "test", "sandbox": true,
               "endpoints": {"api_base_url": "https://notes.example.com"}}),
        json!({"connector": "notion", "environment": "test", "credentials": {"client_id": "x"}}),
        json!({"connector": "notion", "environment": "test", "credentials": {"clientid": "x"}}),
        json!({"connector": "notion", "environment": "test", "credentials": {"client_id": 5}}),
        json!({"connector": "tavily", "environment": "live"}),
        json!({"connector": "tavily", "environment": "test", "sandbox": true, "scopes": ["read"]}),
    ] {
        all.push(post(&admin, &connectors, body).await);
    }
    all
}

async fn of_changing(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let settings = server.managed("");
    server.connect("alice", "slack_list_channels").await;
    let list = "slack_list_channels";
    let mut all = Vec::new();
    for body in [
        json!({"tools": [list, list]}),
        json!({"tools": ["slack_list_chanels"]}),
        json!({"sandbox": false, "endpoints": {"api_base_url": "slack.example.com"}}),
        json!({"sandbox": false}),
        json!({"sandbox": false, "endpoints": {"api_base_url": "http://10.0.0.1"},
               "credentials": {"client_id": "c", "client_secret": "s"}, "confirm_reconnects": 1}),
        json!({"scopes": ["two scopes"]}),
        json!({"enabled": false}),
        json!({"credentials": {"client_id": "another", "client_secret": "s"}}),
    ] {
        all.push(patch(&admin, &settings, body).await);
    }
    let many: Vec<_> = (0..101).map(|n| format!("s{n}")).collect();
    let refused = admin.patch(&settings, json!({"scopes": many})).await;
    all.push(Refused::to("101 scopes", &refused));
    all
}

/// Collects those of connectors that take API keys.
async fn of_keys(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let connectors = server.project("/connectors");
    let tavily = |key: &str| {
        json!({"connector": "tavily", "environment": "test", "sandbox": true,
               "credentials": {"api_key": key}})
    };
    let rejected = Refused::to(
        "a key that the provider refuses",
        &admin.post(&connectors, tavily("tvly-of-nobody")).await,
    );
    let enable = json!({"connector": "tavily", "environment": "test", "sandbox": true});
    let enabled = admin.post(&connectors, enable).await;
    assert_eq!(enabled.status, 201, "{enabled:?}");
    let share = server.project("/connectors/tavily/shared-connection?environment=test");
    vec![rejected, post(&admin, &share, json!({})).await]
}

async fn of_environments(server: &TestServer) -> Vec<Refused> {
    let (admin, team_admin) = (server.admin(), server.member("admin").await);
    let test = server.project("/environments/test");
    let live = server.project("/environments/live");
    let hooks = server.project("/webhooks?environment=test");
    let many: Vec<_> = (0..21).map(|n| format!("https://app.example.com/{n}")).collect();
    admin.patch(&live, json!({"verify_end_user": "confirm"})).await;
    vec![
        patch(&admin, &test, json!({"return_urls": ["http://app.example.com/"]})).await,
        patch(&admin, &test, json!({"return_urls": ["com.example.app:/done"]})).await,
        Refused::to("21 return URLs", &admin.patch(&test, json!({"return_urls": many})).await),
        Refused::to(
            "by an admin",
            &team_admin.patch(&live, json!({"verify_end_user": "off"})).await,
        ),
        patch(&admin, &test, json!({"verify_end_user": "yes"})).await,
        post(&admin, &hooks, json!({"url": "app.example.com/hook"})).await,
        post(&admin, &hooks, json!({"url": "https://10.0.0.1/hook"})).await,
        post(&admin, &hooks, json!({})).await,
    ]
}

async fn of_many(server: &TestServer) -> Vec<Refused> {
    let admin = server.admin();
    let revoke = server.project("/connections/revoke?environment=test");
    let end_user = server.project("/end-users/nobody?environment=test");
    let confirm = async |body: Value| admin.delete_with(&server.project(""), body).await;
    vec![
        post(&admin, &revoke, json!({})).await,
        post(&admin, &revoke, json!({"all": true, "connector": "slack"})).await,
        Refused::to("`DELETE …/end-users/nobody`", &admin.delete(&end_user).await),
        Refused::to("`DELETE /v1/projects/{project}` `{}`", &confirm(json!({})).await),
        Refused::to(
            "`DELETE /v1/projects/{project}` with another name",
            &confirm(json!({"confirm": "Other project"})).await,
        ),
    ]
}
