//! Notion's official client takes the stand-in for Notion, and its types fit the answers.

use std::fmt::Write as _;
use std::fs;

use astralform_simulator::{Fault, Times};
use serde_json::{Value, json};

use crate::harness::{CALLBACK, Harness, encoded, text};
use crate::notion::*;
use crate::peer::{self, Peer, served};

/// Notion's official client for Node, unmodified, and the served simulator that it takes for
/// Notion.
struct OfficialClient {
    harness: Harness,
    url: String,
    peer: Peer,
}

impl OfficialClient {
    async fn start() -> Self {
        let (harness, url) = served().await;
        register(&harness, |_| {});
        let peer = Peer::start("notion-client.mjs", &format!("{url}/notion"));
        Self { harness, url, peer }
    }

    /// Returns what the client's own function returned.
    #[track_caller]
    fn call(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        let line = json!({ "call": method, "token": token, "arguments": arguments });
        let mut reply = self.peer.ask(&line);
        assert!(reply.get("answer").is_some(), "{line}: {reply}");
        reply["answer"].take()
    }

    /// Returns the error that the client threw.
    #[track_caller]
    fn refusal(&mut self, token: &str, method: &str, arguments: &Value) -> Value {
        let line = json!({ "call": method, "token": token, "arguments": arguments });
        let mut reply = self.peer.ask(&line);
        assert!(reply.get("refused").is_some(), "{line}: {reply}");
        reply["refused"].take()
    }

    /// Calls a token endpoint as the app.
    #[track_caller]
    fn oauth(&mut self, endpoint: &str, mut arguments: Value) -> Value {
        arguments["client_id"] = CLIENT.into();
        arguments["client_secret"] = SECRET.into();
        self.call("", &format!("oauth.{endpoint}"), &arguments)
    }

    /// Connects Ada, who shares these, and returns the token response.
    #[track_caller]
    fn connect(&mut self, shared: &[&str]) -> Value {
        let address = format!("{}/notion/v1/oauth/authorize?{}", self.url, encoded(&ASKED));
        let line = json!({ "authorize_url": address, "person": ADA, "shared": shared });
        let back = self.peer.ask(&line)["answer"].take();
        assert_eq!(back["state"], "a state", "{back}");
        let grant = json!({ "grant_type": "authorization_code", "code": back["code"], "redirect_uri": CALLBACK });
        self.oauth("token", grant)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_connects_refreshes_introspects_and_revokes() {
    let mut client = OfficialClient::start().await;
    let first = client.connect(&[HANDBOOK]);
    let refresh = json!({ "grant_type": "refresh_token", "refresh_token": first["refresh_token"] });
    let second = client.oauth("token", refresh);
    let old = text(&first["access_token"]);
    let new = text(&second["access_token"]);
    assert_eq!(client.refusal(&old, "users.me", &json!({}))["code"], "unauthorized");
    assert_eq!(client.call(&new, "users.me", &json!({}))["id"], second["bot_id"]);
    assert_eq!(client.oauth("introspect", json!({ "token": new }))["active"], true);
    client.oauth("revoke", json!({ "token": new }));
    assert_eq!(client.oauth("introspect", json!({ "token": new }))["active"], false);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_searches_reads_and_creates() {
    let mut client = OfficialClient::start().await;
    let token = text(&client.connect(&[HANDBOOK, ROADMAP])["access_token"]);
    let line = json!({ "items": "search", "token": token, "arguments": { "page_size": 2 } });
    let paged = client.peer.ask(&line)["answer"].take();
    let whole = client.call(&token, "search", &json!({}));
    assert_eq!(paged, whole["results"]);
    assert!(paged.as_array().unwrap().len() > 4);

    let parent = json!({ "data_source_id": ROADMAP });
    let title = json!({ "Name": { "title": [{ "text": { "content": "Made by the client" } }] } });
    let page = json!({ "parent": parent, "properties": title, "markdown": "# Hello\nWorld" });
    let made = client.call(&token, "pages.create", &page);
    let named = json!({ "page_id": made["id"] });
    assert_eq!(client.call(&token, "pages.retrieve", &named)["url"], made["url"]);
    let read = client.call(&token, "pages.retrieveMarkdown", &named);
    assert_eq!(read["markdown"], "# Hello\nWorld");
    let blocks = json!({ "block_id": made["id"] });
    let blocks = client.call(&token, "blocks.children.list", &blocks);
    assert_eq!(blocks["results"][0]["type"], "heading_1");

    let hidden = client.refusal(&token, "pages.retrieve", &json!({ "page_id": WIKI }));
    assert_eq!((&hidden["code"], &hidden["status"]), (&json!("object_not_found"), &json!(404)));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_official_client_waits_as_long_as_a_throttle_says_and_tries_again() {
    let mut client = OfficialClient::start().await;
    let token = text(&client.connect(&[HANDBOOK])["access_token"]);
    let throttle = Fault::RateLimited { retry_after_s: 1 };
    notion(&client.harness).inject("search", throttle, Times::Next(1)).unwrap();
    let line = json!({ "call": "search", "token": token, "arguments": {} });
    let reply = client.peer.ask(&line);
    assert!(reply["answer"]["results"].is_array(), "{reply}");
    assert_eq!(reply["waited"], json!([1_000]));
    let overload = Fault::Refused("service_overload".to_owned());
    notion(&client.harness).inject("search", overload, Times::Next(1)).unwrap();
    let reply = client.peer.ask(&line);
    assert!(reply["answer"]["results"].is_array(), "{reply}");
    assert_eq!(reply["waited"].as_array().unwrap().len(), 1);
}

/// Every kind of answer as a literal, so that the compiler sees what each member is.
#[tokio::test(flavor = "multi_thread")]
async fn the_answers_have_the_types_of_the_official_client() {
    let mut client = OfficialClient::start().await;
    let connected = client.connect(&[HANDBOOK, WIKI, ROADMAP]);
    let token = text(&connected["access_token"]);
    let mut answers = vec![("OauthTokenResponse", connected)];
    answers
        .push(("OauthIntrospectResponse", client.oauth("introspect", json!({ "token": token }))));
    answers.push(("OauthRevokeResponse", client.oauth("revoke", json!({ "token": "ntn_none" }))));
    answers.push(("GetSelfResponse", client.call(&token, "users.me", &json!({}))));
    let found = client.call(&token, "search", &json!({}));
    let results = found["results"].as_array().unwrap();
    for page in results.iter().filter(|found| found["object"] == "page") {
        answers.push(("PageObjectResponse", page.clone()));
        let named = json!({ "page_id": page["id"], "block_id": page["id"] });
        answers.push((
            "GetPageMarkdownResponse",
            client.call(&token, "pages.retrieveMarkdown", &named),
        ));
        let blocks = client.call(&token, "blocks.children.list", &named);
        answers.push(("ListBlockChildrenResponse", blocks.clone()));
        let blocks = blocks["results"].as_array().unwrap().clone();
        answers.extend(blocks.into_iter().map(|block| ("BlockObjectResponse", block)));
    }
    answers.push(("SearchResponse", found));
    let source = client.call(&token, "dataSources.retrieve", &json!({ "data_source_id": ROADMAP }));
    answers.push(("DataSourceObjectResponse", source));
    let title = json!({ "title": { "title": [{ "text": { "content": "Typed" } }] } });
    let page = json!({ "parent": { "workspace": true }, "properties": title });
    answers.push(("PageObjectResponse", client.call(&token, "pages.create", &page)));

    let wrong = type_check(&answers);
    assert_eq!(wrong, "", "the compiler finds no fault");
    let mut broken = answers.pop().unwrap();
    broken.1["parent"] = json!({ "type": "workspace", "workspace": "yes" });
    assert_ne!(type_check(&[broken]), "", "the compiler would find one");
}

/// Returns what the TypeScript compiler says of answers and the types that they are to have.
fn type_check(answers: &[(&str, Value)]) -> String {
    let modules = peer::folder().join("node_modules");
    let api = modules.join("@notionhq/client/build/src/api-endpoints");
    let mut code = format!("import type * as api from {};\n", json!(api));
    for (kind, answer) in answers {
        // Which the types leave out of some answers.
        let mut answer = answer.clone();
        answer.as_object_mut().expect("an object").remove("request_id");
        let check = format!("(<V extends api.{kind}>(answer: V) => answer)");
        writeln!(code, "{check}({answer});").expect("a string takes every write");
    }
    let folder = std::env::temp_dir().join(format!("notion-types-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(format!("answers-{}.ts", answers.len()));
    fs::write(&file, code).expect("a file");
    let mut tsc = peer::node();
    tsc.arg(modules.join("typescript/bin/tsc")).arg(&file);
    tsc.args(["--noEmit", "--strict", "--skipLibCheck", "--ignoreConfig", "--types", ""]);
    let output = tsc.output().expect("the compiler runs");
    fs::remove_dir_all(&folder).expect("the folder");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}
