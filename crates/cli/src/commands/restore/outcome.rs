//! What a restoration prints.

use std::fmt::Write as _;

use astralform_domain::Timestamp;
use astralform_management::{api_keys::NewApiKey, provisioning::Reopened};
use astralform_operations::backup::Restored;
use astralform_storage::api_keys::ListedKey;
use serde_json::json;

use crate::{handed_over::Shown, table::table};

/// What was restored, and what takes the place of revoked keys.
pub(super) struct RestoreOutcome {
    pub(super) restored: Restored,
    pub(super) made_at: Timestamp,
    pub(super) fresh: Option<Fresh>,
}

/// Fresh keys and tokens, with the names of what they open.
pub(super) struct Fresh {
    pub(super) reopened: Reopened,
    pub(super) listed: Vec<ListedKey>,
}

impl Fresh {
    fn named(&self, key: &NewApiKey) -> Option<&ListedKey> {
        self.listed.iter().find(|listed| listed.id == key.id)
    }
}

impl RestoreOutcome {
    /// Returns the secrets that it shows.
    pub(super) fn shown(&self) -> Shown {
        let fresh = self.fresh.as_ref();
        fresh.map_or_else(Shown::default, |Fresh { reopened, .. }| {
            Shown::of(&reopened.api_keys, &reopened.admin_tokens)
        })
    }

    pub(super) fn in_json(&self) -> String {
        let Restored { rows, in_doubt, revoked } = self.restored;
        let mut said = json!({
            "rows": rows,
            "made_at": self.made_at,
            "in_doubt": in_doubt,
            "revoked": revoked,
        });
        if let Some(fresh) = &self.fresh {
            let keys = fresh.reopened.api_keys.iter().map(|key| {
                let named = fresh.named(key);
                json!({
                    "id": key.id,
                    "project_id": key.access.tenant.project,
                    "project": named.map(|named| &named.project_name),
                    "environment": key.access.tenant.environment,
                    "agent": named.and_then(|named| named.agent_name.as_ref()),
                    "api_key": key.secret.expose(),
                })
            });
            said["api_keys"] = keys.collect();
            let tokens = fresh.reopened.admin_tokens.iter().map(|token| {
                json!({
                    "id": token.id,
                    "email": token.email,
                    "admin_token": token.secret.expose(),
                })
            });
            said["admin_tokens"] = tokens.collect();
            said["is_cut_short"] = fresh.reopened.is_cut_short.into();
        }
        said.to_string()
    }

    pub(super) fn in_words(&self) -> String {
        let Restored { rows, in_doubt, revoked } = self.restored;
        let mut text = format!("{rows} rows are restored, as they were at {}.\n", self.made_at);
        if in_doubt > 0 {
            let _ = writeln!(
                text,
                "\n{in_doubt} refresh tokens may have been used up since. They are tried when they \
                 are needed, not before;\nwhere a provider refuses one, its user is asked to \
                 connect again."
            );
        }
        match &self.fresh {
            Some(fresh) => text.push_str(&fresh.in_words(revoked)),
            None => text.push_str(VALID_AGAIN),
        }
        text.trim_end().to_owned()
    }
}

const VALID_AGAIN: &str = "
WARNING: API keys, admin tokens and sessions that were revoked after the backup was made ARE VALID AGAIN,
and connections that were ended since are there again. Which ones is not known here. Where that matters,
restore once more with --revoke-keys, or freeze (`astralform freeze --all`) and replace them.
";

impl Fresh {
    fn in_words(&self, revoked: u64) -> String {
        let mut text = format!(
            "\n{revoked} API keys, admin tokens and sessions are revoked. Connections that were \
             ended since the backup are\nthere again; end them anew.\n"
        );
        let keys: Vec<_> = self.reopened.api_keys.iter().map(|key| self.row(key)).collect();
        if !keys.is_empty() {
            let table = table(["PROJECT", "ENVIRONMENT", "AGENT", "API KEY"], &keys);
            let _ = writeln!(text, "\nNew API keys, not shown again:\n\n{table}");
        }
        if self.reopened.is_cut_short {
            text.push_str("\nMore had a key; make them with `astralform api-keys create`.\n");
        }
        let tokens = self.reopened.admin_tokens.iter();
        let tokens =
            tokens.map(|token| [token.email.as_str().to_owned(), token.secret.expose().to_owned()]);
        let tokens: Vec<_> = tokens.collect();
        if !tokens.is_empty() {
            let table = table(["MEMBER", "ADMIN TOKEN"], &tokens);
            let _ = writeln!(text, "\nNew admin tokens, not shown again:\n\n{table}");
        }
        text
    }

    fn row(&self, key: &NewApiKey) -> [String; 4] {
        let named = self.named(key);
        let agent = named.and_then(|named| named.agent_name.as_deref());
        [
            named.map_or_else(String::new, |named| named.project_name.clone()),
            key.access.tenant.environment.to_string(),
            agent.unwrap_or("any").to_owned(),
            key.secret.expose().to_owned(),
        ]
    }
}
