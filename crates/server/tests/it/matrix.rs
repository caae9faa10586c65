//! Every operation of the API's document, and everybody who must not reach what it is about.
//!
//! Each operation has a row in [`rows::ROWS`]; one without fails. A row is tried on a server of its
//! own: first by everybody who must be refused, who learn nothing and change nothing, then by its
//! rightful owner, with the lowest role that may.

mod rows;
mod world;

use std::collections::{BTreeMap, BTreeSet};

use astralform_domain::{AdminAccess, Role};
use astralform_testkit::{Agent, Reply};
use serde_json::Value;

use rows::{PUBLIC, ROWS, Row, Who};
use world::World;

/// Returns the method and path of each operation, by its id.
fn operations() -> BTreeMap<String, (String, String)> {
    let document: Value = serde_json::from_str(&astralform_server::openapi()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let each = paths.flat_map(|(path, item)| {
        item.as_object().unwrap().iter().map(move |(method, operation)| {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            (id, (method.clone(), path.clone()))
        })
    });
    each.collect()
}

#[test]
fn t1_every_operation_has_a_row_and_the_public_ones_are_listed() {
    let documented: BTreeSet<_> = operations().into_keys().collect();
    let rows: BTreeSet<_> = ROWS.iter().map(|row| row.id.to_owned()).collect();
    assert_eq!(
        documented, rows,
        "each operation needs a row in matrix/rows.rs, and no other has one"
    );
    assert_eq!(ROWS.len(), rows.len(), "a row is there twice");
    let public: Vec<_> =
        ROWS.iter().filter(|row| row.who == Who::Anybody).map(|row| row.id).collect();
    assert_eq!(public, PUBLIC);
}

/// What a row sends, and where.
struct Request {
    method: String,
    path: String,
    body: String,
}

impl Request {
    fn of(row: &Row, world: &World) -> Self {
        let (method, template) = operations().remove(row.id).unwrap();
        let path = template.replace("{id}", row.named).replace("{agent}", "{writer}");
        let path = world.filled(&format!("{path}{}", row.query));
        assert!(!path.contains('{'), "{path} has a blank that nobody fills");
        Self { method, path, body: world.filled(row.body) }
    }

    async fn sent(&self, by: &Agent) -> Reply {
        by.send_text(&self.method, &self.path, &self.body).await
    }

    /// Returns the same request about something else.
    fn about(&self, of_ours: &str, of_others: &str) -> Self {
        let Self { method, path, body } = self;
        let path = path.replace(of_ours, of_others);
        Self { method: method.clone(), path, body: body.clone() }
    }
}

#[tokio::test]
async fn t1_nobody_reaches_what_is_not_theirs_and_everybody_what_is() {
    for row in ROWS {
        let world = World::new().await;
        let request = Request::of(row, &world);
        let before = world.state().await;
        match row.who {
            Who::Anybody => {}
            Who::Caller | Who::Backend => refuse_other_callers(row, &world, &request).await,
            Who::Member(..) | Who::Self_(_) => refuse_other_members(row, &world, &request).await,
        }
        assert_eq!(world.state().await, before, "{}: somebody changed something", row.id);
        let done = request.sent(&world.rightful(row.who).await).await;
        assert_eq!(done.status, row.success, "{}: {}", row.id, done.body);
    }
}

fn refused(row: &Row, whom: &str, reply: &Reply, status: u16, code: &str) {
    assert_eq!(
        (reply.status, reply.code()),
        (status, code),
        "{} by {whom}: {}",
        row.id,
        reply.body
    );
}

async fn refuse_other_members(row: &Row, world: &World, request: &Request) {
    for (whom, client) in world.without_admin_token().await {
        refused(row, whom, &request.sent(&client).await, 401, "unauthorized");
    }
    let is_in_project = request.path.contains(&world.project);
    if is_in_project {
        let foreign = request.sent(&world.stranger).await;
        refused(row, "another project's owner", &foreign, 404, "not_found");
        let absent = request.about(&world.project, "proj_01JAAAAAAAAAAAAAAAAAAAAAAA");
        let absent = absent.sent(&world.stranger).await;
        assert_eq!(without_id(foreign), without_id(absent), "{}: theirs is like none", row.id);
    } else {
        world.reveals_nothing(row.id, &request.sent(&world.stranger).await);
    }
    if let Who::Member(lowest, access) = row.who {
        for lower in Role::ALL.iter().copied().filter(|role| rank(*role) < rank(lowest)) {
            let client = world.member(lower, AdminAccess::Write).await;
            let code = if lowest == Role::Owner { "owners_only" } else { "admins_only" };
            refused(row, lower.as_str(), &request.sent(&client).await, 403, code);
        }
        if access == AdminAccess::Write {
            let client = world.member(Role::Owner, AdminAccess::Read).await;
            let reply = request.sent(&client).await;
            refused(row, "a token that reads", &reply, 403, "read_only_token");
        }
    }
    let owner = world.rightful(row.who).await;
    for (ours, theirs) in world.twins() {
        if request.path.contains(&ours) {
            let reply = request.about(&ours, &theirs).sent(&owner).await;
            assert_eq!(reply.status, 404, "{} of {theirs}: {}", row.id, reply.body);
        }
    }
    if row.is_of_test && request.path.contains("environment=test") {
        let reply = request.about("environment=test", "environment=live").sent(&owner).await;
        assert_eq!(reply.status, 404, "{} in live: {}", row.id, reply.body);
    }
}

async fn refuse_other_callers(row: &Row, world: &World, request: &Request) {
    for (whom, client) in world.without_runtime_token().await {
        refused(row, whom, &request.sent(&client).await, 401, "unauthorized");
    }
    for (whom, client) in world.other_callers().await {
        let calls = world.server.slack_requests("conversations.list");
        let reply = request.sent(&client).await;
        world.reveals_nothing(&format!("{} by {whom}", row.id), &reply);
        assert_ne!(reply.outcome(), "completed", "{} by {whom}", row.id);
        assert_eq!(world.server.slack_requests("conversations.list"), calls, "{}", row.id);
        if row.names_something {
            assert!(reply.status == 404 || reply.status == 403, "{} by {whom}: {reply:?}", row.id);
        }
    }
    if row.who == Who::Backend {
        let session = world.session("alice").await;
        refused(row, "the session", &request.sent(&session).await, 403, "backend_only");
    }
}

fn without_id(mut reply: Reply) -> Value {
    reply.body.as_object_mut().unwrap().remove("request_id");
    reply.body
}

fn rank(role: Role) -> u8 {
    match role {
        Role::Member => 0,
        Role::Admin => 1,
        Role::Owner => 2,
    }
}
