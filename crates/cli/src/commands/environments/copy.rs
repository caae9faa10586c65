use std::process::ExitCode;

use astralform_domain::Environment;
use clap::Args;
use serde_json::{Value, json};

use crate::{
    management::{ProjectAccess, text},
    table::plain,
    telemetry,
};

const WHAT_IS_COPIED: &str = "\
Return URLs, allowed origins, connectors and their settings are copied. Secrets never are, nor \
are the sandbox, addresses on loopback and how end users are verified. It ends with 1 where a \
connector could not be copied.";

#[derive(Args)]
#[command(after_help = WHAT_IS_COPIED)]
pub(crate) struct CopyEnvironment {
    /// The environment that is copied from
    #[arg(long, value_name = "ENVIRONMENT")]
    from: Environment,
    /// The environment that is copied to
    #[arg(long, value_name = "ENVIRONMENT")]
    to: Environment,
    /// Copy what is shown
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    access: ProjectAccess,
}

impl CopyEnvironment {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        anyhow::ensure!(self.from != self.to, "--from and --to are the same: name both of them");
        let project = self.access.open().await?;
        let path = project.path(&format!("/environments/{}/copy", self.to));
        let from = self.from.as_str();
        let plan = project.at.server.get(&path, &[("from", from)]).await?;
        if !self.yes || differs_in_nothing(&plan) {
            project.at.show(&plan, |plan| in_words(plan, "Say --yes to copy this."))?;
            return Ok(ExitCode::SUCCESS);
        }
        let body = json!({"from": from, "digest": plan["digest"]});
        let copied = project.at.server.post(&path, &[], &body).await?;
        project.at.show(&copied, |copied| in_words(&copied["plan"], "Copied."))?;
        Ok(told(&copied))
    }
}

/// Tells which connectors were left as they are, and returns whether there are none.
fn told(copied: &Value) -> ExitCode {
    let refused = copied["refused"].as_array().map(Vec::as_slice).unwrap_or_default();
    for one in refused {
        let connector = text(one, "/connector");
        let reason = plain(&text(one, "/reason"));
        telemetry::note(&format!("{connector} could not be copied: {reason}"));
    }
    if refused.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn differs_in_nothing(plan: &Value) -> bool {
    let parts = ["return_urls", "allowed_origins", "connectors"];
    parts.iter().all(|part| plan[part].as_array().is_none_or(Vec::is_empty))
}

fn in_words(plan: &Value, last: &str) -> String {
    let (from, to) = (text(plan, "/from"), text(plan, "/to"));
    let mut lines = Vec::new();
    for (part, what) in [("return_urls", "return URL"), ("allowed_origins", "allowed origin")] {
        let added = plan[part].as_array().into_iter().flatten();
        lines.extend(added.map(|one| format!("+ {what} {}", plain(one.as_str().unwrap_or("?")))));
    }
    for copy in plan["connectors"].as_array().into_iter().flatten() {
        lines.extend(connector_in_words(copy));
    }
    let last = if lines.is_empty() {
        format!("Nothing differs: {to} has all that would be copied from {from}.")
    } else {
        last.to_owned()
    };
    let left_out = plan["left_out"].as_array().into_iter().flatten();
    lines.extend(
        left_out.map(|why| format!("not copied: {}", plain(why.as_str().unwrap_or_default()))),
    );
    lines.push(last);
    lines.join("\n")
}

fn connector_in_words(copy: &Value) -> Vec<String> {
    let connector = text(copy, "/connector");
    let mut lines = vec![match copy["action"].as_str() {
        Some("enable") => format!("+ connector {connector}, which then waits for credentials"),
        _ => format!("~ connector {connector}"),
    }];
    for change in copy["changes"].as_array().into_iter().flatten() {
        let [before, after] = ["before", "after"].map(|side| plain(&or_default(&change[side])));
        lines.push(format!("    {}: {before} → {after}", text(change, "/name")));
    }
    lines
}

fn or_default(value: &Value) -> String {
    if value.is_null() { "default".to_owned() } else { value.to_string() }
}
