use astralform_domain::{AdminAccess, Email, Role};
use astralform_management::{
    Management,
    admin_tokens::{NewAdminToken, WantedToken},
};
use astralform_storage::members::{self, Member};
use astralform_testkit::{Agent, PNG, Receiver, Reply, TestServer};
use serde_json::{Value, json};

use super::rows::Who;

/// A server with one of each thing in our project, and its twin in another one.
pub(super) struct World {
    pub(super) server: TestServer,
    pub(super) project: String,
    /// Somebody who owns the other project.
    pub(super) stranger: Agent,
    ours: Things,
    theirs: Things,
    team: String,
    own_token: String,
    digest: String,
    /// A member of our team, the one whose own things are looked at.
    me: Member,
    receiver: Receiver,
}

/// The ids of one of each thing of a project.
struct Things {
    agent: String,
    api_key: String,
    webhook: String,
    connection: String,
    call: String,
    auth_request: String,
    shared_request: String,
    /// What the provider calls the account.
    account: String,
}

impl World {
    pub(super) async fn new() -> Self {
        let server = TestServer::start().await;
        let receiver = Receiver::start().await;
        let management = server.app.management();
        let made = management.provisioning.provision("Strangers", "Strange").await.unwrap();
        let email = "stranger@example.com".parse().unwrap();
        let token = management.provisioning.create_owner(made.team, &email).await.unwrap();
        let stranger = server.agent_with_key(token.expose(), "alice").naming(None);
        let theirs = things(&server, &stranger, &made.project.to_string(), &receiver).await;
        let project = server.tenant.project.to_string();
        let ours = things(&server, &server.admin(), &project, &receiver).await;
        let team = server.admin().get("/v1/me").await.body["teams"][0]["id"].clone();
        let copy = format!("/v1/projects/{project}/environments/test/copy?from=live");
        let digest = server.admin().get(&copy).await.body["digest"].clone();
        let me = add_member(&server, &team, Role::Member).await;
        let own = WantedToken::unlimited("Own");
        let own = management.admin_tokens.create_as_operator(&me, own).await.unwrap();
        Self {
            project,
            stranger,
            ours,
            theirs,
            team: team.as_str().unwrap().to_owned(),
            own_token: own.id.to_string(),
            digest: digest.as_str().unwrap().to_owned(),
            me,
            receiver,
            server,
        }
    }

    /// Returns a text with the world's ids in place of their names.
    pub(super) fn filled(&self, text: &str) -> String {
        let named = [
            ("{project}", self.project.as_str()),
            ("{environment}", "test"),
            ("{slug}", "slack"),
            ("{end_user}", "alice"),
            ("{name}", "slack_list_channels"),
            ("{writer}", &self.ours.agent),
            ("{api_key}", &self.ours.api_key),
            ("{webhook}", &self.ours.webhook),
            ("{connection}", &self.ours.connection),
            ("{call}", &self.ours.call),
            ("{auth_request}", &self.ours.auth_request),
            ("{shared_request}", &self.ours.shared_request),
            ("{own_token}", &self.own_token),
            ("{team}", &self.team),
            ("{digest}", &self.digest),
            ("{receiver}", &self.receiver.url),
            ("{picture}", PNG),
        ];
        named.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Returns ids of ours, each with that of the same kind that is not ours.
    pub(super) fn twins(&self) -> Vec<(String, String)> {
        let Self { ours, theirs, .. } = self;
        [
            (&ours.agent, &theirs.agent),
            (&ours.api_key, &theirs.api_key),
            (&ours.webhook, &theirs.webhook),
            (&ours.connection, &theirs.connection),
            (&ours.call, &theirs.call),
            (&ours.auth_request, &theirs.auth_request),
            (&ours.shared_request, &theirs.shared_request),
        ]
        .map(|(ours, theirs)| (ours.clone(), theirs.clone()))
        .into()
    }

    /// Returns somebody who may do it, with the lowest role and access that does.
    pub(super) async fn rightful(&self, who: Who) -> Agent {
        match who {
            Who::Anybody => self.server.agent_with_key("", "alice").naming(None),
            Who::Caller | Who::Backend => self.server.agent("alice"),
            Who::Member(role, access) => self.member(role, access).await,
            Who::Self_(access) => self.token_of(&self.me, access).await,
        }
    }

    /// Returns another member of our team.
    pub(super) async fn member(&self, role: Role, access: AdminAccess) -> Agent {
        let member = add_member(&self.server, &json!(self.team), role).await;
        self.token_of(&member, access).await
    }

    async fn token_of(&self, member: &Member, access: AdminAccess) -> Agent {
        let made = self.make_token(member, access).await;
        self.server.agent_with_key(made.secret.expose(), "alice").naming(None)
    }

    async fn make_token(&self, member: &Member, access: AdminAccess) -> NewAdminToken {
        let wanted = WantedToken { access, ..WantedToken::unlimited("Test") };
        let tokens = &self.server.app.management().admin_tokens;
        tokens.create_as_operator(member, wanted).await.unwrap()
    }

    pub(super) async fn session(&self, end_user: &str) -> Agent {
        let wanted = json!({"end_user_id": end_user});
        let opened = self.server.backend().post("/v1/sessions", wanted).await;
        let token = opened.body["token"].as_str().unwrap().to_owned();
        self.server.agent_with_key(&token, end_user).naming(None)
    }

    /// Returns those whose credential opens no management.
    pub(super) async fn without_admin_token(&self) -> Vec<(&'static str, Agent)> {
        let ended = self.make_token(&self.me, AdminAccess::Write).await;
        let db = &self.server.db;
        astralform_management::admin_tokens::revoke_as_operator(db, ended.id, None).await.unwrap();
        let with = |token: &str| self.server.agent_with_key(token, "alice").naming(None);
        vec![
            ("nobody", with("")),
            ("a revoked token", with(ended.secret.expose())),
            ("a backend", self.server.backend()),
            ("a session", self.session("alice").await),
        ]
    }

    /// Returns those whose credential opens no runtime API.
    pub(super) async fn without_runtime_token(&self) -> Vec<(&'static str, Agent)> {
        let ended = self.new_key(json!({"environment": "test", "name": "Ended"})).await;
        let path = format!("/v1/projects/{}/api-keys/{}", self.project, text(&ended["id"]));
        assert_eq!(self.server.admin().delete(&path).await.status, 204);
        let with = |token: &str| self.server.agent_with_key(token, "alice");
        vec![
            ("nobody", with("")),
            ("a revoked key", with(text(&ended["api_key"]))),
            ("a member", self.server.admin()),
        ]
    }

    /// Returns callers whose credential is good, for something else.
    pub(super) async fn other_callers(&self) -> Vec<(&'static str, Agent)> {
        let foreign = self.server.foreign_key().await;
        let live = self.new_key(json!({"environment": "live", "name": "Live"})).await;
        let idle = json!({"name": "idle"});
        let agents = format!("/v1/projects/{}/agents", self.project);
        assert_eq!(self.server.admin().post(&agents, idle).await.status, 201);
        let bound = json!({"environment": "test", "name": "Idle", "agent": "idle"});
        let bound = self.new_key(bound).await;
        let limited = json!({"environment": "test", "name": "Notes", "connectors": ["notion"]});
        let limited = self.new_key(limited).await;
        vec![
            ("another project", self.server.agent_with_key(&foreign, "alice")),
            ("another environment", self.server.agent_with_key(text(&live["api_key"]), "alice")),
            ("another end user", self.server.agent("bob")),
            ("another end user's session", self.session("bob").await),
            ("another agent", self.server.agent_with_key(text(&bound["api_key"]), "alice")),
            ("another connector", self.server.agent_with_key(text(&limited["api_key"]), "alice")),
        ]
    }

    async fn new_key(&self, wanted: Value) -> Value {
        let path = format!("/v1/projects/{}/api-keys", self.project);
        let made = self.server.admin().post(&path, wanted).await;
        assert_eq!(made.status, 201, "{made:?}");
        made.body
    }

    /// Checks that an answer names nothing of ours.
    pub(super) fn reveals_nothing(&self, whom: &str, reply: &Reply) {
        let said = reply.body.to_string();
        let Things { agent, api_key, webhook, connection, auth_request, .. } = &self.ours;
        let Things { shared_request, account, call, .. } = &self.ours;
        let prompts = [auth_request, shared_request];
        let others = [agent, api_key, webhook, connection, account, call, &self.project];
        for ours in prompts.into_iter().chain(others) {
            assert!(!said.contains(ours.as_str()), "{whom} learns of {ours}: {said}");
        }
    }

    /// Returns what there is of ours, but for keys and sessions that the tests make themselves.
    pub(super) async fn state(&self) -> Value {
        let admin = self.server.admin();
        let mut state = Vec::new();
        for part in [
            "",
            "/connectors",
            "/connections?environment=test",
            "/webhooks?environment=test",
            "/environments/test",
            "/environments/live",
            "/revocations?environment=test",
        ] {
            state.push(admin.get(&format!("/v1/projects/{}{part}", self.project)).await.body);
        }
        let things = &self.ours;
        for one in [format!("agents/{}", things.agent), format!("api-keys/{}", things.api_key)] {
            state.push(admin.get(&format!("/v1/projects/{}/{one}", self.project)).await.body);
        }
        let own = self.token_of(&self.me, AdminAccess::Read).await.get("/v1/me/admin-tokens").await;
        let own = own.body["data"].as_array().unwrap().iter();
        let own = own.filter(|token| token["id"] == self.own_token.as_str());
        state.extend(own.cloned());
        state.push(admin.get("/v1/projects").await.body);
        Value::Array(state)
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Makes one of each thing in a project.
async fn things(server: &TestServer, owner: &Agent, project: &str, receiver: &Receiver) -> Things {
    let at = |rest: &str| format!("/v1/projects/{project}/{rest}");
    let made = |reply: Reply, status: u16| {
        assert_eq!(reply.status, status, "{reply:?}");
        reply.body
    };
    let slack = json!({"connector": "slack", "environment": "test", "sandbox": true});
    owner.post(&at("connectors"), slack).await;
    let agent = json!({"name": "writer", "connectors": [{"connector": "slack"}]});
    let agent = made(owner.post(&at("agents"), agent).await, 201);
    let key = json!({"environment": "test", "name": "Backend"});
    let key = made(owner.post(&at("api-keys"), key).await, 201);
    let webhook = json!({"url": receiver.url});
    let webhook = made(owner.post(&at("webhooks?environment=test"), webhook).await, 201);
    let alice = server.agent_with_key(text(&key["api_key"]), "alice");
    let asked = alice.call("slack_list_channels", json!({})).await;
    let page = server.browser().connect(asked.link(), "Allow").await;
    assert_eq!(page.outcome(), "completed", "{page:?}");
    let ended = alice.get(&format!("/v1/auth-requests/{}", asked.auth_request())).await;
    let connection = ended.connection().to_owned();
    let seen = alice.get(&format!("/v1/connections/{connection}")).await.body;
    let called = alice.call("slack_list_channels", json!({})).await.body;
    server.write_calls().await;
    let share = at("connectors/slack/shared-connection?environment=test");
    let shared = made(owner.post(&share, json!({})).await, 200);
    Things {
        shared_request: text(&shared["id"]).to_owned(),
        agent: text(&agent["id"]).to_owned(),
        api_key: text(&key["id"]).to_owned(),
        webhook: text(&webhook["webhook"]["id"]).to_owned(),
        connection,
        call: text(&called["call_id"]).to_owned(),
        auth_request: asked.auth_request().to_owned(),
        account: text(&seen["account"]["label"]).to_owned(),
    }
}

/// Adds a member to a team.
async fn add_member(server: &TestServer, team: &Value, role: Role) -> Member {
    let management: &Management = &server.app.management();
    let email: Email =
        format!("{}@example.com", server.app.engine().new_request_id()).parse().unwrap();
    let team = text(team).parse().unwrap();
    management.provisioning.create_member(team, &email, role).await.unwrap();
    let all = members::list(&server.db).await.unwrap();
    all.into_iter().find(|member| member.email == email).unwrap()
}
