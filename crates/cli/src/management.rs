//! The management API of a server, from a shell.
//!
//! It goes out through the engine's egress like everything else in this program: one dialer, one
//! list of authorities, no proxies, no redirects that could take the token along. What differs is
//! who chose the address. Here that is the operator, so a server in a private network may be
//! reached; but only over https, or on this machine.

use std::time::Duration;

use anyhow::Context as _;
use astralform_domain::Secret;
use astralform_egress::{Allowance, Answer, Egress, Outgoing, Reach, Secrets};
use clap::Args;
use ipnet::IpNet;
use serde_json::Value;
use url::Url;

use crate::config::extra_roots;

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

    /// Sends a GET request and returns the JSON of the answer.
    pub(crate) async fn get(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<Value> {
        read(&self.send("GET", path, query, None).await?)
    }

    /// Sends a GET request and returns the text of the answer.
    pub(crate) async fn get_text(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> anyhow::Result<String> {
        let answer = self.send("GET", path, query, None).await?;
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
        read(&self.send("POST", path, query, Some(body)).await?)
    }

    /// Sends a DELETE request; returns whether there was something to end.
    pub(crate) async fn delete(&self, path: &str, query: &[(&str, &str)]) -> anyhow::Result<bool> {
        let answer = self.send("DELETE", path, query, None).await?;
        if answer.status.as_u16() == 404 {
            return Ok(false);
        }
        read(&answer)?;
        Ok(true)
    }

    async fn send(
        &self,
        method: &str,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> anyhow::Result<Answer> {
        let mut url = self.access.url.join(path)?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = Outgoing {
            method: method.parse()?,
            url,
            headers: http::HeaderMap::default(),
            body: body.into(),
            secrets: Secrets::none(),
        };
        request.secrets.add(&Secret::new(self.access.token.trim().to_owned()));
        let token = format!("Bearer {}", self.access.token.trim());
        let token = token.parse().context("the token is not one: it starts with pat_")?;
        request.headers.insert("authorization", token);
        if !request.body.is_empty() {
            request.headers.insert("content-type", "application/json".parse()?);
        }
        let reach = Reach::Network;
        let within = Duration::from_mins(2);
        let allowance = Allowance { reach, within, at_most: 64 * 1024 * 1024 };
        let answer = self.egress.send(request, allowance).await;
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
    anyhow::bail!("the server refused ({}): {detail}", answer.status.as_u16())
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
}
