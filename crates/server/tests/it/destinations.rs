//! Secrets and tokens go to the hosts they were entered or granted for, whatever a row says.

use astralform_domain::{
    Actor, Connection, Endpoints, Environment, HostSet, Owner, ProjectConnector,
};
use astralform_storage::{connections, project_connectors};
use astralform_testkit::{Reply, TestServer};
use serde_json::{Value, json};

use crate::recorder::{CLIENT, Provider, TOOL};

const SECRET: &str = "CANARY-notes-secret-two";

/// A connected account, and a host that nothing may reach unless its administrator says so.
struct World {
    provider: Provider,
    canary: Provider,
    server: TestServer,
}

async fn world() -> World {
    let provider = Provider::start().await;
    let canary = Provider::start().await;
    let server = provider.server(Environment::Test).await;
    server.connect("alice", TOOL).await;
    World { provider, canary, server }
}

impl World {
    /// Returns addresses of the canary, but for the page that browsers open.
    fn endpoints(&self) -> Endpoints {
        let at = |path| Some(self.canary.at(path));
        let token_url = at("token");
        let revoke_url = at("revoke");
        let api_base_url = at("api");
        Endpoints { authorize_url: None, token_url, revoke_url, api_base_url }
    }

    fn hosts(&self) -> HostSet {
        std::iter::once(self.canary.at("").trim_end_matches('/')).map(ToOwned::to_owned).collect()
    }

    async fn change(&self, change: Value) -> Reply {
        self.server.admin().patch(&self.server.managed(""), change).await
    }

    async fn call(&self, end_user: &str) -> Reply {
        self.server.agent(end_user).call(TOOL, json!({})).await
    }

    async fn edit(&self, edit: Edit) {
        let server = &self.server;
        let found = project_connectors::find(&server.db, server.tenant, server.connector);
        let mut row = found.await.unwrap().unwrap();
        let alice = Owner::EndUser("alice".parse().unwrap());
        let found = connections::serving(&server.db, server.tenant, row.id, &alice);
        let mut connection = found.await.unwrap().remove(0);
        edit(self, &mut row, &mut connection);
        let mut tx = server.db.begin(Actor::Product).await.unwrap();
        project_connectors::update(&mut tx, &row).await.unwrap();
        connections::update(&mut tx, &connection).await.unwrap();
        tx.commit().await.unwrap();
    }
}

type Edit = fn(&World, &mut ProjectConnector, &mut Connection);

fn endpoints(world: &World, row: &mut ProjectConnector, _: &mut Connection) {
    row.endpoints = world.endpoints();
}

fn hosts(world: &World, row: &mut ProjectConnector, _: &mut Connection) {
    row.hosts = world.hosts();
}

fn both(world: &World, row: &mut ProjectConnector, _: &mut Connection) {
    (row.endpoints, row.hosts) = (world.endpoints(), world.hosts());
}

fn all(world: &World, row: &mut ProjectConnector, connection: &mut Connection) {
    (row.endpoints, row.hosts) = (world.endpoints(), world.hosts());
    connection.hosts = world.hosts();
}

fn client_id(_: &World, row: &mut ProjectConnector, _: &mut Connection) {
    "attackers-app".clone_into(&mut row.client.as_mut().unwrap().id);
}

#[tokio::test]
async fn v2_other_endpoints_demand_the_secret_again_and_a_new_consent() {
    let world = world().await;
    let redirect_uri =
        json!(world.server.base.join("/v1/connectors/oauth/callback").unwrap().as_str());
    let moved = |rest: Value| {
        let mut change = json!({"endpoints": world.endpoints()});
        change.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        change
    };
    let refused = world.change(moved(json!({}))).await;
    assert_eq!((refused.status, refused.code()), (422, "credentials_required"));
    assert_eq!(world.canary.requests().len(), 0);

    let secret = json!({"credentials": {"client_secret": CLIENT.1}});
    let unconfirmed = world.change(moved(secret.clone())).await;
    assert_eq!((unconfirmed.status, unconfirmed.code()), (409, "confirmation_required"));
    assert_eq!(world.call("alice").await.outcome(), "completed", "nothing has changed");
    let mut confirmed = secret;
    confirmed["confirm_reconnects"] = json!(1);
    let changed = world.change(moved(confirmed)).await;
    assert_eq!((changed.status, &changed.body["connections"]["needs_reauth"]), (200, &json!(1)));
    assert_ne!(changed.body["redirect_uri"], redirect_uri, "codes come to an address of its own");

    let asked = world.call("alice").await;
    assert_eq!(asked.body["auth_request"]["reason"], "needs_reauth");
    let heard = format!("{:?}", world.canary.requests());
    assert!(!heard.contains("notes-token"), "a token of the other place: {heard}");
    world.server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(world.call("alice").await.outcome(), "completed");
    assert_eq!(world.canary.paid_with(), ["Bearer notes-token-1"]);
}

#[tokio::test]
async fn v2_a_row_edited_in_the_database_sends_nothing_to_the_new_host() {
    let edits: [(&str, Edit); 5] = [
        ("endpoints", endpoints),
        ("hosts", hosts),
        ("both", both),
        ("all", all),
        ("client_id", client_id),
    ];
    for (name, edit) in edits {
        let world = world().await;
        let (server, admin) = (&world.server, world.server.admin());
        let browser = server.browser();
        let callback = browser.callback(world.call("bob").await.link(), "Allow").await;
        let before = world.provider.paid_with().len();
        world.edit(edit).await;

        let called = world.call("alice").await;
        let checked = admin.post(&server.managed("/check"), json!({})).await;
        let page = browser.visit(callback.as_str()).await;
        assert_ne!(page.outcome(), "completed", "{name}");
        let asked = world.call("carol").await;
        if asked.outcome() == "auth_required" {
            let page = server.browser().connect(asked.link(), "Allow").await;
            assert_ne!(page.outcome(), "completed", "{name}");
        }
        if name != "client_id" {
            assert_ne!(called.outcome(), "completed", "{name}");
            assert_ne!(checked.status, 200, "{name}: {checked:?}");
            assert_eq!(world.provider.paid_with().len(), before, "{name}");
        }
        assert_eq!(admin.delete(&server.managed("")).await.status, 200, "{name}");
        server.app.engine().revocations.work_off_all().await.unwrap();
        let heard = world.canary.requests();
        assert!(heard.is_empty(), "{name}: {heard:?}");
    }
}

#[tokio::test]
async fn v2_a_secret_entered_after_an_edit_goes_where_its_owner_says() {
    let edits: [Edit; 3] = [endpoints, both, all];
    for edit in edits {
        let world = world().await;
        world.edit(edit).await;
        world.provider.take_only((CLIENT.0, SECRET));
        let mut change = json!({"credentials": {"client_secret": SECRET}});
        let refused = world.change(change.clone()).await;
        assert_eq!((refused.status, refused.code()), (422, "endpoints_required"), "{refused:?}");

        change["endpoints"] = json!({});
        change["confirm_reconnects"] = json!(1);
        let changed = world.change(change).await;
        assert_eq!((changed.status, &changed.body["status"]), (200, &json!("ready")));
        world.server.connect("bob", TOOL).await;
        assert_eq!(world.canary.requests().len(), 0);
    }
}

#[tokio::test]
async fn v2_where_the_endpoints_are_as_entered_a_new_secret_needs_no_more() {
    let world = world().await;
    let endpoints = world.endpoints();
    let secret = json!({"client_secret": CLIENT.1});
    let moved = json!({"endpoints": endpoints, "credentials": secret, "confirm_reconnects": 1});
    assert_eq!(world.change(moved).await.status, 200);
    world.canary.take_only((CLIENT.0, SECRET));
    let changed = world.change(json!({"credentials": {"client_secret": SECRET}})).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    world.server.connect("bob", TOOL).await;
}

#[tokio::test]
async fn a_secret_entered_again_heals_a_connector_whose_hosts_changed() {
    let world = world().await;
    world.edit(hosts).await;
    let shown = world.server.admin().get(&world.server.managed("")).await;
    assert_eq!(shown.body["status"], "misconfigured");
    let again = json!({"credentials": {"client_secret": CLIENT.1}, "confirm_reconnects": 1});
    assert_eq!(world.change(again).await.body["status"], "ready");
    world.server.connect("bob", TOOL).await;
}
