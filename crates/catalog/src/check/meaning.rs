//! What must hold of a connector beyond its shape.

use std::collections::BTreeSet;

use astralform_domain::{Endpoints, ScopeSet};
use astralform_jq::Document;
use serde_json::Value;

use super::{DocumentFault, auth};
use crate::{Connector, Method, Tool, ToolRequest, Variables, yaml::step};

pub(super) fn faults(connector: &Connector, folder: &str) -> Vec<DocumentFault> {
    let mut faults = auth::faults(connector);
    if connector.oauth.is_none() && connector.api_key.is_none() {
        return faults;
    }
    if connector.slug.as_str() != folder {
        let fix = format!("write `slug: {folder}`, or rename the folder");
        faults.push(DocumentFault::new("/slug", "the slug is not the folder's name", fix));
    }
    if connector.addresses(&Endpoints::default()).is_err() {
        let fix = "check every `url` of oauth, api, identity and revocation";
        faults.push(DocumentFault::new("/api/base_url", "an address cannot be put together", fix));
    }
    if connector.setup.new_app_url.is_some()
        && connector.new_app_url("https://connect.example.com/callback").is_none()
    {
        let fix = "let it give an https address as a text";
        faults.push(DocumentFault::new("/setup/new_app_url", "this gives no address", fix));
    }
    if connector.revocation.as_ref().is_some_and(|revocation| !is_fillable(&revocation.url)) {
        let fix = "write `{client_id}` in the path, and nothing else in braces";
        faults.push(DocumentFault::new("/revocation/url", "this cannot be filled in", fix));
    }
    faults.extend(identity_faults(connector));
    faults.extend(header_faults(connector));
    let mut names = BTreeSet::new();
    for (at, tool) in connector.tools.iter().enumerate() {
        let pointer = format!("/tools/{at}");
        if !names.insert(&tool.name) {
            let fix = "give each tool a name of its own";
            faults.push(DocumentFault::new(format!("{pointer}/name"), "the name is taken", fix));
        }
        faults.extend(tool_faults(connector, tool, &pointer));
    }
    faults
}

/// Returns a body that cannot be made, or that the method does not carry (RFC 9110 §9.3.1).
fn identity_faults(connector: &Connector) -> Option<DocumentFault> {
    let identity = &connector.identity;
    let body = identity.body.as_ref()?;
    if matches!(identity.method, Method::Get | Method::Delete) {
        let fix = "add `method: POST`, or remove the body";
        return Some(DocumentFault::new("/identity/body", "this method carries no body", fix));
    }
    let nothing = Variables::arguments(&Value::Null);
    body.run(&Document::null(), nothing).err().map(|error| {
        let message = format!("no body comes of this: {error}");
        DocumentFault::new("/identity/body", message, "write it out: its input is null")
    })
}

fn header_faults(connector: &Connector) -> Vec<DocumentFault> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    let is_text = |c: char| c == ' ' || c.is_ascii_graphic();
    let is_name = |name: &str| !name.is_empty() && name.chars().all(is_token);
    let fixed = connector.api.headers.iter();
    let fixed = fixed.filter(|(name, value)| !is_name(name) || !value.chars().all(is_text));
    let fixed = fixed.map(|(name, _)| step("/api/headers", name));
    let filled = connector.api.credential.headers.keys().filter(|name| !is_name(name));
    let filled = filled.map(|name| step("/api/credential/headers", name));
    let fix = "use letters, digits and `-` in the name, and plain ASCII in the value (RFC 9110 §5)";
    let fault = |pointer| DocumentFault::new(pointer, "this cannot be a header", fix);
    fixed.chain(filled).map(fault).chain(reserved_headers(connector)).collect()
}

/// Headers that say how a request is framed and where it goes, or that are for one connection alone
/// (RFC 9110 §7.6.1): those are the way out's own.
const RESERVED: [&str; 11] = [
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

fn reserved_headers(connector: &Connector) -> Vec<DocumentFault> {
    let is_reserved = |name: &&String| {
        let name = name.to_ascii_lowercase();
        RESERVED.contains(&name.as_str()) || name.starts_with("proxy-")
    };
    let fixed = connector.api.headers.keys().filter(is_reserved);
    let filled = connector.api.credential.headers.keys().filter(is_reserved);
    let fixed = fixed.map(|name| step("/api/headers", name));
    let filled = filled.map(|name| step("/api/credential/headers", name));
    let fix = "remove it: it is set for every request, or belongs to no request of a connector";
    let fault = |pointer| DocumentFault::new(pointer, "a connector does not set this header", fix);
    fixed.chain(filled).map(fault).collect()
}

fn tool_faults(connector: &Connector, tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    let prefix = format!("{}_", connector.slug.as_str().replace('-', "_"));
    if !tool.name.as_str().starts_with(&prefix) {
        let fix = format!("start it with `{prefix}`, so that no other connector has the same");
        faults.push(DocumentFault::new(
            format!("{pointer}/name"),
            "the name does not say whose tool it is",
            fix,
        ));
    }
    faults.extend(undeclared(connector, &tool.scopes, &connector.api.token, pointer));
    for (at, other) in tool.alternatives.iter().enumerate() {
        let place = format!("{pointer}/alternatives/{at}");
        faults.extend(undeclared(connector, &other.scopes, &other.token, &place));
    }
    faults.extend(input_faults(tool, pointer));
    faults.extend(request_faults(tool, pointer));
    if tool.annotations.read_only && tool.annotations.destructive {
        let fix = "a tool that changes nothing destroys nothing: correct one of the two";
        faults.push(DocumentFault::new(
            format!("{pointer}/annotations"),
            "read_only and destructive contradict",
            fix,
        ));
    }
    faults
}

/// Finds scopes that are not those of a kind of token, or not declared at all.
fn undeclared(
    connector: &Connector,
    scopes: &ScopeSet,
    token: &str,
    pointer: &str,
) -> Vec<DocumentFault> {
    let known = connector.known_scopes();
    let place = |at| format!("{pointer}/scopes/{at}");
    let mut faults = Vec::new();
    for (at, scope) in scopes.iter().enumerate() {
        if !known.contains(scope) {
            let message = format!("the scope `{scope}` is not declared");
            let fix = "add it to `oauth.scopes` with a label";
            faults.push(DocumentFault::new(place(at), message, fix));
        } else if connector.token_of(scope).0 != token {
            let message = format!("the scope `{scope}` is not one of the token `{token}`");
            let fix = format!("write `{token}:` before it, or correct the token");
            faults.push(DocumentFault::new(place(at), message, fix));
        }
    }
    faults
}

fn input_faults(tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let mut faults = Vec::new();
    let input = tool.input.json();
    let at = format!("{pointer}/input");
    if input.get("type").and_then(Value::as_str) != Some("object") {
        faults.push(DocumentFault::new(
            &at,
            "the arguments are not an object",
            "add `type: object`",
        ));
    }
    if input.get("additionalProperties") != Some(&Value::Bool(false)) {
        let fix = "add `additionalProperties: false`";
        faults.push(DocumentFault::new(&at, "unknown arguments would pass unseen", fix));
    }
    faults
}

fn request_faults(tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let mut faults = path_faults(tool, &tool.request, &format!("{pointer}/request"));
    if !tool.also.is_empty() && !tool.annotations.read_only {
        let fix = "let a tool that changes something make one request, or say `read_only: true`";
        let message = "more requests are for tools that change nothing";
        faults.push(DocumentFault::new(format!("{pointer}/also"), message, fix));
    }
    let also = format!("{pointer}/also");
    for (name, request) in &tool.also {
        faults.extend(path_faults(tool, request, &step(&also, name)));
    }
    faults
}

fn path_faults(tool: &Tool, request: &ToolRequest, pointer: &str) -> Vec<DocumentFault> {
    let at = format!("{pointer}/path");
    if !is_well_formed(&request.path) {
        let fix = "close every brace, begin with one `/`, and leave out `.` and `..`";
        return vec![DocumentFault::new(at, "the path is not well formed", fix)];
    }
    let required = tool.input.json().get("required").and_then(Value::as_array);
    let is_required =
        |name: &&str| required.is_some_and(|required| required.iter().any(|known| known == *name));
    let missing = request.placeholders().filter(|name| !is_required(name));
    missing
        .map(|name| {
            let message = format!("`{{{name}}}` is not a required argument");
            let fix = format!("add `{name}` to `input.required`, or take it out of the path");
            DocumentFault::new(&at, message, fix)
        })
        .collect()
}

/// Refuses anything in braces but our app's identifier, and that anywhere but in the path.
fn is_fillable(address: &str) -> bool {
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find(['/', '?', '#']).map_or(rest, |at| &rest[at..]));
    let (path, rest) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let braces = |text: &str| text.contains(['{', '}']);
    let host = &address[..address.len() - path.len() - rest.len()];
    !braces(&path.replace("{client_id}", "")) && !braces(rest) && !braces(host)
}

/// Braces in pairs around names, and no step that climbs out of the base, encoded or not.
fn is_well_formed(path: &str) -> bool {
    let climbs = |segment: &str| {
        let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
        decoded == "." || decoded == ".."
    };
    if path.starts_with("//") {
        return false;
    }
    let mut open = false;
    for character in path.chars() {
        match character {
            '{' if open => return false,
            '}' if !open => return false,
            '{' => open = true,
            '}' => open = false,
            '?' | '#' | '\\' => return false,
            _ => {}
        }
    }
    !open && !path.contains("{}") && !path.split('/').any(climbs)
}
