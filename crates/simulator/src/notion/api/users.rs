use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::{Value, json};

use super::answer;
use crate::notion::Notion;
use crate::notion::app::{Capability, RegisteredApp};
use crate::notion::state::{Person, Workspace};
use crate::notion::tokens::Grant;

const LARGEST_UPLOAD: u64 = 5 * 1024 * 1024;

/// Returns the bot that the token acts as, and whose it is.
pub(crate) async fn me(State(notion): State<Notion>, headers: HeaderMap) -> Response {
    answer(&notion, &headers, None, |call| {
        let workspace = &call.state.workspace;
        Ok(json!({
            "object": "user",
            "id": call.grant.bot_id,
            "name": call.app.name,
            "avatar_url": null,
            "type": "bot",
            "bot": {
                "owner": owner(&call.grant, &call.app, workspace),
                "workspace_id": workspace.id,
                "workspace_limits": { "max_file_upload_size_in_bytes": LARGEST_UPLOAD },
                "workspace_name": workspace.name,
            },
        }))
    })
}

/// Returns who connected, as far as the app may know.
pub(crate) fn owner(grant: &Grant, app: &RegisteredApp, workspace: &Workspace) -> Value {
    let person = workspace.person(&grant.person).filter(|_| app.can(Capability::ReadUsers));
    let user = match person {
        Some(found) => written(found, app.can(Capability::ReadUserEmails)),
        None => json!({ "object": "user", "id": grant.person }),
    };
    json!({ "type": "user", "user": user })
}

/// Returns a person as the API writes them.
pub(crate) fn written(person: &Person, with_email: bool) -> Value {
    let mut contact = json!({});
    if with_email {
        contact["email"] = person.email.clone().into();
    }
    json!({
        "object": "user",
        "id": person.id,
        "name": person.name,
        "avatar_url": null,
        "type": "person",
        "person": contact,
    })
}
