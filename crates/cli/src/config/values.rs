//! Values of flags and settings that need an example where they are wrong.

use astralform_domain::Secret;
use ipnet::IpNet;
use url::Url;

/// Parses a network, or says what one looks like.
pub(super) fn parse_network(text: &str) -> Result<IpNet, &'static str> {
    text.parse().map_err(|_| "is no network; one is 10.1.0.0/16, or 10.1.2.3/32 for one address")
}

/// Parses an address of the web, or says what one looks like.
pub(super) fn parse_url(text: &str) -> Result<Url, &'static str> {
    text.parse().map_err(|_| "is no address; one is https://connect.example.com")
}

/// Returns the networks of a flag, or else those of the settings file.
pub(super) fn networks(
    setting: &str,
    (flag, file): (Option<Vec<IpNet>>, Option<Vec<String>>),
) -> anyhow::Result<Vec<IpNet>> {
    if let Some(networks) = flag {
        return Ok(networks);
    }
    let mut networks = Vec::new();
    for text in file.unwrap_or_default() {
        match parse_network(&text) {
            Ok(network) => networks.push(network),
            Err(what) => anyhow::bail!("{setting}: `{text}` {what}"),
        }
    }
    Ok(networks)
}

/// Refuses a token that can be guessed.
pub(super) fn check_metrics_token(token: String) -> anyhow::Result<Secret> {
    anyhow::ensure!(
        token.len() >= 16 && token.bytes().all(|byte| byte.is_ascii_graphic()),
        "metrics_token must have 16 printable ASCII characters or more, such as those of \
         `openssl rand -hex 32`"
    );
    Ok(Secret::new(token))
}
