//! An OAuth provider that keeps count, and one that sends browsers on to another's.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use astralform_testkit::with_parameter;
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};
use url::Url;

pub(super) type Parameters = HashMap<String, String>;

/// A provider on a free port. Dropping it ends it.
pub(super) struct Provider {
    pub(super) base: Url,
    seen: Seen,
    serving: JoinHandle<()>,
}

/// What reached a provider.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Book>>);

#[derive(Default)]
struct Book {
    /// Browsers that came for consent.
    asked: Vec<Parameters>,
    /// What came to the token endpoint.
    exchanges: Vec<Parameters>,
}

/// What an honest provider knows of us, and says of itself.
#[derive(Clone, Default)]
pub(super) struct Honest {
    /// The redirect URIs of our app, exactly.
    pub(super) redirect_uris: Arc<Mutex<Vec<String>>>,
    /// The `iss` of its answers.
    pub(super) issuer: Option<String>,
}

impl Provider {
    /// One whose users have consented long ago.
    pub(super) async fn honest(honest: Honest) -> Self {
        Self::start(move |asked| honest.answer(asked)).await
    }

    /// One that sends every browser on, to where `leads` says.
    pub(super) async fn evil(
        leads: impl Fn(&Parameters) -> Url + Clone + Send + Sync + 'static,
    ) -> Self {
        Self::start(move |asked| Redirect::to(leads(asked).as_str()).into_response()).await
    }

    async fn start(
        consent: impl Fn(&Parameters) -> Response + Clone + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let seen = Seen::default();
        let authorize = async move |State(seen): State<Seen>, Query(asked): Query<Parameters>| {
            let answer = consent(&asked);
            seen.0.lock().unwrap().asked.push(asked);
            answer
        };
        let router = Router::new()
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .route("/me", get(async || Json(json!({"id": "U1", "name": "Alice"}))))
            .with_state(seen.clone());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { base, seen, serving }
    }

    /// A catalogue entry of this provider.
    pub(super) fn yaml(&self, slug: &str, issuer: Option<&str>) -> String {
        let at = |path| self.at(path).to_string();
        let filled = include_str!("../notes.yaml")
            .replace("slug: notes", &format!("slug: {slug}"))
            .replace("name: notes_list", &format!("name: {slug}_list"))
            .replace("{authorize_url}", &at("/authorize"))
            .replace("{token_url}", &at("/token"))
            .replace("{revocation_url}", &at("/revoke"))
            .replace("{api_base_url}", at("/").trim_end_matches('/'));
        match issuer {
            Some(issuer) => filled.replace("{issuer}", issuer),
            None => filled.replace("  issuer: {issuer}\n", ""),
        }
    }

    /// The addresses of this provider, in place of a catalogue entry's.
    pub(super) fn endpoints(&self) -> Value {
        json!({
            "authorize_url": self.at("/authorize").as_str(),
            "token_url": self.at("/token").as_str(),
            "revoke_url": self.at("/revoke").as_str(),
            "api_base_url": self.base.as_str().trim_end_matches('/'),
        })
    }

    pub(super) fn at(&self, path: &str) -> Url {
        self.base.join(path).unwrap()
    }

    /// How many browsers came for consent.
    pub(super) fn asked(&self) -> usize {
        self.seen.0.lock().unwrap().asked.len()
    }

    /// The codes that reached the token endpoint.
    pub(super) fn codes(&self) -> Vec<String> {
        let seen = self.seen.0.lock().unwrap();
        seen.exchanges.iter().filter_map(|form| form.get("code").cloned()).collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Honest {
    fn answer(&self, asked: &Parameters) -> Response {
        let redirect_uri = asked.get("redirect_uri").cloned().unwrap_or_default();
        if !self.redirect_uris.lock().unwrap().contains(&redirect_uri) {
            return StatusCode::BAD_REQUEST.into_response();
        }
        let mut back: Url = redirect_uri.parse().unwrap();
        back.query_pairs_mut().append_pair("code", "honest-code");
        let state = asked.get("state").map(String::as_str);
        let back = with_parameter(&back, "state", state);
        Redirect::to(with_parameter(&back, "iss", self.issuer.as_deref()).as_str()).into_response()
    }
}

async fn token(State(seen): State<Seen>, Form(form): Form<Parameters>) -> Json<Value> {
    seen.0.lock().unwrap().exchanges.push(form);
    Json(json!({"access_token": "CANARY-token", "token_type": "bearer"}))
}
