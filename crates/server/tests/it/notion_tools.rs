//! Notion's tools: what they send, what they make of the answers, and who sees what.

use astralform_domain::Actor;
use astralform_engine::project_connectors::Enable;
use astralform_simulator::notion::TokenSelector;
use astralform_simulator::{Fault, Times};
use astralform_testkit::{Agent, Reply, TestServer};
use serde_json::{Value, json};

const HANDBOOK: &str = "22222222-0000-4000-8000-000000000001";
const WIKI: &str = "22222222-0000-4000-8000-000000000003";
const ROADMAP: &str = "33333333-0000-4000-8000-000000000001";

/// Returns a server with Notion enabled in the sandbox.
async fn server() -> TestServer {
    let server = TestServer::start().await;
    let notion = Enable::sandboxed("notion".parse().unwrap());
    server
        .app
        .engine()
        .project_connectors
        .enable(Actor::Operator, server.tenant, notion)
        .await
        .expect("enabled");
    server
}

async fn everything(agent: &Agent) -> Reply {
    agent.call("notion_search", json!({"query": ""})).await
}

/// Returns Alice, who has connected and shared everything that she can but for the wiki.
async fn connected(server: &TestServer) -> Agent {
    let agent = server.agent("alice");
    let asked = everything(&agent).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    let browser = server.browser();
    let page = browser.to_provider(asked.link()).await.untick("Engineering wiki");
    let ended = browser.click(&page, "Allow access").await;
    assert_eq!(ended.outcome(), "completed", "{ended:?}");
    agent
}

fn requests(server: &TestServer, endpoint: &str) -> usize {
    let requests = server.notion().requests();
    requests.iter().filter(|request| request.endpoint == endpoint).count()
}

fn titles(found: &Reply) -> Vec<&str> {
    let results = found.body["data"]["results"].as_array().unwrap();
    results.iter().map(|found| found["title"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_person_connects_and_shares_pages_and_only_those_are_found() {
    let server = server().await;
    let agent = connected(&server).await;
    let found = everything(&agent).await;
    assert_eq!(found.outcome(), "completed", "{found:?}");
    let titles = titles(&found);
    assert!(titles.contains(&"Company handbook") && titles.contains(&"Security"), "{titles:?}");
    assert!(titles.contains(&"Roadmap") && titles.contains(&"Billing v2"), "{titles:?}");
    assert!(!titles.contains(&"Engineering wiki") && !titles.contains(&"Payroll"), "{titles:?}");

    let connections = agent.get("/v1/connections").await;
    let account = &connections.body["data"][0]["account"];
    assert_eq!(account["label"], "Ada Lovelace in Acme (simulated)");
    let person = &server.notion().grants()[0].user_id;
    assert_eq!(account["id"], format!("44444444-0000-4000-8000-000000000001/{person}"));

    let sources = json!({"query": "road", "type": "data_source"});
    let sources = agent.call("notion_search", sources).await;
    let source = &sources.body["data"]["results"][0];
    assert_eq!((&source["id"], &source["type"]), (&json!(ROADMAP), &json!("data_source")));
    assert_eq!(source["properties"]["Due"], "date");
}

#[tokio::test]
async fn results_come_in_pages() {
    let server = server().await;
    let agent = connected(&server).await;
    let whole = everything(&agent).await;
    let mut paged = Vec::new();
    let mut arguments = json!({"query": "", "limit": 3});
    for _ in 0..20 {
        let page = agent.call("notion_search", arguments.clone()).await;
        paged.extend(page.body["data"]["results"].as_array().unwrap().clone());
        match page.body["data"].get("next_cursor") {
            Some(next) => arguments["cursor"] = next.clone(),
            None => break,
        }
    }
    assert!(paged.len() > 6);
    assert_eq!(json!(paged), whole.body["data"]["results"]);
}

#[tokio::test]
async fn a_page_is_read_with_properties_and_text_by_its_id_or_its_address() {
    let server = server().await;
    let agent = connected(&server).await;
    let found = agent.call("notion_search", json!({"query": "billing"})).await;
    let found = found.body["data"]["results"][0].clone();
    for page_id in [&found["id"], &found["url"]] {
        let page = agent.call("notion_get_page", json!({"page_id": page_id})).await;
        assert_eq!(page.outcome(), "completed", "{page:?}");
        let data = &page.body["data"];
        assert_eq!((&data["title"], &data["url"]), (&json!("Billing v2"), &found["url"]));
        let properties = json!({
            "Status": "In progress", "Priority": "High", "Tags": ["billing", "design"],
            "Due": "2026-12-01/2026-12-24", "Owner": ["Ada Lovelace"], "Estimate": 3.5,
            "Reviewed": true, "Link": "https://example.com/spec", "Notes": "Ask Grace",
        });
        assert_eq!(data["properties"], properties);
        assert_eq!(data["content_markdown"], "Details follow.");
        assert_eq!(data["truncated"], false);
    }
    assert_eq!((requests(&server, "pages/{id}"), requests(&server, "pages/{id}/markdown")), (2, 2));
}

async fn read_back(agent: &Agent, made: &Reply) -> Value {
    assert_eq!(made.outcome(), "completed", "{made:?}");
    let id = &made.body["data"]["id"];
    agent.call("notion_get_page", json!({"page_id": id})).await.body["data"].clone()
}

#[tokio::test]
async fn a_page_that_was_created_is_read_back_and_found() {
    let server = server().await;
    let agent = connected(&server).await;
    let markdown = "## Decisions\n- Ship on Friday\n- [ ] Tell everybody";
    let parent = json!({"type": "page", "id": HANDBOOK});
    let page = json!({"title": "Zebra meeting", "content_markdown": markdown, "parent": parent});
    let made = agent.call("notion_create_page", page).await;
    let read = read_back(&agent, &made).await;
    assert_eq!(
        (&read["title"], &read["content_markdown"]),
        (&json!("Zebra meeting"), &json!(markdown))
    );
    let found = agent.call("notion_search", json!({"query": "zebra"})).await;
    assert_eq!(titles(&found), ["Zebra meeting"]);
    let parent = json!({"type": "page", "id": HANDBOOK});
    assert_eq!(found.body["data"]["results"][0]["parent"], parent);

    let own = agent.call("notion_create_page", json!({"title": "Only mine"})).await;
    assert_eq!(read_back(&agent, &own).await["title"], "Only mine");

    let entry = json!({
        "title": "Export", "parent": {"type": "data_source", "id": ROADMAP},
        "properties": {"Status": {"status": {"name": "Done"}}},
    });
    let entry = agent.call("notion_create_page", entry).await;
    let read = read_back(&agent, &entry).await;
    assert_eq!((&read["title"], &read["properties"]["Status"]), (&json!("Export"), &json!("Done")));

    let wrong = json!({
        "title": "Export", "parent": {"type": "data_source", "id": ROADMAP},
        "properties": {"Status": {"status": {"name": "Forgotten"}}},
    });
    let wrong = agent.call("notion_create_page", wrong).await;
    assert_eq!(wrong.body["error"]["kind"], "provider_rejected", "{wrong:?}");
    assert!(wrong.body["error"]["message"].as_str().unwrap().contains("Forgotten"));
}

#[tokio::test]
async fn what_is_not_shared_is_not_found_and_the_agent_is_told_what_to_do() {
    let server = server().await;
    let agent = connected(&server).await;
    let under = json!({"title": "a", "parent": {"type": "page", "id": WIKI}});
    for (tool, arguments) in
        [("notion_get_page", json!({"page_id": WIKI})), ("notion_create_page", under)]
    {
        let hidden = agent.call(tool, arguments).await;
        assert_eq!(hidden.body["error"]["kind"], "not_found", "{hidden:?}");
        let message = hidden.body["error"]["message"].as_str().unwrap();
        assert!(message.contains("not shared with this connection"), "{message}");
    }
    assert_eq!(requests(&server, "pages/{id}/markdown"), 0, "the first answer was enough");
}

#[tokio::test]
async fn an_error_of_the_second_request_is_the_calls_and_a_passing_one_is_got_over() {
    let server = server().await;
    let agent = connected(&server).await;
    let read = async || agent.call("notion_get_page", json!({"page_id": HANDBOOK})).await;
    let inject = |fault, times| {
        server.notion().inject("pages/{id}/markdown", fault, times).expect("a fault");
    };
    inject(Fault::Refused("validation_error".to_owned()), Times::Next(1));
    assert_eq!(read().await.body["error"]["kind"], "provider_rejected");
    inject(Fault::HugeBody(5 * 1024 * 1024), Times::Next(1));
    assert_eq!(read().await.body["error"]["kind"], "response_too_large");
    inject(Fault::RateLimited { retry_after_s: 60 }, Times::Next(1));
    let throttled = read().await;
    assert_eq!(throttled.body["error"]["kind"], "rate_limited");
    let before = requests(&server, "pages/{id}");
    inject(Fault::Refused("service_unavailable".to_owned()), Times::Next(1));
    assert_eq!(read().await.outcome(), "completed");
    assert_eq!(requests(&server, "pages/{id}"), before + 2, "both are sent once more");
}

#[tokio::test]
async fn a_page_whose_making_is_not_answered_is_not_made_twice() {
    let server = server().await;
    let agent = connected(&server).await;
    server.notion().inject("pages", Fault::DropAnswer, Times::Next(1)).expect("a fault");
    let lost = agent.call("notion_create_page", json!({"title": "Once"})).await;
    assert_eq!(lost.body["error"]["kind"], "outcome_unknown", "{lost:?}");
    let found = agent.call("notion_search", json!({"query": "once"})).await;
    assert_eq!(titles(&found), ["Once"]);
}

#[tokio::test]
async fn a_search_is_repeated_though_it_is_a_post() {
    let server = server().await;
    let agent = connected(&server).await;
    server.notion().inject("search", Fault::Status(503), Times::Next(1)).expect("a fault");
    assert_eq!(everything(&agent).await.outcome(), "completed");
}

#[tokio::test]
async fn a_dead_token_leads_to_a_new_prompt_and_reconnecting_keeps_the_connection() {
    let server = server().await;
    let agent = connected(&server).await;
    let first = agent.get("/v1/connections").await.body["data"][0]["id"].clone();
    assert_eq!(server.notion().revoke(&TokenSelector::default()), 1);
    let asked = everything(&agent).await;
    assert_eq!(asked.outcome(), "auth_required", "{asked:?}");
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
    let ended = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(ended.outcome(), "completed", "{ended:?}");
    assert_eq!(everything(&agent).await.outcome(), "completed");
    let connections = agent.get("/v1/connections").await.body["data"].clone();
    assert_eq!(connections.as_array().unwrap().len(), 1);
    assert_eq!(connections[0]["id"], first);
}

#[tokio::test]
async fn cancelling_connects_nothing() {
    let server = server().await;
    let agent = server.agent("alice");
    let asked = everything(&agent).await;
    let page = server.browser().connect(asked.link(), "Cancel").await;
    assert_eq!(page.outcome(), "declined", "{page:?}");
    assert_eq!(server.notion().grants(), []);
}

#[tokio::test]
async fn disconnecting_ends_both_tokens_at_notion() {
    let server = server().await;
    let agent = connected(&server).await;
    let before = server.notion().grants().remove(0);
    assert_eq!((before.live_access_tokens, before.live_refresh_tokens), (1, 1));
    let id = agent.get("/v1/connections").await.body["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(agent.delete(&format!("/v1/connections/{id}")).await.status, 204);
    assert_eq!(requests(&server, "oauth/revoke"), 2);
    let after = server.notion().grants().remove(0);
    assert_eq!((after.live_access_tokens, after.live_refresh_tokens), (0, 0));
    assert_eq!(everything(&agent).await.outcome(), "auth_required");
}
