//! What each attacker does, as rows: which lanes, how many connections, from how many addresses.

use std::{rc::Rc, time::Duration};

use serde_json::{Value, json};

use super::{
    super::{
        attackers::{Attacker, Prepared},
        requests::{Bearer, delete_nothing, get, post},
    },
    Attack, hostile,
    lanes::{Act, Book, Lane, Request, Requests},
};
use crate::{Result, http::Connection};

/// The longest body that the product reads.
const LONGEST: usize = 4 * 1024 * 1024;
/// The longest arguments that it takes.
const LONGEST_ARGUMENTS: usize = 256 * 1024;

/// Makes the lanes of an attacker; and its provider, which answers as long as it is not dropped.
pub(super) async fn lanes(
    attack: &Attack,
    prepared: &Prepared,
    book: &Book,
) -> Result<(Vec<Lane>, Option<hostile::Provider>)> {
    Ok(match attack.attacker {
        Attacker::Session => (session(&open_session(attack, prepared).await?, prepared), None),
        Attacker::Key => (key(prepared), None),
        Attacker::Address => (address(prepared), None),
        Attacker::Provider => {
            let provider = hostile::Provider::start(prepared.hostile, book).await?;
            prepared.fill_hostile(&attack.folder).await?;
            let webhook = make_webhook(attack, prepared).await?;
            (provider_calls(prepared, &webhook), Some(provider))
        }
    })
}

/// Returns one session token, from four addresses.
fn session(token: &str, prepared: &Prepared) -> Vec<Lane> {
    let bearer = Bearer { token: token.to_owned(), end_user: None };
    let call = prepared.call_path();
    let other = prepared.faulty_path();
    let lane = |name, connections, act| Lane { name, connections, addresses: 4, act };
    let faults = |length| same(post(&other, &bearer, &prepared.faulty_body(length)));
    let waiting = {
        let bearer = bearer.clone();
        let other = other.clone();
        each(move |number| {
            let body = json!({"wait_seconds": 55}).to_string();
            bearer.with_key(&format!("wait-{number}")).post(&other, &body)
        })
    };
    let asking = |scopes: usize, length: usize| {
        let bearer = bearer.clone();
        let connector = prepared.faulty_connector().to_owned();
        each(move |number| {
            let scopes: Vec<_> =
                (0..scopes).map(|at| format!("{number}-{at}-{}", "s".repeat(length))).collect();
            let body = json!({"connector": connector, "scopes": scopes}).to_string();
            post("/v1/auth-requests", &bearer, &body)
        })
    };
    vec![
        lane("calls", 32, Act::Ask(same(post(&call, &bearer, &prepared.call_body())))),
        lane("arguments of 2 MB, all faults", 4, Act::Ask(faults(2_000_000))),
        lane("arguments of 256 KiB, all faults", 4, Act::Ask(faults(LONGEST_ARGUMENTS - 1_024))),
        lane(
            "bodies of 4 MiB without their last byte",
            300,
            Act::Withhold(post(&call, &bearer, &" ".repeat(LONGEST))),
        ),
        lane("waits for 55 s, hung up", 16, Act::HangUp(waiting, Duration::from_millis(100))),
        lane("auth requests for undeclared scopes", 8, Act::Ask(asking(2, 20))),
        lane("auth requests with 18,500 scopes", 1, Act::Ask(asking(18_500, 190))),
    ]
}

/// Returns one API key, from eight addresses.
fn key(prepared: &Prepared) -> Vec<Lane> {
    let backend = Bearer { token: prepared.key.clone(), end_user: None };
    let for_user = backend.naming("end-user-0000000");
    let lane = |name, connections, act| Lane { name, connections, addresses: 8, act };
    let sessions = {
        let backend = backend.clone();
        let tools = vec![Value::from("a_tool"); LONGEST / 10];
        let body = |number: usize| json!({"end_user_id": format!("s-{number}"), "tools": tools});
        let bodies: Vec<_> = (0..8).map(|number| body(number).to_string()).collect();
        each(move |number| post("/v1/sessions", &backend, &bodies[number % bodies.len()]))
    };
    let small_sessions = {
        let backend = backend.clone();
        each(move |number| {
            let body = json!({"end_user_id": format!("t-{number}")}).to_string();
            post("/v1/sessions", &backend, &body)
        })
    };
    let newcomers = {
        let path = prepared.call_path();
        let body = prepared.call_body();
        each(move |number| post(&path, &backend.naming(&format!("new-{number}")), &body))
    };
    let call = post(&prepared.call_path(), &for_user, &prepared.call_body());
    vec![
        lane("calls", 200, Act::Ask(same(call))),
        lane("sessions with 4 MB of `tools`", 4, Act::Ask(sessions)),
        lane("sessions", 8, Act::Ask(small_sessions)),
        lane("calls of end users never seen", 16, Act::Ask(newcomers)),
    ]
}

/// Returns one address that has no credential.
fn address(prepared: &Prepared) -> Vec<Lane> {
    let lane = |name, connections, act| Lane { name, connections, addresses: 1, act };
    let link = |number: usize| get(&format!("/connect/lnk_{number:032}"));
    let callback =
        |number: usize| get(&format!("/v1/connectors/oauth/callback?state=s{number}&code=c"));
    let path = prepared.call_path();
    let body = prepared.call_body();
    let bad_key = each(move |number| {
        let token = format!("sk_test_{number:040}");
        post(&path, &Bearer { token, end_user: Some("u".to_owned()) }, &body)
    });
    vec![
        lane("connections that say nothing", 3_000, Act::Idle),
        lane("heads at a byte a second", 200, Act::Drip),
        lane("links that do not exist", 16, Act::Ask(each(link))),
        lane("callbacks that nobody expects", 16, Act::Ask(each(callback))),
        lane("keys that do not exist", 16, Act::Ask(bad_key)),
        lane("connections for one request", 16, Act::AskAnew(same(get("/healthz")))),
        lane("requests of nothing", 8, Act::Ask(same(delete_nothing()))),
    ]
}

/// Returns a member whose own endpoints are hostile, from one address; the rest is the provider's
/// doing.
fn provider_calls(prepared: &Prepared, webhook: &str) -> Vec<Lane> {
    let lane = |name, connections, act| Lane { name, connections, addresses: 1, act };
    let key = Bearer { token: prepared.hostile_key.clone(), end_user: None };
    let admin = Bearer { token: prepared.hostile_admin.clone(), end_user: None };
    let path = prepared.call_path();
    let body = prepared.call_body();
    let calls = each(move |number| {
        post(&path, &key.naming(&format!("end-user-{:07}", number % 100)), &body)
    });
    let test = post(webhook, &admin, "{}");
    vec![
        lane("calls of its tool", 32, Act::Ask(calls)),
        lane("tries of its webhook", 4, Act::Ask(same(test))),
    ]
}

/// Opens the session whose token attacks.
async fn open_session(attack: &Attack, prepared: &Prepared) -> Result<String> {
    let backend = Bearer { token: prepared.key.clone(), end_user: None };
    let body = json!({"end_user_id": "end-user-0000000"}).to_string();
    let opened = answered(attack, &post("/v1/sessions", &backend, &body)).await?;
    let token = opened["token"].as_str();
    Ok(token.ok_or_else(|| format!("no session was opened: {opened}"))?.to_owned())
}

/// Makes a webhook at the hostile provider, and returns where it is tried.
async fn make_webhook(attack: &Attack, prepared: &Prepared) -> Result<String> {
    let admin = Bearer { token: prepared.hostile_admin.clone(), end_user: None };
    let project = &prepared.hostile_project;
    let path = |rest: &str| format!("/v1/projects/{project}/webhooks{rest}?environment=test");
    let body = json!({"url": format!("http://{}/hook", prepared.hostile)}).to_string();
    let made = answered(attack, &post(&path(""), &admin, &body)).await?;
    let id = made["webhook"]["id"].as_str();
    Ok(path(&format!("/{}/test", id.ok_or_else(|| format!("no webhook was made: {made}"))?)))
}

async fn answered(attack: &Attack, request: &[u8]) -> Result<Value> {
    let mut line = Connection::open(attack.address).await?;
    Ok(serde_json::from_slice(line.exchange(request).await?.body)?)
}

fn same(request: Request) -> Requests {
    Rc::new(move |_| Rc::clone(&request))
}

fn each(request: impl Fn(usize) -> Request + 'static) -> Requests {
    Rc::new(request)
}
