//! The management API of a server, from a shell.
//!
//! It goes out through the engine's egress like everything else in this program: one dialer, one
//! list of authorities, no proxies, no redirects that could take the token along. What differs is
//! who chose the address. Here that is the operator, so a server in a private network may be
//! reached; but only over https, or on this machine.

mod access;
mod project;
mod request;
mod rows;

use std::time::Duration;

use anyhow::Context as _;
use astralform_domain::Secret;
use astralform_egress::{Allowance, Answer, Egress, Outgoing, Reach, Secrets};
use clap::Args;
use ipnet::IpNet;
use serde_json::Value;
use url::Url;

use crate::config::extra_roots;
pub(crate) use access::{OpenProject, ProjectAccess, ServerAccess};
pub(crate) use project::{NamedProject, one_of};
pub(crate) use request::Request;
pub(crate) use rows::{all_rows, count, counted, each_page, in_json, text, texts, yes};

/// The last words of the help of commands that use it.
pub(crate) const OVER_A_SERVER: &str = "\
These work over a server that runs: ASTRALFORM_URL says where it is reached, ASTRALFORM_TOKEN is \
an admin token, whose member's role decides.";

/// Which server, and who asks.
#[derive(Args)]
pub(crate) struct ManagementFlags {
    /// Where the server is reached
    #[arg(
        long,
        env = "ASTRALFORM_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:8787"
    )]
    url: Url,
    /// An admin token of a member (pat_…); better as a variable, which other users of this machine
    /// do not see
    #[arg(long, env = "ASTRALFORM_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: String,
    /// Private authorities to trust, each for the hosts named before it alone
    #[arg(long, env = "ASTRALFORM_EXTRA_ROOTS", value_name = "HOSTS=FILE", value_delimiter = ';')]
    extra_roots: Vec<String>,
}

/// A server's management API.
pub(crate) struct Management {
    egress: Egress,
    access: ManagementFlags,
}

impl Management {
    pub(crate) fn new(access: ManagementFlags) -> anyhow::Result<Self> {
        let networks = reachable(&access.url)?;
        let roots = extra_roots(&access.extra_roots)?;
        Ok(Self { egress: Egress::trusting(networks.into_iter().collect(), None, roots), access })
    }

    /// Sends a request and returns the JSON of the answer.
    pub(crate) async fn send(&self, request: Request<'_>) -> anyhow::Result<Value> {
        read(&self.exchange(request).await?)
    }

    /// Sends a GET request and returns the JSON of the answer.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        self.send(Request::get(path).query(query)).await
    }

    /// Sends a GET request and returns the text of the answer.
    pub(crate) async fn get_text(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let answer = self.exchange(Request::get(path).query(query)).await?;
        if !answer.status.is_success() {
            read(&answer)?;
        }
        String::from_utf8(answer.body.to_vec()).context("the server answered with no text")
    }

    /// Sends a POST request and returns the JSON of the answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        query: &[(&str, &str)],
        body: &Value,
    ) -> anyhow::Result<Value> {
        self.send(Request::post(path).query(query).json(body)).await
    }

    /// Sends a DELETE request; returns whether there was something to end.
    pub(crate) async fn delete(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<bool> {
        let answer = self.exchange(Request::delete(path).query(query)).await?;
        if answer.status.as_u16() == 404 {
            return Ok(false);
        }
        read(&answer)?;
        Ok(true)
    }

    /// Changes what is at a path, unless it was changed since this looked, and returns what it is.
    pub(crate) async fn change(&self, path: &str, change: &Value) -> anyhow::Result<Value> {
        let seen = self.get(path, &[]).await?;
        self.send(Request::patch(path).json(change).if_unchanged(&seen)).await
    }

    async fn exchange(&self, request: Request<'_>) -> anyhow::Result<Answer> {
        let token = Secret::new(self.access.token.trim().to_owned());
        let bearer = format!("Bearer {}", token.expose());
        let bearer = bearer.parse().context("the token is not one: it starts with pat_")?;
        let mut outgoing = Outgoing {
            method: request.method.parse()?,
            url: request.url(&self.access.url)?,
            headers: http::HeaderMap::default(),
            body: request.body.into(),
            secrets: Secrets::none(),
        };
        outgoing.secrets.add(&token);
        request.secrets.iter().for_each(|secret| outgoing.secrets.add(secret));
        outgoing.headers.insert("authorization", bearer);
        if let Some(kind) = request.content_type {
            outgoing.headers.insert("content-type", kind.parse()?);
        }
        if let Some(version) = request.version {
            outgoing.headers.insert("if-match", format!("\"{version}\"").parse()?);
        }
        let reach = Reach::Network;
        let within = Duration::from_mins(2);
        let allowance = Allowance { reach, within, at_most: 64 * 1024 * 1024 };
        let answer = self.egress.send(outgoing, allowance).await;
        answer.with_context(|| format!("{} does not answer", self.access.url))
    }
}

/// Returns the networks that a token may be sent to: over http to this machine alone, over https to
/// any address that the operator names.
fn reachable(url: &Url) -> anyhow::Result<Vec<IpNet>> {
    let on_this_machine = matches!(url.host_str(), Some("127.0.0.1" | "localhost" | "[::1]"));
    let networks: &[&str] = match url.scheme() {
        "https" => &["0.0.0.0/0", "::/0"],
        "http" if on_this_machine => &["127.0.0.0/8", "::1/128"],
        _ => anyhow::bail!(
            "`{url}` would send the token in plain text: the URL must start with https://, or with \
             http:// on this machine"
        ),
    };
    Ok(networks.iter().map(|network| network.parse()).collect::<Result<_, _>>()?)
}

/// Returns the JSON of an answer, or what the server says is wrong.
fn read(answer: &Answer) -> anyhow::Result<Value> {
    let body: Value = if answer.body.is_empty() {
        Value::Null
    } else {
        serde_json::from_slice(&answer.body).with_context(|| {
            format!("the server answered with status {} and no JSON", answer.status)
        })?
    };
    if answer.status.is_success() {
        return Ok(body);
    }
    let detail = body["detail"].as_str().unwrap_or("it does not say why");
    let status = answer.status.as_u16();
    let instead = match body["code"].as_str() {
        Some("version_changed") => "\nNothing was changed here: look again, and run it again.",
        Some("confirmation_required") => "\nOn this command line that is --confirm-reconnects.",
        _ => "",
    };
    anyhow::bail!("the server refused ({status}): {detail}{instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_out_encrypted_or_stays_on_this_machine() {
        for good in ["https://connect.example.com", "http://127.0.0.1:8787", "http://localhost:1"] {
            assert!(reachable(&good.parse().unwrap()).is_ok(), "{good}");
        }
        for bad in ["http://connect.example.com", "http://10.0.0.7:8787", "ftp://127.0.0.1"] {
            assert!(reachable(&bad.parse().unwrap()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_refusal_is_told_with_what_to_do_on_a_command_line() {
        for (code, expected) in [
            ("version_changed", "refused (412): why\nNothing was changed here: look again"),
            (
                "confirmation_required",
                "refused (412): why\nOn this command line that is --confirm-reconnects",
            ),
            ("other", "refused (412): why"),
        ] {
            let body = serde_json::json!({"code": code, "detail": "why"}).to_string();
            let status = http::StatusCode::PRECONDITION_FAILED;
            let first_byte = Duration::ZERO;
            let headers = http::HeaderMap::new();
            let answer = Answer { status, headers, body: body.into(), first_byte };
            let refused = read(&answer).unwrap_err().to_string();
            assert!(refused.contains(expected), "{refused}");
        }
    }
}
