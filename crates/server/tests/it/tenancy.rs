//! Who reaches what: every operation of the API's document, with every kind of token.

use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const ADMINS: &str = "adminToken";

/// An operation, with what its path has for blanks.
struct Operation {
    method: String,
    template: String,
    takes_environment: bool,
    asks_for: Vec<String>,
}

fn operations() -> Vec<Operation> {
    let document: Value = serde_json::from_str(&astralform_server::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            let schemes = operation["security"].as_array().unwrap().iter();
            let names = schemes.flat_map(|scheme| scheme.as_object().unwrap().keys().cloned());
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            Operation {
                method: method.clone(),
                template: path.clone(),
                takes_environment: parameters.into_iter().any(|one| one["in"] == "query"),
                asks_for: names.collect(),
            }
        })
    });
    each.collect()
}

impl Operation {
    fn is_for(&self, scheme: &str) -> bool {
        self.asks_for.iter().any(|known| known == scheme)
    }

    /// Returns the path in a project of that id.
    fn path(&self, project: &str) -> String {
        let filled = self
            .template
            .replace("{project}", project)
            .replace("{environment}", "test")
            .replace("{slug}", "slack")
            .replace("{end_user}", "alice")
            .replace("{name}", "slack_list_channels")
            .replace("{id}", "conn_01JAAAAAAAAAAAAAAAAAAAAAAA");
        assert!(!filled.contains('{'), "{filled} has a blank that nobody fills");
        if self.takes_environment { format!("{filled}?environment=test") } else { filled }
    }

    async fn send(&self, as_whom: &Agent, path: &str) -> Reply {
        match self.method.as_str() {
            "get" => as_whom.get(path).await,
            "post" => as_whom.post(path, json!({})).await,
            "patch" => as_whom.patch(path, json!({})).await,
            "delete" => as_whom.delete(path).await,
            other => panic!("{other} is not sent yet"),
        }
    }
}

/// Returns somebody who owns another project.
async fn stranger(server: &TestServer) -> Agent {
    let engine = server.app.engine();
    let made = engine.provisioning.provision("Strangers", "Strange").await.unwrap();
    let email = "stranger@example.com".parse().unwrap();
    let token = engine.provisioning.create_owner(made.team, &email).await.unwrap();
    server.agent_with_key(token.expose(), "alice").naming(None)
}

async fn session(server: &TestServer) -> Agent {
    let opened = server.backend().post("/v1/sessions", json!({"end_user_id": "alice"})).await;
    let token = opened.body["token"].as_str().unwrap().to_owned();
    server.agent_with_key(&token, "alice").naming(None)
}

fn without_request_id(mut reply: Reply) -> Value {
    reply.body.as_object_mut().unwrap().remove("request_id");
    reply.body
}

#[tokio::test]
async fn t1_another_projects_member_finds_nothing_where_a_project_is_named() {
    let server = TestServer::start().await;
    let stranger = stranger(&server).await;
    let ours = server.tenant.project.to_string();
    let before = server.admin().get(&server.managed("")).await.body;
    let in_projects: Vec<_> =
        operations().into_iter().filter(|known| known.template.contains("{project}")).collect();
    assert!(in_projects.len() >= 10, "the management routes are in the document");
    for operation in in_projects {
        let Operation { method, template, .. } = &operation;
        let foreign = operation.send(&stranger, &operation.path(&ours)).await;
        assert_eq!((foreign.status, foreign.code()), (404, "not_found"), "{method} {template}");
        let absent = operation.path("proj_01JAAAAAAAAAAAAAAAAAAAAAAA");
        let absent = operation.send(&stranger, &absent).await;
        assert_eq!(without_request_id(foreign), without_request_id(absent), "{method} {template}");
    }
    assert_eq!(server.admin().get(&server.managed("")).await.body, before);
    let theirs = stranger.get("/v1/projects").await;
    assert_eq!(theirs.body["data"][0]["name"], "Strange");
    assert_eq!(theirs.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn t1_what_opens_the_runtime_api_does_not_open_management() {
    let server = TestServer::start().await;
    let tokens = [server.backend(), session(&server).await, server.backend().naming(Some("alice"))];
    let project = server.tenant.project.to_string();
    for operation in operations().into_iter().filter(|known| known.is_for(ADMINS)) {
        for token in &tokens {
            let refused = operation.send(token, &operation.path(&project)).await;
            let Operation { method, template, .. } = &operation;
            assert_eq!(
                (refused.status, refused.code()),
                (401, "unauthorized"),
                "{method} {template}"
            );
        }
    }
    assert_eq!(server.admin().get(&server.managed("")).await.body["is_enabled"], true);
}

#[tokio::test]
async fn t1_an_admin_token_does_not_open_the_runtime_api() {
    let server = TestServer::start().await;
    server.connect("alice", "slack_list_channels").await;
    let tokens = [server.admin(), server.admin().naming(Some("alice"))];
    let project = server.tenant.project.to_string();
    let runtime = |known: &Operation| known.is_for("apiKey") || known.is_for("session");
    for operation in operations().into_iter().filter(runtime) {
        for token in &tokens {
            let refused = operation.send(token, &operation.path(&project)).await;
            let Operation { method, template, .. } = &operation;
            assert_eq!(
                (refused.status, refused.code()),
                (401, "unauthorized"),
                "{method} {template}"
            );
        }
    }
    assert_eq!(server.slack_requests("conversations.list"), 0);
}

#[tokio::test]
async fn t1_whoever_shows_no_token_gets_nothing_but_health() {
    let server = TestServer::start().await;
    let project = server.tenant.project.to_string();
    let nobody = server.agent_with_key("", "alice");
    for operation in operations() {
        let answered = operation.send(&nobody, &operation.path(&project)).await;
        let expected = if operation.asks_for.is_empty() { 200 } else { 401 };
        let Operation { method, template, .. } = &operation;
        assert_eq!(answered.status, expected, "{method} {template}");
    }
}
