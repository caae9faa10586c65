//! Who may administer what, and with what.

use astralform_testkit::{Agent, TestServer};
use serde_json::json;

/// Every management call below a project.
fn calls(project: &str) -> Vec<(&'static str, String)> {
    let connectors = format!("/v1/projects/{project}/connectors");
    let one = format!("{connectors}/slack");
    let test = "?environment=test";
    vec![
        ("get", connectors.clone()),
        ("post", connectors),
        ("get", format!("{one}{test}")),
        ("patch", format!("{one}{test}")),
        ("delete", format!("{one}{test}")),
        ("post", format!("{one}/check{test}")),
        ("post", format!("{one}/shared-connection{test}")),
        ("post", format!("{one}/shared-connection/confirm{test}")),
        ("get", format!("/v1/projects/{project}/environments/test")),
        ("patch", format!("/v1/projects/{project}/environments/test")),
    ]
}

async fn status(who: &Agent, method: &str, path: &str) -> u16 {
    let reply = match method {
        "get" => who.get(path).await,
        "delete" => who.delete(path).await,
        "patch" => who.patch(path, json!({})).await,
        _ => who.post(path, json!({})).await,
    };
    reply.status
}

#[tokio::test]
async fn a_member_of_another_team_sees_nothing_of_a_project() {
    let server = TestServer::start().await;
    let engine = server.app.engine();
    let other = engine.provision("Other team", "Other project").await.unwrap();
    let email = "eve@example.com".parse().unwrap();
    let eve = engine.create_owner(other.team, &email).await.unwrap();
    let eve = server.agent_with_key(eve.expose(), "alice").naming(None);

    for (method, path) in calls(&server.tenant.project.to_string()) {
        assert_eq!(status(&eve, method, &path).await, 404, "{method} {path}");
    }
    let own = eve.get("/v1/projects").await;
    assert_eq!(own.body["data"][0]["id"], json!(other.project));
    assert_eq!(own.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(eve.get("/v1/me").await.body["member"]["email"], "eve@example.com");
    assert_eq!(server.admin().get(&server.managed("")).await.status, 200, "nothing has changed");
}

#[tokio::test]
async fn tokens_open_their_own_side_of_the_api_only() {
    let server = TestServer::start().await;
    let backend = server.backend();
    let session = json!({"end_user_id": "alice"});
    let session = backend.post("/v1/sessions", session).await.body["token"].clone();
    let session = server.agent_with_key(session.as_str().unwrap(), "alice");
    let mut managing = calls(&server.tenant.project.to_string());
    managing
        .extend(["/v1/me", "/v1/projects", "/v1/connectors"].map(|path| ("get", path.to_owned())));
    for (method, path) in managing {
        for who in [&backend, &session] {
            assert_eq!(status(who, method, &path).await, 401, "{method} {path}");
        }
    }
    let admin = server.admin().naming(Some("alice"));
    for (method, path) in [
        ("get", "/v1/tools"),
        ("post", "/v1/tools/slack_list_channels/call"),
        ("get", "/v1/connections"),
        ("post", "/v1/sessions"),
        ("post", "/v1/auth-requests"),
    ] {
        assert_eq!(status(&admin, method, path).await, 401, "{method} {path}");
    }
}

#[tokio::test]
async fn a_project_that_is_none_is_not_there() {
    let server = TestServer::start().await;
    for project in ["proj_01M86WB2R7YMEXC2D4XDXY7704", "mine"] {
        for (method, path) in calls(project) {
            assert_eq!(status(&server.admin(), method, &path).await, 404, "{method} {path}");
        }
    }
}
