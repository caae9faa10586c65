//! OAuth providers as simple as can be, that keep count: an honest one whose users have consented
//! long ago, and an evil one that sends browsers on to another's.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard},
};

use astralform_domain::{EnvironmentSettings, VerifyEndUser};
use astralform_testkit::{Browser, CHECK_CODE, Setup, TestServer, with_parameter};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};
use url::Url;

/// The tool of `notes`.
pub(crate) const NOTES: &str = "notes_list";
/// Where browsers go in the end.
pub(crate) const RETURN: &str = "https://app.example.com/connected";

pub(crate) type Parameters = HashMap<String, String>;

/// A provider on a free port. Dropping it ends it.
pub(crate) struct Provider {
    pub(crate) base: Url,
    seen: Seen,
    serving: JoinHandle<()>,
}

/// What reached a provider, and what it gave.
#[derive(Clone)]
struct Seen {
    book: Arc<Mutex<Book>>,
    /// How many codes came to the token endpoint.
    exchanges: watch::Sender<usize>,
    /// Whether the token endpoint keeps its answers back.
    held: watch::Sender<bool>,
}

#[derive(Default)]
struct Book {
    asked: usize,
    codes: Vec<String>,
    live: BTreeSet<String>,
    account: String,
    /// What the token endpoint says besides the token.
    also: Value,
}

/// What an honest provider knows of us, and says of itself.
#[derive(Clone, Default)]
pub(crate) struct Honest {
    /// The redirect URIs of our app, exactly.
    pub(crate) redirect_uris: Arc<Mutex<Vec<String>>>,
    /// The `iss` of its answers.
    pub(crate) issuer: Option<String>,
}

impl Provider {
    pub(crate) async fn honest(honest: Honest) -> Self {
        Self::start(move |asked| honest.answer(asked)).await
    }

    /// Returns an honest one, and how a test wants its server to have it as the only connector,
    /// `notes`.
    pub(crate) async fn with_setup(verify_end_user: VerifyEndUser) -> (Self, Honest, Setup) {
        let honest = Honest::default();
        let provider = Self::honest(honest.clone()).await;
        let yaml = provider.yaml("notes", None);
        let settings = EnvironmentSettings {
            verify_end_user,
            return_urls: vec![RETURN.to_owned()],
            allowed_origins: Vec::new(),
        };
        let connector = Some((yaml, "notes".to_owned(), "CANARY-notes".to_owned()));
        let setup = Setup { connector, settings: Some(settings), ..Setup::default() };
        (provider, honest, setup)
    }

    /// Returns one that sends every browser on, to where `leads` says.
    pub(crate) async fn evil(
        leads: impl Fn(&Parameters) -> Url + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |asked| Redirect::to(leads(asked).as_str()).into_response()).await
    }

    async fn start(
        consent: impl Fn(&Parameters) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let exchanges = watch::Sender::new(0);
        let held = watch::Sender::new(false);
        let seen = Seen { book: Arc::default(), exchanges, held };
        let authorize = async move |State(seen): State<Seen>, Query(asked): Query<Parameters>| {
            seen.book().asked += 1;
            consent(&asked)
        };
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/revoke", post(revoke))
            .route("/me", get(me))
            .route("/notes", get(notes))
            .with_state(seen.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, seen, serving }
    }

    /// Returns a catalogue entry of this provider.
    pub(crate) fn yaml(&self, slug: &str, issuer: Option<&str>) -> String {
        let filled = include_str!("notes.yaml")
            .replace("slug: notes", &format!("slug: {slug}"))
            .replace("name: notes_list", &format!("name: {slug}_list"))
            .replace("{authorize_url}", &self.at("authorize"))
            .replace("{token_url}", &self.at("token"))
            .replace("{revocation_url}", &self.at("revoke"))
            .replace("{api_base_url}", self.at("").trim_end_matches('/'));
        match issuer {
            Some(issuer) => filled.replace("{issuer}", issuer),
            None => filled.replace("  issuer: {issuer}\n", ""),
        }
    }

    /// Returns the addresses of this provider, in place of a catalogue entry's.
    pub(crate) fn endpoints(&self) -> Value {
        json!({
            "authorize_url": self.at("authorize"),
            "token_url": self.at("token"),
            "revoke_url": self.at("revoke"),
            "api_base_url": self.at("").trim_end_matches('/'),
        })
    }

    pub(crate) fn at(&self, path: &str) -> String {
        self.base.join(path).unwrap().into()
    }

    /// Returns how many browsers came for consent.
    pub(crate) fn asked(&self) -> usize {
        self.seen.book().asked
    }

    /// Returns the codes that reached the token endpoint.
    pub(crate) fn codes(&self) -> Vec<String> {
        self.seen.book().codes.clone()
    }

    /// Waits until so many have.
    pub(crate) async fn exchanged(&self, codes: usize) {
        let mut exchanges = self.seen.exchanges.subscribe();
        exchanges.wait_for(|seen| *seen >= codes).await.unwrap();
    }

    /// Keeps the answers of the token endpoint back, or lets them go.
    pub(crate) fn hold(&self, held: bool) {
        self.seen.held.send_replace(held);
    }

    /// Sets whose account the tokens given from here on belong to.
    pub(crate) fn sign_in(&self, account: &str) {
        account.clone_into(&mut self.seen.book().account);
    }

    /// Lets the token endpoint say more from here on, such as a `scope`.
    pub(crate) fn also_says(&self, also: Value) {
        self.seen.book().also = also;
    }

    /// Returns how many tokens it gave that nobody has revoked.
    pub(crate) fn live(&self) -> usize {
        self.seen.book().live.len()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Goes from our link to the address at which an honest provider hands the browser back to us.
pub(crate) async fn callback(browser: &Browser, link: &str) -> Url {
    let provider = sent_to(browser, link).await;
    browser.open(provider.as_str()).await.leads_to().unwrap()
}

/// Returns where a click on our link's page sends the browser.
pub(crate) async fn sent_to(browser: &Browser, link: &str) -> Url {
    let page = browser.visit(link).await;
    browser.submit(&page, "Connect").await.leads_to().unwrap()
}

impl Honest {
    /// Registers the redirect URI that the server's connectors share.
    pub(crate) fn register(&self, server: &TestServer) {
        let redirect_uri = server.app.engine().site().shared_redirect_uri();
        self.redirect_uris.lock().unwrap().push(redirect_uri);
    }

    fn answer(&self, asked: &Parameters) -> Response {
        let redirect_uri = asked.get("redirect_uri").cloned().unwrap_or_default();
        if !self.redirect_uris.lock().unwrap().contains(&redirect_uri) {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let back = with_parameter(&redirect_uri.parse().unwrap(), "code", Some("honest-code"));
        let state = asked.get("state").map(String::as_str);
        let back = with_parameter(&back, "state", state);
        Redirect::to(with_parameter(&back, "iss", self.issuer.as_deref()).as_str()).into_response()
    }
}

impl Seen {
    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }

    /// Returns the account of a live token.
    fn account(&self, headers: &HeaderMap) -> Result<String, StatusCode> {
        let bearer = headers.get("authorization").and_then(|value| value.to_str().ok());
        let token = bearer.and_then(|value| value.strip_prefix("Bearer ")).unwrap_or_default();
        let account = token.rsplit('-').next().unwrap_or_default().to_owned();
        if self.book().live.contains(token) { Ok(account) } else { Err(StatusCode::UNAUTHORIZED) }
    }
}

async fn token(
    State(seen): State<Seen>,
    Form(form): Form<Parameters>,
) -> Result<Json<Value>, StatusCode> {
    if form.get("code").is_some_and(|code| code == CHECK_CODE) {
        return Err(StatusCode::BAD_REQUEST);
    }
    let (token, also) = {
        let mut book = seen.book();
        book.codes.push(form.get("code").cloned().unwrap_or_default());
        let token = format!("CANARY-token-{}-{}", book.codes.len(), book.account);
        book.live.insert(token.clone());
        (token, book.also.clone())
    };
    seen.exchanges.send_modify(|exchanges| *exchanges += 1);
    seen.held.subscribe().wait_for(|held| !held).await.unwrap();
    let mut answer = json!({"access_token": token, "token_type": "bearer"});
    answer.as_object_mut().unwrap().extend(also.as_object().cloned().unwrap_or_default());
    Ok(Json(answer))
}

async fn revoke(State(seen): State<Seen>, Form(form): Form<Parameters>) {
    seen.book().live.remove(form.get("token").map_or("", String::as_str));
}

async fn me(State(seen): State<Seen>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    let account = seen.account(&headers)?;
    Ok(Json(json!({"id": format!("U{account}"), "name": "Somebody"})))
}

async fn notes(State(seen): State<Seen>, headers: HeaderMap) -> Result<Json<Value>, StatusCode> {
    seen.account(&headers)?;
    Ok(Json(json!({"notes": []})))
}
