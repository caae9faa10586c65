//! A developer's backend that is told by webhooks.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse as _, Response},
};
use serde_json::Value;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::TestServer;

/// The backend while it runs. Dropping it ends it.
pub struct Receiver {
    /// Where it takes webhooks.
    pub url: String,
    mind: Arc<Mutex<Mind>>,
    task: JoinHandle<()>,
}

struct Mind {
    received: Vec<Received>,
    status: u16,
    location: Option<String>,
    delay: Duration,
}

/// A webhook as it arrived.
#[derive(Clone, Debug)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, to the letter.
    pub text: String,
    /// Its body as JSON.
    pub body: Value,
}

impl Receiver {
    /// Returns one that takes everything.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
        let delay = Duration::ZERO;
        let mind = Mind { received: Vec::new(), status: 204, location: None, delay };
        let mind = Arc::new(Mutex::new(mind));
        let router = Router::new().fallback(take).with_state(Arc::clone(&mind));
        let serve = async { axum::serve(listener, router).await.expect("it serves") };
        Self { url, mind, task: tokio::spawn(serve) }
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16) {
        self.mind().status = status;
    }

    /// Sends whoever asks elsewhere from now on.
    pub fn redirect_to(&self, url: &str) {
        let mut mind = self.mind();
        mind.status = 307;
        mind.location = Some(url.to_owned());
    }

    /// Takes its time from now on.
    pub fn delay(&self, by: Duration) {
        self.mind().delay = by;
    }

    /// Returns what it was told until now.
    pub fn received(&self) -> Vec<Received> {
        self.mind().received.clone()
    }

    /// Returns the statuses that it was told of, the one before and the one after.
    pub fn changes(&self) -> Vec<(Option<String>, String)> {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        let change = |one: Received| {
            let data = &one.body["data"];
            (text(&data["old_status"]), text(&data["new_status"]).unwrap_or_default())
        };
        self.received().into_iter().map(change).collect()
    }

    fn mind(&self) -> MutexGuard<'_, Mind> {
        self.mind.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Received {
    /// Returns a header of it.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl TestServer {
    /// Delivers what is due at webhooks, all of it.
    pub async fn deliver_webhooks(&self) {
        let engine = self.app.engine();
        loop {
            let turns = engine.deliveries.webhooks_due().await.expect("the database answers");
            if turns.is_empty() {
                return;
            }
            let deliver = |turn| {
                let app = self.app.clone();
                tokio::spawn(async move { app.engine().deliveries.deliver(turn).await })
            };
            let delivering: Vec<_> = turns.into_iter().map(deliver).collect();
            for one in delivering {
                one.await.expect("it delivers");
            }
        }
    }
}

async fn take(State(mind): State<Arc<Mutex<Mind>>>, headers: HeaderMap, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body).into_owned();
    let read = serde_json::from_str(&text).unwrap_or_default();
    let (status, location, delay) = {
        let mut mind = mind.lock().unwrap_or_else(PoisonError::into_inner);
        mind.received.push(Received { headers, text, body: read });
        (mind.status, mind.location.clone(), mind.delay)
    };
    tokio::time::sleep(delay).await;
    let mut answer = StatusCode::from_u16(status).expect("a status").into_response();
    if let Some(location) = location {
        answer.headers_mut().insert("location", location.parse().expect("an address"));
    }
    answer
}
