//! Connections of members: no end user, no API key and no session sees or uses them.

use std::time::Duration;

use astralform_domain::{
    Account, Actor, AuthReason, AuthRequest, AuthRequestId, AuthRequestState, Clock, Connection,
    ConnectionId, ConnectionState, EndUserKey, Entropy, HostSet, MemberId, Owner, ScopeSet,
};
use astralform_storage::{agents, auth_requests, connections, end_users};
use astralform_testkit::TestServer;
use serde_json::{Value, json};

const TOOL: &str = "slack_list_channels";

/// A member with a connection, and a prompt for one more.
struct Own {
    member: MemberId,
    connection: ConnectionId,
    prompt: AuthRequestId,
}

async fn own(server: &TestServer) -> Own {
    let (clock, entropy) = (Clock::system(), Entropy::system());
    let member = MemberId::new(&clock, &entropy);
    let owner = Owner::Member(member);
    let agent = agents::default_of(&server.db, server.tenant.project).await.unwrap().unwrap();
    let now = server.clock.now();
    let connection = Connection {
        id: ConnectionId::new(&clock, &entropy),
        tenant: server.tenant,
        project_connector: server.connector,
        owner: owner.clone(),
        account: Account { id: "T1/U1".to_owned(), label: "Ada".to_owned() },
        label: None,
        is_default: true,
        state: ConnectionState::ACTIVE,
        scopes: ScopeSet::default(),
        hosts: HostSet::default(),
        created_at: now,
    };
    let prompt = AuthRequest {
        id: AuthRequestId::new(&clock, &entropy),
        tenant: server.tenant,
        project_connector: server.connector,
        connector: server.slug.clone(),
        owner: owner.clone(),
        agent: agent.id,
        reason: AuthReason::NotConnected,
        required_scopes: ScopeSet::default(),
        granted_scopes: ScopeSet::default(),
        renews: None,
        account_hint: None,
        return_url: None,
        state: AuthRequestState::Pending,
        expires_at: now.after(Duration::from_mins(10)),
    };
    let mut tx = server.db.begin(Actor::Product).await.unwrap();
    let fresh = EndUserKey::new(&clock, &entropy);
    let key = end_users::ensure(&mut tx, server.tenant, &owner, fresh, now).await.unwrap();
    connections::create(&mut tx, &connection, key).await.unwrap();
    auth_requests::open(&mut tx, &prompt, key, "one more", now).await.unwrap();
    tx.commit().await.unwrap();
    Own { member, connection: connection.id, prompt: prompt.id }
}

#[tokio::test]
async fn t1_what_a_member_connects_for_themselves_serves_no_end_user_and_no_key() {
    let server = TestServer::start().await;
    let own = own(&server).await;
    let named_alike = own.member.to_string();
    for end_user in ["alice", &named_alike] {
        let caller = server.agent(end_user);
        assert_eq!(caller.call(TOOL, json!({})).await.outcome(), "auth_required");
        assert_eq!(caller.get("/v1/connections").await.body["data"], json!([]));
        let one = caller.get(&format!("/v1/connections/{}", own.connection)).await;
        assert_eq!((one.status, one.code()), (404, "unknown_connection"));
    }
    let path = format!("/v1/auth-requests/{}", own.prompt);
    for caller in [server.backend(), server.agent("alice")] {
        let hidden = caller.get(&path).await;
        assert_eq!((hidden.status, hidden.code()), (404, "not_found"));
    }
    let body = json!({"end_user_id": named_alike, "confirmation": "AAAAAAAAAAAAAAAAAAAAAA"});
    let refused = server.backend().naming(None).post(&format!("{path}/confirm"), body).await;
    assert_eq!((refused.status, refused.code()), (404, "not_found"));
}

#[tokio::test]
async fn whoever_administers_sees_whose_it_is() {
    let server = TestServer::start().await;
    let own = own(&server).await;
    let listed = server.admin().get(&server.project("/connections?environment=test")).await;
    let one = &listed.body["data"][0];
    assert_eq!(one["id"], json!(own.connection));
    assert_eq!((&one["end_user_id"], &one["member_id"]), (&Value::Null, &json!(own.member)));
}
