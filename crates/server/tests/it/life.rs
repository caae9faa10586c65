//! What becomes of connections over their lives, whatever happens in whatever order: seeded
//! sequences of events, each held against a model that says how things stand and what the next
//! call answers. `ASTRALFORM_LIFE_SEQUENCES` makes it longer.

mod model;

use std::{
    collections::VecDeque,
    time::{Duration, Instant},
};

use astralform_domain::{Clock, Timestamp};
use astralform_simulator::hostile::Temper;
use astralform_testkit::{HostileProvider, Reply, TestServer, told};
use serde_json::json;
use tokio::task::JoinSet;

use model::{ACCOUNTS, Answer, Event, Model, Seeded};

const SEQUENCES: u64 = 200;
const EVENTS: usize = 12;
/// Each has a server of its own.
const WORKERS: u64 = 4;

struct World {
    server: TestServer,
    provider: HostileProvider,
    clock: Clock,
    apps: usize,
}

#[tokio::test]
async fn a_connection_is_at_every_moment_what_the_model_of_its_life_says() {
    let sequences =
        told("ASTRALFORM_LIFE_SEQUENCES").map_or(SEQUENCES, |text| text.parse().unwrap());
    let mut workers = JoinSet::new();
    for first in 0..WORKERS {
        workers.spawn(async move {
            let mut world = World::new().await;
            for seed in (first..sequences).step_by(usize::try_from(WORKERS).unwrap()) {
                world.live(seed).await;
            }
        });
    }
    workers.join_all().await;
}

impl World {
    async fn new() -> Self {
        let clock = Clock::manual(Timestamp::from_secs(1_800_000_000));
        let provider = HostileProvider::start(&clock, Temper::default()).await;
        let server = TestServer::with(provider.setup(&clock)).await;
        let redirect_uri = server.app.engine().site().shared_redirect_uri();
        provider.hostile.allow_redirect(&redirect_uri);
        Self { server, provider, clock, apps: 0 }
    }

    /// Lives one sequence through, as an end user of its own.
    async fn live(&mut self, seed: u64) {
        let mut chance = Seeded::new(seed);
        let mut model = Model::default();
        let mut lived = VecDeque::new();
        let end_user = format!("user-{seed}");
        for _ in 0..EVENTS {
            let event = model.event(&mut chance);
            lived.push_back(event);
            let context = format!("seed {seed}: {lived:?}");
            self.happens(&end_user, event, &mut model, &context).await;
            self.stands(&end_user, &model, &context).await;
        }
        // The next one begins with a connector that is enabled.
        self.happens(&end_user, Event::Disable, &mut model, "the end").await;
        self.happens(&end_user, Event::Enable, &mut model, "the end").await;
        self.provider.hostile.calm();
    }

    async fn happens(&mut self, end_user: &str, event: Event, model: &mut Model, context: &str) {
        match event {
            Event::Call(at) => {
                let expected = model.call(at);
                let answer = self.call(end_user, model.id(at)).await;
                assert_eq!(answer, expected, "{context}");
            }
            Event::Expire => self.clock.advance(Duration::from_hours(2)),
            Event::EndAccess => {
                self.provider.hostile.expire_all();
                // A provider is asked about a refused token once a minute at most.
                self.clock.advance(Duration::from_mins(1));
            }
            Event::Revoke(at) => {
                self.provider.hostile.revoke(&account(end_user, at));
            }
            Event::Befalls(trouble) => self.provider.hostile.trouble(trouble),
            Event::Connect(at) => {
                let known = model.id(at).map(ToOwned::to_owned);
                model.looked_at(at);
                let id = self.connects(end_user, at, known.as_deref(), "completed", context).await;
                model.connected(at, id);
            }
            Event::ConnectAnother(at) => {
                self.connects_another(end_user, model.id(at).unwrap(), context).await;
            }
            Event::Disconnect(at) => {
                let path = format!("/v1/connections/{}", model.id(at).unwrap());
                let deleted = self.server.agent(end_user).delete(&path).await;
                assert_eq!(deleted.status, 204, "{context}: {deleted:?}");
            }
            Event::Pause => self.server.set_enabled(false).await,
            Event::Resume => self.server.set_enabled(true).await,
            Event::Disable => self.disable(context).await,
            Event::Enable => self.enable().await,
            Event::ReplaceApp => self.replace_app(context).await,
        }
        model.happened(event);
    }

    /// Calls until the provider has been asked, where it was not to be asked for a while.
    async fn call(&self, end_user: &str, id: Option<&str>) -> Answer {
        let path = format!("/v1/tools/{}/call", HostileProvider::READ);
        let started = Instant::now();
        loop {
            let reply = self.server.agent(end_user).post(&path, json!({"connection_id": id})).await;
            let answer = answer(&reply);
            if answer != Answer::Failed || started.elapsed() > Duration::from_mins(1) {
                return answer;
            }
            assert_eq!(reply.body["error"]["retryable"], true, "{reply:?}");
            if reply.body["error"]["message"].as_str().unwrap().contains("less than a minute ago") {
                self.clock.advance(Duration::from_mins(1));
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Connects the account, and says as which connection.
    async fn connects(
        &self,
        end_user: &str,
        at: usize,
        id: Option<&str>,
        expected: &str,
        context: &str,
    ) -> String {
        self.provider.hostile.sign_in(&account(end_user, at));
        let wanted = json!({"connector": self.server.slug, "account": id.unwrap_or("new")});
        let agent = self.server.agent(end_user);
        let mut asked = agent.post("/v1/auth-requests", wanted).await;
        if asked.outcome() == "pending" {
            self.server.browser().to_provider(asked.link()).await;
            asked = self.server.ended(&asked).await;
        }
        assert_eq!(asked.outcome(), expected, "{context}: {asked:?}");
        asked.connection().to_owned()
    }

    /// Signs somebody else in when the connection is to be renewed.
    async fn connects_another(&self, end_user: &str, id: &str, context: &str) {
        let stranger = format!("{end_user}/stranger");
        self.provider.hostile.sign_in(&stranger);
        let wanted = json!({"connector": self.server.slug, "account": id});
        let asked = self.server.agent(end_user).post("/v1/auth-requests", wanted).await;
        self.server.browser().to_provider(asked.link()).await;
        let ended = self.server.ended(&asked).await;
        assert_eq!(ended.body["failure"], "other_account", "{context}: {ended:?}");
        self.all_given_back(&stranger, context).await;
        self.clock.advance(Duration::from_secs(1));
    }

    async fn disable(&self, context: &str) {
        let disabled = self.server.admin().delete(&self.server.managed("")).await;
        assert!([200, 404].contains(&disabled.status), "{context}: {disabled:?}");
    }

    async fn enable(&mut self) {
        let (id, secret) = HostileProvider::CLIENT;
        self.provider.hostile.replace_client(id, secret);
        let wanted = json!({
            "connector": self.server.slug,
            "environment": self.server.tenant.environment,
            "credentials": {"client_id": id, "client_secret": secret},
        });
        let enabled = self.server.admin().post(&self.server.project("/connectors"), wanted).await;
        assert_eq!(enabled.status, 201, "{enabled:?}");
    }

    async fn replace_app(&mut self, context: &str) {
        self.apps += 1;
        let id = format!("app-{}", self.apps);
        let secret = "CANARY-another-secret";
        self.provider.hostile.replace_client(&id, secret);
        let admin = self.server.admin();
        let path = self.server.managed("");
        let shown = admin.get(&path).await;
        let change = json!({
            "credentials": {"client_id": id, "client_secret": secret},
            "confirm_reconnects": shown.body["connections"]["active"],
        });
        let changed = admin.patch(&path, change).await;
        assert_eq!(changed.status, 200, "{context}: {changed:?}");
    }

    /// Checks that everything is as the model says.
    async fn stands(&self, end_user: &str, model: &Model, context: &str) {
        let listed = self.server.agent(end_user).get("/v1/connections").await;
        let listed = listed.body["data"].as_array().unwrap().clone();
        let mut found: Vec<_> = listed
            .iter()
            .map(|one| {
                let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
                (text("id"), text("status"), text("reason"))
            })
            .collect();
        found.sort();
        assert_eq!(found, model.listed(), "{context}");
        for at in 0..ACCOUNTS {
            if model.has_given_back(at) {
                self.all_given_back(&account(end_user, at), context).await;
            }
        }
    }

    /// Checks that nothing that an account ever granted is alive at the provider.
    async fn all_given_back(&self, account: &str, context: &str) {
        let started = Instant::now();
        loop {
            let families = self.provider.hostile.families();
            let mut own = families.iter().filter(|family| family.account == account);
            if own.all(|family| family.ended.is_some()) {
                return;
            }
            assert!(started.elapsed() < Duration::from_secs(30), "{context}: {account} is alive");
            self.server.app.engine().revocations.work_off_all().await.unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// Returns the accounts of an end user at the provider.
fn account(end_user: &str, at: usize) -> String {
    format!("{end_user}/{at}")
}

fn answer(reply: &Reply) -> Answer {
    match (reply.status, reply.outcome()) {
        (200, "completed") => Answer::Completed,
        (200, "failed") => Answer::Failed,
        (200, "auth_required") => {
            Answer::Asked(reply.body["auth_request"]["reason"].as_str().unwrap().to_owned())
        }
        (status, _) => Answer::Refused(status),
    }
}
