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

/// Finds a body that cannot be made, or that the method does not carry (RFC 9110 §9.3.1).
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
    let fixed = connector.api.headers.iter();
    let fixed = fixed.filter(|(name, value)| !is_header_name(name) || !is_header_value(value));
    let fixed = fixed.map(|(name, _)| step("/api/headers", name));
    let filled = connector.api.credential.headers.keys().filter(|name| !is_header_name(name));
    let filled = filled.map(|name| step("/api/credential/headers", name));
    let fix = "use letters, digits and `-` in the name, and plain ASCII in the value (RFC 9110 §5)";
    let mut faults = Vec::new();
    for pointer in fixed.chain(filled) {
        faults.push(DocumentFault::new(pointer, "this cannot be a header", fix));
    }
    faults.extend(reserved_headers(connector));
    faults
}

/// Returns whether a text is a token (RFC 9110 §5.6.2).
fn is_header_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c))
}

fn is_header_value(text: &str) -> bool {
    text.chars().all(|c| c == ' ' || c.is_ascii_graphic())
}

/// Headers that say how a request is framed and where it goes, or that are for one connection alone
/// (RFC 9110 §7.6.1): those are set for every request.
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
    let fixed = connector.api.headers.keys().filter(|name| is_reserved(name));
    let filled = connector.api.credential.headers.keys().filter(|name| is_reserved(name));
    let fixed = fixed.map(|name| step("/api/headers", name));
    let filled = filled.map(|name| step("/api/credential/headers", name));
    let fix = "remove it: it is set for every request, or belongs to no request of a connector";
    let mut faults = Vec::new();
    for pointer in fixed.chain(filled) {
        faults.push(DocumentFault::new(pointer, "a connector does not set this header", fix));
    }
    faults
}

fn is_reserved(header: &str) -> bool {
    let header = header.to_ascii_lowercase();
    RESERVED.contains(&header.as_str()) || header.starts_with("proxy-")
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
    faults.extend(log_faults(tool, pointer));
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
    let mut faults = Vec::new();
    for (at, scope) in scopes.iter().enumerate() {
        let place = format!("{pointer}/scopes/{at}");
        if !known.contains(scope) {
            let message = format!("the scope `{scope}` is not declared");
            let fix = "add it to `oauth.scopes` with a label";
            faults.push(DocumentFault::new(place, message, fix));
        } else if connector.token_of(scope).0 != token {
            let message = format!("the scope `{scope}` is not one of the token `{token}`");
            let fix = format!("write `{token}:` before it, or correct the token");
            faults.push(DocumentFault::new(place, message, fix));
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
    let missing = request.placeholders().filter(|name| !is_required(tool, name));
    missing
        .map(|name| {
            let message = format!("`{{{name}}}` is not a required argument");
            let fix = format!("add `{name}` to `input.required`, or take it out of the path");
            DocumentFault::new(&at, message, fix)
        })
        .collect()
}

/// Finds names in `log` that are of no argument.
fn log_faults(tool: &Tool, pointer: &str) -> Vec<DocumentFault> {
    let known = tool.input.json().get("properties").and_then(Value::as_object);
    let is_known = |name: &str| known.is_some_and(|known| known.contains_key(name));
    let unknown = tool.log.keys().filter(|name| !is_known(name));
    unknown
        .map(|name| {
            let fix = "name one of `input.properties`, or leave it out";
            DocumentFault::new(format!("{pointer}/log/{name}"), "there is no such argument", fix)
        })
        .collect()
}

fn is_required(tool: &Tool, argument: &str) -> bool {
    let required = tool.input.json().get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|name| name == argument))
}

/// Returns whether nothing is in braces but our app's identifier, and that in the path only.
fn is_fillable(address: &str) -> bool {
    let path = address
        .split_once("://")
        .map_or(address, |(_, rest)| rest.find(['/', '?', '#']).map_or(rest, |at| &rest[at..]));
    let (path, rest) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
    let host = &address[..address.len() - path.len() - rest.len()];
    !has_braces(&path.replace("{client_id}", "")) && !has_braces(rest) && !has_braces(host)
}

fn has_braces(text: &str) -> bool {
    text.contains(['{', '}'])
}

/// Returns whether braces stand in pairs around names, and no segment leads out of the base.
fn is_well_formed(path: &str) -> bool {
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
    !open && !path.contains("{}") && !path.split('/').any(is_dot_segment)
}

/// Returns whether a segment is `.` or `..` (RFC 3986 §3.3), encoded or not.
fn is_dot_segment(segment: &str) -> bool {
    let decoded = segment.to_ascii_lowercase().replace("%2e", ".");
    decoded == "." || decoded == ".."
}
