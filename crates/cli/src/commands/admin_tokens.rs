use std::{fmt::Write as _, process::ExitCode};

use astralform_domain::{AdminAccess, AdminTokenId, Clock, Email, Entropy, Timestamp};
use astralform_management::{
    admin_tokens::{self, ListedToken, WantedToken},
    api_keys::RevokeOutcome,
};
use astralform_storage::{
    Db,
    members::{self, Member},
};
use clap::{Args, Subcommand};
use serde_json::json;

use super::api_keys::{moment, said, status};
use crate::{
    audited, beside,
    config::{Store, StoreFlags},
    database,
    handed_over::Shown,
    keys,
    out::print,
    table::{plain, table},
    telemetry,
};

/// Look at admin tokens, make and revoke them, straight on the database, whether or not a server
/// runs. The next request knows.
#[derive(Subcommand)]
pub(crate) enum AdminTokens {
    /// List admin tokens: whose they are and how they end, never the tokens themselves
    List(ListAdminTokens),
    /// Make an admin token of a member and print it; it is not shown again
    Create(CreateAdminToken),
    /// Revoke admin tokens, by their ids; no master key is needed
    Revoke(RevokeAdminTokens),
}

#[derive(Args)]
pub(crate) struct ListAdminTokens {
    /// Only those of the member with this address
    #[arg(long, value_name = "ADDRESS")]
    email: Option<Email>,
    /// Those that are over too, for as long as they are kept
    #[arg(long)]
    all: bool,
    /// Print JSON, one line for each token
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Args)]
pub(crate) struct CreateAdminToken {
    /// The member, by their address [default: the only one]
    #[arg(long, value_name = "ADDRESS")]
    email: Option<Email>,
    /// What it is called
    #[arg(long, default_value = "Command line")]
    name: String,
    /// read or write: what it allows of what its member may do
    #[arg(long, value_name = "ACCESS", default_value = "write")]
    access: AdminAccess,
    /// When it ends by itself, as in 2027-01-31T00:00:00Z [default: never]
    #[arg(long, value_name = "TIME")]
    expires_at: Option<Timestamp>,
    /// Print one line of JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

#[derive(Args)]
pub(crate) struct RevokeAdminTokens {
    /// Their ids, as `admin-tokens list` shows them
    #[arg(required = true, value_name = "ID")]
    ids: Vec<AdminTokenId>,
    /// Print JSON, one line for each token
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    store: StoreFlags,
}

impl AdminTokens {
    pub(crate) async fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(list) => list.run().await,
            Self::Create(create) => create.run().await,
            Self::Revoke(revoke) => revoke.run().await,
        }
    }
}

/// Returns the member of that address, or the only one there is.
async fn member(db: &Db, email: Option<&Email>) -> anyhow::Result<Member> {
    let all = members::list(db).await?;
    let meant: Vec<_> =
        all.iter().filter(|member| email.is_none_or(|email| member.email == *email)).collect();
    let mut known = String::new();
    for member in &all {
        let _ = write!(known, "\n  {}", member.email.as_str());
    }
    match (meant.as_slice(), email) {
        ([one], _) => Ok(Member::clone(one)),
        ([], _) if all.is_empty() => {
            anyhow::bail!("this database has no member: run `astralform bootstrap` first")
        }
        (_, Some(email)) => {
            anyhow::bail!("there is no member `{}`; there are:{known}", email.as_str())
        }
        (_, None) => anyhow::bail!("say with --email which of these is meant:{known}"),
    }
}

impl ListAdminTokens {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let only = match &self.email {
            Some(email) => Some(member(&db, Some(email)).await?.id),
            None => None,
        };
        let mut listed = admin_tokens::list_as_operator(&db, only).await?;
        db.close().await;
        let now = Clock::system().now();
        listed.retain(|listed| self.all || listed.token.is_live(now));
        if self.json {
            let lines: Vec<_> = listed.iter().map(in_json).collect();
            lines.iter().try_for_each(|line| print(line))?;
        } else {
            print(&in_words(&listed))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn in_json(listed: &ListedToken) -> String {
    let ListedToken { token, email, created_at, created_by } = listed;
    json!({
        "id": token.id,
        "email": email,
        "name": token.name,
        "access": token.access,
        "hint": token.hint,
        "created_at": created_at,
        "created_by": created_by,
        "last_used_at": token.used_at,
        "expires_at": token.expires_at,
        "revoked_at": token.revoked_at,
    })
    .to_string()
}

fn in_words(listed: &[ListedToken]) -> String {
    if listed.is_empty() {
        return "There are no such admin tokens.".to_owned();
    }
    let mut rows = Vec::new();
    for ListedToken { token, email, created_at, .. } in listed {
        rows.push([
            token.id.to_string(),
            email.as_str().to_owned(),
            plain(&token.name),
            token.access.to_string(),
            token.hint.clone(),
            created_at.to_string(),
            moment(token.used_at),
            moment(token.revoked_at.or(token.expires_at)),
        ]);
    }
    table(["ID", "MEMBER", "NAME", "ACCESS", "HINT", "CREATED", "LAST USED", "ENDS"], &rows)
}

impl CreateAdminToken {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let (db, ring) = keys::open_existing(&store).await?;
        let member = member(&db, self.email.as_ref()).await?;
        let management = beside::management(db.clone(), ring, Entropy::system())?;
        let wanted =
            WantedToken { name: self.name, access: self.access, expires_at: self.expires_at };
        let made = management.admin_tokens.create_as_operator(&member, wanted).await?;
        let email = made.email.as_str();
        let secret = made.secret.expose();
        let text = if self.json {
            json!({"id": made.id, "email": email, "admin_token": secret}).to_string()
        } else {
            format!("Admin token of {email}, not shown again: {secret}")
        };
        Shown::of([], [&made]).print(&text, (&db, &store), "run the command again").await?;
        db.close().await;
        Ok(ExitCode::SUCCESS)
    }
}

impl RevokeAdminTokens {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let store = Store::load(self.store)?;
        telemetry::start_plain("warn")?;
        let db = database::connect_existing(&store.database).await?;
        let chain = audited::chain(&db, &store).await;
        let mut are_known = true;
        for id in self.ids {
            let ended = admin_tokens::revoke_as_operator(&db, id, chain.as_ref()).await?;
            are_known &= ended != RevokeOutcome::Unknown;
            if self.json {
                print(&json!({"id": id, "status": status(ended)}).to_string())?;
            } else {
                print(&format!("{id}  {}", said(ended)))?;
            }
        }
        db.close().await;
        anyhow::ensure!(
            are_known,
            "not all of them are there: see `astralform admin-tokens list --all`"
        );
        Ok(ExitCode::SUCCESS)
    }
}
