//! Things as the API shows them, with every property that its description requires.

mod issue;
mod repository;

pub(super) use issue::issue;
pub(super) use repository::repository;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::github::app::RegisteredApp;
use crate::github::time::rfc3339;
use crate::github::tokens::Token;
use crate::github::world::{Account, World};
use crate::outside::hex;

const JOINED: &str = "2023-11-14T22:13:20Z";

/// What hangs below an account.
const BELOW_ACCOUNT: &[(&str, &str)] = &[
    ("followers", "/followers"),
    ("following", "/following{/other_user}"),
    ("gists", "/gists{/gist_id}"),
    ("starred", "/starred{/owner}{/repo}"),
    ("subscriptions", "/subscriptions"),
    ("organizations", "/orgs"),
    ("repos", "/repos"),
    ("events", "/events{/privacy}"),
    ("received_events", "/received_events"),
];

/// Returns an account as it stands beside other things.
pub(super) fn account(account: &Account, base: &str) -> Value {
    let login = &account.login;
    let mut view = members(json!({
        "login": login,
        "id": account.id,
        "node_id": node("User", account.id),
        "avatar_url": format!("{base}/avatars/{}", account.id),
        "gravatar_id": "",
        "url": format!("{base}/users/{login}"),
        "html_url": format!("{base}/{login}"),
        "type": if account.organization { "Organization" } else { "User" },
        "user_view_type": "public",
        "site_admin": false,
    }));
    below(&mut view, BELOW_ACCOUNT, &format!("{base}/users/{login}"));
    Value::Object(view)
}

/// Returns the person a token acts as.
pub(super) fn me(person: &Account, world: &World, private: bool, base: &str) -> Value {
    let mut view = members(account(person, base));
    let own = |private: bool| {
        let own = world.repositories.iter().filter(|it| it.owner == person.login);
        own.filter(|repository| repository.private == private).count()
    };
    view.extend(members(json!({
        "name": person.name,
        "company": null,
        "blog": "",
        "location": null,
        "email": null,
        "hireable": null,
        "bio": null,
        "twitter_username": null,
        "notification_email": null,
        "public_repos": own(false),
        "public_gists": 0,
        "followers": 2,
        "following": 1,
        "created_at": JOINED,
        "updated_at": JOINED,
    })));
    if private {
        view.extend(members(json!({
            "user_view_type": "private",
            "private_gists": 0,
            "total_private_repos": own(true),
            "owned_private_repos": own(true),
            "disk_usage": 1024,
            "collaborators": 1,
            "two_factor_authentication": true,
            "plan": { "name": "free", "space": 1, "collaborators": 0, "private_repos": 10_000 },
        })));
    }
    Value::Object(view)
}

/// Returns a token, as its app is told of it.
pub(super) fn authorization(
    secret: &str,
    token: &Token,
    app: &RegisteredApp,
    person: &Account,
    base: &str,
) -> Value {
    let hashed = hex(&Sha256::digest(secret));
    let created_at = rfc3339(token.created_at);
    json!({
        "id": token.id,
        "url": format!("{base}/authorizations/{}", token.id),
        "app": { "name": app.name, "url": format!("{base}/"), "client_id": app.client_id },
        "token": secret,
        "hashed_token": hashed,
        "token_last_eight": secret.get(secret.len().saturating_sub(8)..),
        "note": null,
        "note_url": null,
        "created_at": created_at,
        "updated_at": created_at,
        "scopes": token.scopes,
        "fingerprint": null,
        "expires_at": token.expires_at.map(rfc3339),
        "user": account(person, base),
    })
}

fn below(view: &mut Map<String, Value>, addresses: &[(&str, &str)], base: &str) {
    let named = addresses.iter().map(|(name, path)| (format!("{name}_url"), path));
    view.extend(named.map(|(name, path)| (name, format!("{base}{path}").into())));
}

/// Returns an identifier of the GraphQL API: kind and number in base64.
fn node(kind: &str, id: i64) -> String {
    STANDARD.encode(format!("0{}:{kind}{id}", kind.len()))
}

fn members(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
