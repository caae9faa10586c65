//! What must hold of how accounts are connected.

use std::collections::BTreeSet;

use super::DocumentFault;
use crate::{ApiKeyAuth, Connector, ConnectorType, OAuth, Placement, Template};

pub(super) fn faults(connector: &Connector) -> Vec<DocumentFault> {
    match (connector.kind, &connector.oauth, &connector.api_key) {
        (ConnectorType::Oauth, Some(oauth), None) => oauth_faults(connector, oauth),
        (ConnectorType::ApiKey, None, Some(api_key)) => key_faults(connector, api_key),
        (kind, _, _) => {
            let message = format!("`type: {0}` goes with `{0}:`, and with no other", kind.as_str());
            let fix = format!("describe it under `{}:`, or correct the type", kind.as_str());
            vec![DocumentFault::new("/type", message, fix)]
        }
    }
}

fn oauth_faults(connector: &Connector, oauth: &OAuth) -> Vec<DocumentFault> {
    let mut faults = placement_faults(connector, &[Placement::TOKEN]);
    let mut seen = BTreeSet::new();
    for (at, scope) in oauth.scopes.iter().enumerate() {
        if !seen.insert(&scope.name) {
            let place = format!("/oauth/scopes/{at}/name");
            faults.push(DocumentFault::new(place, "the scope is listed twice", "remove one"));
        }
        let implied = oauth.scopes.iter().filter(|other| scope.implies.contains(&other.name));
        if implied.into_iter().any(|other| other.implies.contains(&scope.name)) {
            let place = format!("/oauth/scopes/{at}/implies");
            let fix = "list under `implies` only what is less than the scope itself";
            faults.push(DocumentFault::new(place, "scopes imply one another", fix));
        }
    }
    faults.extend(alias_faults(oauth));
    let kinds = &oauth.scope_parameters;
    if !kinds.contains_key(&connector.api.token) {
        let message = format!("no parameter carries the scopes of `{}`", connector.api.token);
        let fix = "name the kind of `api.token` here, as in `user: user_scope`";
        faults.push(DocumentFault::new("/oauth/scope_parameters", message, fix));
    }
    for (at, kind) in oauth.app_tokens.iter().enumerate() {
        if !kinds.contains_key(kind) {
            let message = format!("there is no kind of token `{kind}`");
            let fix = "name one of `oauth.scope_parameters`";
            faults.push(DocumentFault::new(format!("/oauth/app_tokens/{at}"), message, fix));
        }
    }
    if connector.api.base_url.contains('{') {
        let fix = "write the address out; projects can replace it";
        faults.push(DocumentFault::new("/api/base_url", "there is nothing to fill in", fix));
    }
    if connector.identity.account.is_none() {
        let fix = "add `account:`, which gives `{id, label}`";
        faults.push(DocumentFault::new("/identity", "the account is not recognised", fix));
    }
    faults
}

/// Finds names that would stand for two scopes.
fn alias_faults(oauth: &OAuth) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    for (at, scope) in oauth.scopes.iter().enumerate() {
        for (of_scope, alias) in scope.aliases.iter().enumerate() {
            let is_name = oauth.scopes.iter().any(|other| other.name == *alias);
            let mut earlier = oauth.scopes[..at].iter();
            if is_name || earlier.any(|other| other.aliases.contains(alias)) {
                let place = format!("/oauth/scopes/{at}/aliases/{of_scope}");
                let message = format!("`{alias}` stands for a scope already");
                faults.push(DocumentFault::new(place, message, "remove it from one of the two"));
            }
        }
    }
    faults
}

fn key_faults(connector: &Connector, api_key: &ApiKeyAuth) -> Vec<DocumentFault> {
    let names: Vec<&str> = api_key.fields.iter().map(|field| field.name.as_str()).collect();
    let mut faults = placement_faults(connector, &names);
    if !api_key.field(ApiKeyAuth::KEY).is_some_and(|field| field.secret) {
        let fix = "call the field of the key itself `api_key`, and leave out `secret`";
        faults.push(DocumentFault::new("/api_key/fields", "no field is the key", fix));
    }
    let base = Template::parse(&connector.api.base_url);
    for name in base.iter().flat_map(Template::fields) {
        if api_key.field(name).is_none_or(|field| field.secret) {
            let message = format!("`{{{name}}}` is not a field that may be seen");
            let fix = "addresses are not secret: name a field with `secret: false`";
            faults.push(DocumentFault::new("/api/base_url", message, fix));
        }
    }
    let sent: BTreeSet<&str> = connector.api.credential.fields().collect();
    let in_address: BTreeSet<&str> = base.iter().flat_map(Template::fields).collect();
    for (at, name) in names.iter().enumerate() {
        let place = format!("/api_key/fields/{at}/name");
        if names[..at].contains(name) {
            faults.push(DocumentFault::new(place, "the field is listed twice", "remove one"));
        } else if !sent.contains(name) && !in_address.contains(name) {
            let fix = format!("write `{{{name}}}` in `api.credential` or `api.base_url`");
            faults.push(DocumentFault::new(place, "the field is not sent anywhere", fix));
        }
    }
    faults.extend(foreign_faults(connector));
    faults
}

/// Refuses what only tokens have.
fn foreign_faults(connector: &Connector) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    if connector.revocation.is_some() {
        let fix = "remove it; people end their keys at the provider";
        faults.push(DocumentFault::new(
            "/revocation",
            "a key that was entered is not ours to end",
            fix,
        ));
    }
    for (at, tool) in connector.tools.iter().enumerate() {
        if !tool.scopes.is_empty() || !tool.alternatives.is_empty() {
            let place = format!("/tools/{at}/scopes");
            faults.push(DocumentFault::new(place, "keys have no scopes", "remove them"));
        }
    }
    faults
}

fn placement_faults(connector: &Connector, known: &[&str]) -> Vec<DocumentFault> {
    let used: BTreeSet<&str> = connector.api.credential.fields().collect();
    if used.is_empty() {
        let fix = "say under `headers`, `query` or `basic` where it is sent";
        return vec![DocumentFault::new("/api/credential", "the credential is not sent", fix)];
    }
    let unknown = used.iter().filter(|name| !known.contains(*name));
    unknown
        .map(|name| {
            let message = format!("`{{{name}}}` is not a part of the credential");
            let fix = format!("use one of: {}", known.join(", "));
            DocumentFault::new("/api/credential", message, fix)
        })
        .collect()
}
