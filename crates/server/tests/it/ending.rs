//! A provider that does nothing but end tokens, when it is in the mood.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
};

use astralform_domain::{Environment, EnvironmentSettings, VerifyEndUser};
use astralform_http::{Limits, serve};
use astralform_testkit::{Setup, TestServer};
use axum::{
    Form, Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::{Html, IntoResponse as _, Response},
    routing::post,
};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::provider::Parameters;

/// How it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As RFC 7009 has it.
    #[default]
    Well,
    /// With 503.
    Down,
    /// With 429 and so many seconds.
    Limiting(u32),
    /// Out of order, with a page that says so and status 200.
    Page,
    /// With 400.
    Refusing,
}

/// The provider. Dropping it ends it.
pub(crate) struct Ending {
    base: String,
    book: Arc<Mutex<Book>>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Book {
    mood: Mood,
    secret: String,
    /// How often the end of each token was asked for.
    asked: BTreeMap<String, usize>,
    /// How often the end of each was confirmed.
    confirmed: BTreeMap<String, usize>,
    under_way: usize,
    most_under_way: usize,
}

pub(crate) const CLIENT: (&str, &str) = ("ending-client", "CANARY-ending-secret-one");

impl Ending {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let book = Arc::new(Mutex::new(Book { secret: CLIENT.1.to_owned(), ..Book::default() }));
        let router = Router::new()
            .route("/revoke", post(revoke))
            .route("/token", post(token))
            .with_state(Arc::clone(&book));
        let serving =
            tokio::spawn(serve(listener, router, Limits::for_tests(), std::future::pending()));
        Self { base, book, serving }
    }

    /// Returns how a test wants its server to have it as the only connector, `notes`.
    pub(crate) fn setup(&self) -> Setup {
        self.setup_of(include_str!("notes.yaml"))
    }

    /// Returns a setup where nothing is known of how it ends tokens.
    pub(crate) fn setup_without_revocation(&self) -> Setup {
        let how = "revocation:\n  style: rfc7009\n  url: {revocation_url}\n";
        self.setup_of(&include_str!("notes.yaml").replace(how, ""))
    }

    fn setup_of(&self, yaml: &str) -> Setup {
        let yaml = yaml
            .replace("  issuer: {issuer}\n", "  client_auth: body\n")
            .replace("{authorize_url}", &format!("{}/authorize", self.base))
            .replace("{token_url}", &format!("{}/token", self.base))
            .replace("{revocation_url}", &format!("{}/revoke", self.base))
            .replace("{api_base_url}", &self.base);
        let settings = EnvironmentSettings {
            verify_end_user: VerifyEndUser::Off,
            return_urls: Vec::new(),
            allowed_origins: Vec::new(),
        };
        let connector = Some((yaml, CLIENT.0.to_owned(), CLIENT.1.to_owned()));
        let environment = Environment::Test;
        Setup { environment, settings: Some(settings), connector, ..Setup::default() }
    }

    pub(crate) fn be(&self, mood: Mood) {
        self.book().mood = mood;
    }

    /// Takes our app with no other secret.
    pub(crate) fn take_only(&self, secret: &str) {
        secret.clone_into(&mut self.book().secret);
    }

    /// Returns how many requests there were.
    pub(crate) fn asked(&self) -> usize {
        self.book().asked.values().sum()
    }

    /// Returns how often the end of each token was confirmed.
    pub(crate) fn confirmed(&self) -> BTreeMap<String, usize> {
        self.book().confirmed.clone()
    }

    /// Returns how many requests were under way at the same time, at most.
    pub(crate) fn most_under_way(&self) -> usize {
        self.book().most_under_way
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap()
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Returns so many tokens, and connections of as many users that have them.
pub(crate) async fn fill(server: &TestServer, connections: usize) -> Vec<String> {
    let texts: Vec<_> = (0..connections).map(|at| format!("CANARY-ending-token-{at}")).collect();
    server.fill("default", &texts).await;
    texts
}

async fn revoke(State(book): State<Arc<Mutex<Book>>>, Form(form): Form<Parameters>) -> Response {
    {
        let mut book = book.lock().unwrap();
        book.under_way += 1;
        book.most_under_way = book.most_under_way.max(book.under_way);
    }
    tokio::task::yield_now().await;
    let mut book = book.lock().unwrap();
    book.under_way -= 1;
    let token = form.get("token").cloned().unwrap_or_default();
    *book.asked.entry(token.clone()).or_default() += 1;
    match book.mood {
        Mood::Down => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Limiting(seconds) => {
            let wait = [(header::RETRY_AFTER, seconds.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
        }
        Mood::Page => return Html("<h1>Back soon</h1>").into_response(),
        Mood::Refusing => return StatusCode::BAD_REQUEST.into_response(),
        Mood::Well => {}
    }
    if form.get("client_secret") != Some(&book.secret) {
        let refusal = Json(json!({"error": "invalid_client"}));
        return (StatusCode::UNAUTHORIZED, refusal).into_response();
    }
    *book.confirmed.entry(token).or_default() += 1;
    StatusCode::OK.into_response()
}

/// Returns what a check of the app's secret asks.
async fn token(State(book): State<Arc<Mutex<Book>>>, Form(form): Form<Parameters>) -> Response {
    let knows = form.get("client_secret") == Some(&book.lock().unwrap().secret);
    let (status, error) = if knows {
        (StatusCode::BAD_REQUEST, "invalid_grant")
    } else {
        (StatusCode::UNAUTHORIZED, "invalid_client")
    };
    (status, Json(json!({"error": error}))).into_response()
}
