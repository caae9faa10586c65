use std::time::Duration;

use astralform_domain::{Actor, AgentId, AssignedTools, Assignment, ConnectorSlug, Entropy};
use astralform_storage::agents::{self, Agent as StoredAgent};
use serde_json::json;

use crate::{Agent, Reply, TestServer};

/// Those who ask and those who are asked.
impl TestServer {
    /// Connects an end user's account, all the way, and says which connection it is.
    pub async fn connect(&self, end_user: &str, tool: &str) -> String {
        let asked = self.agent(end_user).call(tool, json!({})).await;
        let page = self.browser().connect(asked.link(), "Allow").await;
        assert_eq!(page.outcome(), "completed", "{page:?}");
        self.ended(&asked).await.connection().to_owned()
    }

    /// Connects one more account of an end user, a moment later, and says which connection it is.
    pub async fn add_account(&self, end_user: &str, person: &str) -> String {
        self.clock.advance(Duration::from_secs(1));
        let wanted = json!({"connector": self.slug, "account": "new"});
        let asked = self.agent(end_user).post("/v1/auth-requests", wanted).await;
        self.consent_as(person, &asked).await.connection().to_owned()
    }

    /// Consents to what was asked as somebody at the simulated Slack, and says how it ended.
    pub async fn consent_as(&self, person: &str, asked: &Reply) -> Reply {
        let browser = self.browser();
        let page = browser.to_provider(asked.link()).await.choose(person);
        browser.click(&page, "Allow").await;
        self.ended(asked).await
    }

    /// Returns what has become of an auth request.
    pub async fn ended(&self, asked: &Reply) -> Reply {
        self.backend().get(&format!("/v1/auth-requests/{}", asked.auth_request())).await
    }

    /// Returns somebody else of the project's team, who has that role in it.
    pub async fn member(&self, role: &str) -> Agent {
        let me = self.admin().get("/v1/me").await;
        let team = me.body["teams"][0]["id"].as_str().expect("a team").parse();
        let engine = self.app.engine();
        let email = format!("{}@example.com", engine.new_request_id()).parse();
        let role = role.parse().expect("a role");
        let team = team.expect("an id");
        let provisioning = &self.app.management().provisioning;
        let email = email.expect("an address");
        let token = provisioning.create_member(team, &email, role).await.expect("a member");
        self.agent_with_key(token.expose(), "nobody").naming(None)
    }

    /// Returns one more agent; without a list of connectors it may use all.
    pub async fn add_agent(&self, name: &str, connectors: Option<Vec<ConnectorSlug>>) -> AgentId {
        let all = |connector| Assignment { connector, tools: AssignedTools::All };
        let agent = StoredAgent {
            id: AgentId::new(&self.clock, &Entropy::system()),
            name: name.parse().expect("a name"),
            is_default: false,
            is_enabled: true,
            connectors: connectors.map(|slugs| slugs.into_iter().map(all).collect()),
            version: 1,
            created_at: self.clock.now(),
        };
        let mut tx = self.db.begin(Actor::Product).await.expect("a transaction");
        let made = agents::create(&mut tx, self.tenant.project, &agent).await;
        made.expect("an agent");
        tx.commit().await.expect("a commit");
        agent.id
    }
}
