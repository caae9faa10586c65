//! Two providers, one of them evil: its consent page sends the browser on to the honest one's.

mod issuers;

use std::sync::{Arc, Mutex};

use astralform_testkit::{Browser, Setup, TestServer, with_parameter};
use serde_json::{Value, json};
use url::Url;

use crate::provider::{Honest, Parameters, Provider, sent_to};

const ISSUER: &str = "https://id.example.com/realms/Main";
const SHARED: &str = "/v1/connectors/oauth/callback";

struct World {
    server: TestServer,
    honest: Provider,
    evil: Provider,
    /// What the evil provider changes of the request that it sends on.
    changed: Arc<Mutex<Parameters>>,
    /// The redirect URI that the honest provider knows.
    shared: Url,
    /// The evil connector's.
    given: Url,
}

/// How the evil connector got into the project.
enum Evil {
    /// By `endpoints`, as any developer may set them.
    Endpoints,
    /// By a folder of the operator's, with an issuer of its own.
    Folder,
}

async fn world(evil_by: Evil, issuer: Option<&str>) -> World {
    let known = Honest { issuer: issuer.map(ToOwned::to_owned), ..Honest::default() };
    let honest = Provider::honest(known.clone()).await;
    let changed = Arc::<Mutex<Parameters>>::default();
    let evil =
        Provider::evil(send_on(honest.at("authorize").parse().unwrap(), Arc::clone(&changed)))
            .await;
    let (entry, endpoints) = match evil_by {
        Evil::Endpoints => (honest.yaml("evil", Some(ISSUER)), evil.endpoints()),
        Evil::Folder => (evil.yaml("evil", Some("https://evil.example.com")), json!({})),
    };
    let catalogue = vec![honest.yaml("honest", issuer), entry];
    let server = TestServer::with(Setup { catalogue, ..Setup::default() }).await;
    let shared = enable(&server, "honest", json!({})).await;
    let given = enable(&server, "evil", endpoints).await;
    known.redirect_uris.lock().unwrap().push(shared.to_string());
    World { server, honest, evil, changed, shared, given }
}

fn send_on(
    to: Url,
    changed: Arc<Mutex<Parameters>>,
) -> impl Fn(&Parameters) -> Url + Clone + Send + Sync {
    move |asked| {
        let changed = changed.lock().unwrap().clone();
        let parameters = asked.iter().filter(|(name, _)| !changed.contains_key(*name));
        let mut url = to.clone();
        url.query_pairs_mut().extend_pairs(parameters).extend_pairs(&changed);
        url
    }
}

/// Enables a connector; its redirect URI.
async fn enable(server: &TestServer, slug: &str, endpoints: Value) -> Url {
    let path = format!("/v1/projects/{}/connectors", server.tenant.project);
    let credentials = json!({"client_id": slug, "client_secret": format!("CANARY-{slug}")});
    let body = json!({
        "connector": slug,
        "environment": server.tenant.environment,
        "credentials": credentials,
        "endpoints": endpoints,
    });
    let enabled = server.admin().post(&path, body).await;
    assert_eq!(enabled.status, 201, "{enabled:?}");
    enabled.body["redirect_uri"].as_str().unwrap().parse().unwrap()
}

/// A flow that a browser has started: where it was sent, and the path of its auth request.
struct Flow {
    sent_to: Url,
    path: String,
}

async fn start(server: &TestServer, browser: &Browser, end_user: &str, slug: &str) -> Flow {
    let asked = server.agent(end_user).call(&format!("{slug}_list"), json!({})).await;
    let sent_to = sent_to(browser, asked.link()).await;
    Flow { sent_to, path: format!("/v1/auth-requests/{}", asked.auth_request()) }
}

impl Flow {
    fn state(&self) -> String {
        let mut query = self.sent_to.query_pairs();
        query.find(|(name, _)| name == "state").unwrap().1.into_owned()
    }

    /// Returns the provider's answer to it, at `redirect_uri`.
    fn answer(&self, redirect_uri: &Url) -> Url {
        let answer = with_parameter(redirect_uri, "code", Some("honest-code"));
        with_parameter(&answer, "state", Some(&self.state()))
    }
}

async fn ended(server: &TestServer, flow: &Flow) -> (String, Option<String>) {
    let reply = server.backend().get(&flow.path).await;
    (reply.outcome().to_owned(), reply.body["failure"].as_str().map(ToOwned::to_owned))
}

/// Returns every state that an evil consent page could send along: that of the flow itself, one of
/// another flow in the victim's browser, and those that the attacker has from flows of their own.
async fn states(server: &TestServer, victim: &Browser, flow: &Flow, name: &str) -> [String; 4] {
    let (attacker, theirs) = (Browser::new(), format!("{name}-attacker"));
    [
        flow.state(),
        start(server, victim, name, "honest").await.state(),
        start(server, &attacker, &theirs, "honest").await.state(),
        start(server, &attacker, &theirs, "evil").await.state(),
    ]
}

#[tokio::test]
async fn o3_a_code_lured_from_the_honest_provider_never_reaches_the_evil_one() {
    let world = world(Evil::Endpoints, None).await;
    let server = &world.server;
    let other = format!("{}/{}", world.shared, server.connector);
    let mut lured = 0;
    for (at, redirect_uri) in
        [world.shared.as_str(), world.given.as_str(), &other].iter().enumerate()
    {
        for which in 0..4 {
            let name = format!("alice-{at}-{which}");
            let victim = Browser::new();
            let flow = start(server, &victim, &name, "evil").await;
            let state = &states(server, &victim, &flow, &name).await[which];
            let lie = [("client_id", "honest"), ("redirect_uri", redirect_uri), ("state", state)];
            let lie = lie.map(|(key, value)| (key.to_owned(), value.to_owned()));
            *world.changed.lock().unwrap() = lie.into();
            let page = victim.visit(flow.sent_to.as_str()).await;
            lured += usize::from(page.url.as_str().starts_with(server.base.as_str()));
            assert_eq!(world.evil.codes(), [""; 0], "{name}: {page:?}");
            assert_ne!(ended(server, &flow).await.0, "completed", "{name}");
        }
    }
    assert_eq!((world.evil.asked(), world.honest.asked()), (12, 12), "the evil page was used");
    assert_eq!(lured, 4, "the honest provider's code came back to us");
    assert_eq!(world.honest.codes(), ["honest-code"], "the victim's own flow, which is in order");
}

#[tokio::test]
async fn o3_a_state_works_only_at_the_address_its_flow_was_given() {
    let World { server, honest, evil, shared, given, .. } = &world(Evil::Endpoints, None).await;
    assert_eq!(shared.path(), SHARED);
    assert!(given.path().starts_with(&format!("{SHARED}/pcon_")), "{given}");
    let of_another = server.base.join(&format!("{SHARED}/{}", server.connector)).unwrap();
    for (slug, right, wrong) in [("evil", given, shared), ("honest", shared, given)] {
        for wrong in [wrong, &of_another] {
            let browser = Browser::new();
            let flow = start(server, &browser, "alice", slug).await;
            let page = browser.visit(flow.answer(wrong).as_str()).await;
            assert_eq!(page.status, 400, "{wrong}");
            assert!(page.html.contains("correct the redirect URI"), "{}", page.html);
            let why = Some("redirect_uri_mismatch".to_owned());
            assert_eq!(ended(server, &flow).await, ("failed".to_owned(), why));
            let late = browser.visit(flow.answer(right).as_str()).await;
            assert_eq!(late.status, 400, "the state is used up");
        }
    }
    assert_eq!((honest.codes().len(), evil.codes().len()), (0, 0));
    for (slug, right) in [("evil", given), ("honest", shared)] {
        let browser = Browser::new();
        let flow = start(server, &browser, "alice", slug).await;
        assert_eq!(browser.visit(flow.answer(right).as_str()).await.outcome(), "completed");
    }
    assert_eq!((honest.codes().len(), evil.codes().len()), (1, 1));
}

#[tokio::test]
async fn o3_another_browser_at_the_wrong_address_ends_nobodys_request() {
    let World { server, given, .. } = &world(Evil::Endpoints, None).await;
    let flow = start(server, &Browser::new(), "alice", "honest").await;
    assert_eq!(Browser::new().visit(flow.answer(given).as_str()).await.status, 400);
    assert_eq!(ended(server, &flow).await, ("pending".to_owned(), None));
}

#[tokio::test]
async fn o3_connectors_that_share_an_address_are_told_apart_by_their_issuers() {
    for issuer in [Some(ISSUER), None] {
        let world = world(Evil::Folder, issuer).await;
        assert_eq!(world.given, world.shared);
        let browser = Browser::new();
        let flow = start(&world.server, &browser, "alice", "evil").await;
        world.changed.lock().unwrap().insert("client_id".to_owned(), "honest".to_owned());
        let page = browser.visit(flow.sent_to.as_str()).await;
        assert_eq!(page.outcome(), "failed", "{page:?}");
        let why = Some("issuer_mismatch".to_owned());
        assert_eq!(ended(&world.server, &flow).await, ("failed".to_owned(), why));
        assert_eq!((world.honest.asked(), world.evil.codes().len()), (1, 0));
    }
}
