use astralform_testkit::TestServer;
use serde_json::{Value, json};

#[tokio::test]
async fn a_project_gets_another_name_which_end_users_see_on_its_pages() {
    let server = TestServer::start().await;
    let project = server.project("");
    let admin = server.admin();
    let renamed = admin.patch(&project, json!({"name": " Acme Assistant "})).await;
    assert_eq!((renamed.status, &renamed.body["name"]), (200, &json!("Acme Assistant")));
    assert_eq!(renamed.body["id"], server.tenant.project.to_string());
    let unchanged = admin.patch(&project, json!({})).await;
    assert_eq!((unchanged.status, &unchanged.body), (200, &renamed.body));
    let listed = admin.get("/v1/projects").await;
    let names: Vec<&Value> =
        listed.body["data"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["Acme Assistant"]);
    let asked = server.agent("alice").call("slack_list_channels", json!({})).await;
    let page = reqwest::get(asked.link()).await.unwrap().text().await.unwrap();
    assert!(page.contains("Acme Assistant"), "{page}");
}

#[tokio::test]
async fn a_name_that_cannot_be_read_and_whoever_may_not_rename_is_refused() {
    let server = TestServer::start().await;
    let project = server.project("");
    for name in [json!(""), json!(" "), json!("x".repeat(101)), json!("a\nb"), json!(7)] {
        let refused = server.admin().patch(&project, json!({"name": name})).await;
        assert!(matches!(refused.status, 400 | 422), "{name}: {refused:?}");
    }
    let unknown = server.admin().patch(&project, json!({"title": "x"})).await;
    assert!(matches!(unknown.status, 400 | 422), "{unknown:?}");
    let member = server.member("member").await;
    let refused = member.patch(&project, json!({"name": "Mine"})).await;
    assert_eq!((refused.status, refused.code()), (403, "admins_only"));
    let admin = server.member("admin").await;
    assert_eq!(admin.patch(&project, json!({"name": "Ours"})).await.status, 200);
    let key = server.backend().patch(&project, json!({"name": "Mine"})).await;
    assert_eq!(key.status, 401);
    let other = server
        .app
        .management()
        .provisioning
        .provision("Other team", "Other project")
        .await
        .unwrap();
    let eve = server
        .app
        .management()
        .provisioning
        .create_owner(other.team, &"eve@example.com".parse().unwrap())
        .await
        .unwrap();
    let eve = server.agent_with_key(eve.expose(), "nobody").naming(None);
    let refused = eve.patch(&project, json!({"name": "Mine"})).await;
    assert_eq!(refused.status, 404, "{refused:?}");
    let listed = server.admin().get("/v1/projects").await;
    assert_eq!(listed.body["data"][0]["name"], "Ours");
}
