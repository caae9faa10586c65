//! What callers learn of tools and connectors that they cannot use: backends the cause, others
//! nothing that they could not see anyway.

use astralform_domain::{Environment, Tenant};
use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const LIST: &str = "slack_list_channels";
const PROMPTS: &str = "/v1/auth-requests";

fn told(reply: &Reply) -> (u16, &str, &str) {
    (reply.status, reply.code(), reply.body["detail"].as_str().unwrap())
}

async fn call(by: &Agent, tool: &str) -> Reply {
    by.post(&format!("/v1/tools/{tool}/call"), json!({})).await
}

async fn prompt(by: &Agent, connector: &str) -> Reply {
    by.post(PROMPTS, json!({"connector": connector})).await
}

async fn session(server: &TestServer, wanted: Value) -> Agent {
    let mut body = json!({"end_user_id": "alice"});
    body.as_object_mut().unwrap().extend(wanted.as_object().unwrap().clone());
    let opened = server.backend().post("/v1/sessions", body).await;
    server.agent_with_key(opened.body["token"].as_str().unwrap(), "").naming(None)
}

async fn key(server: &TestServer, environment: Environment, agent: Option<&str>) -> Agent {
    let tenant = Tenant { environment, ..server.tenant };
    let agent = match agent {
        Some(name) => Some(server.add_agent(name, Some(vec!["notion".parse().unwrap()])).await),
        None => None,
    };
    let key = server.app.management().provisioning.create_api_key(tenant, agent).await.unwrap();
    server.agent_with_key(key.expose(), "alice")
}

#[tokio::test]
async fn a_misspelled_name_is_answered_with_the_nearest_that_the_caller_may_use() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    for wrong in
        ["slack_list_chanels", "slack-list-channels", "Slack_List_Channels", "list_channels"]
    {
        let refused = call(&alice, wrong).await;
        let (status, code, detail) = told(&refused);
        assert_eq!((status, code), (404, "unknown_tool"), "{wrong}");
        assert!(detail.contains(&format!("`{wrong}`")), "{detail}");
        assert!(detail.contains("did you mean `slack_list_channels`"), "{detail}");
    }
    let refused = call(&alice, "notion_serch").await;
    let (_, code, detail) = told(&refused);
    assert_eq!(code, "unknown_tool");
    assert!(!detail.contains("did you mean"), "nothing of what is not enabled: {detail}");
    let refused = prompt(&alice, "slak").await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_connector"));
    assert!(told(&refused).2.contains("did you mean `slack`"), "{refused:?}");
    let refused = server.admin().get("/v1/connectors/githb").await;
    assert_eq!((refused.status, refused.code()), (404, "unknown_connector"));
    assert!(told(&refused).2.contains("did you mean `github`"), "{refused:?}");
}

#[tokio::test]
async fn a_backend_is_told_why_it_has_a_tool_or_connector_not() {
    let server = TestServer::start().await;
    let alice = server.agent("alice");
    for refused in [call(&alice, "notion_search").await, prompt(&alice, "notion").await] {
        assert_eq!((refused.status, refused.code()), (404, "not_enabled"));
        let detail = told(&refused).2;
        assert!(detail.contains("`notion` is not enabled in the environment `test`:"), "{detail}");
    }
    let live = key(&server, Environment::Live, None).await;
    for refused in [call(&live, LIST).await, prompt(&live, "slack").await] {
        assert_eq!((refused.status, refused.code()), (404, "not_enabled"));
        assert!(told(&refused).2.contains("but it is in `test`"), "{refused:?}");
    }
    server.add_agent("bare", Some(Vec::new())).await;
    let bare = alice.acting_as("bare");
    for refused in [call(&bare, LIST).await, prompt(&bare, "slack").await] {
        assert_eq!((refused.status, refused.code()), (404, "not_assigned"));
        assert!(told(&refused).2.contains("`bare`"), "{refused:?}");
    }
    server.admin().patch(&server.managed(""), json!({"tools": ["slack_send_message"]})).await;
    let refused = call(&alice, LIST).await;
    assert_eq!((refused.status, refused.code()), (404, "tool_not_offered"));
}

/// Whether a tool or connector exists, is enabled, or is another agent's: the answer is the same.
#[tokio::test]
async fn a_session_and_a_key_of_an_agent_cannot_tell_what_they_may_not_use_from_what_is_not() {
    let server = TestServer::start().await;
    let notion = json!({"connector": "notion", "environment": "test", "sandbox": true});
    server.admin().post(&server.project("/connectors"), notion).await;
    let narrowed = [
        session(&server, json!({"tools": ["notion_search"]})).await,
        key(&server, Environment::Test, Some("reader")).await,
    ];
    for caller in &narrowed {
        for name in [LIST, "github_list_repos", "slack_list_nothing"] {
            let refused = call(caller, name).await;
            let expected =
                format!("there is no tool `{name}` here: GET /v1/tools lists the tools there are");
            assert_eq!(told(&refused), (404, "unknown_tool", expected.as_str()));
        }
        for slug in ["slack", "github", "slacks"] {
            let refused = prompt(caller, slug).await;
            let (status, code, detail) = told(&refused);
            assert_eq!((status, code), (404, "unknown_connector"));
            assert!(
                detail.starts_with(&format!("there is no connector `{slug}` here:")),
                "{detail}"
            );
        }
        let refused = call(caller, "notion_serch").await;
        assert!(told(&refused).2.contains("did you mean `notion_search`?"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_token_of_another_kind_is_told_which_kind_it_is() {
    let server = TestServer::start().await;
    let backend = server.agent("alice");
    let admin = server.admin();
    let session = session(&server, json!({})).await;
    let runtime = "this call takes";
    for (refused, sent, takes) in [
        (admin.get("/v1/tools").await, "an admin token (pat_…)", "an API key"),
        (backend.get("/v1/me").await, "an API key (sk_…)", "an admin token"),
        (session.get("/v1/projects").await, "a session (ut_…)", "an admin token"),
        (session.get(&server.project("/connectors")).await, "a session (ut_…)", "an admin token"),
    ] {
        let (status, code, detail) = told(&refused);
        assert_eq!((status, code), (401, "unauthorized"));
        assert!(detail.starts_with(sent), "{detail}");
        assert!(detail.contains(&format!("{runtime} {takes}")), "{detail}");
    }
    let other = server.agent_with_key("xoxb-123", "alice").get("/v1/tools").await;
    assert!(told(&other).2.contains("no token of this server"), "{other:?}");
    assert!(!other.body.to_string().contains("xoxb"), "a token is not repeated");
}
