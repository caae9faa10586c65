//! Addresses to listen on.

use std::{fmt, net::SocketAddr, str::FromStr};

use anyhow::Context as _;
use tokio::net::TcpListener;

/// An address to listen on: one in numbers, or a name of this machine and a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Listen {
    At(SocketAddr),
    Named(String, u16),
}

impl FromStr for Listen {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        if let Ok(address) = text.parse() {
            return Ok(Self::At(address));
        }
        let named = text.rsplit_once(':').and_then(|(host, port)| {
            let is_name = host.split('.').all(is_label);
            is_name.then_some((host.to_ascii_lowercase(), port.parse().ok()?))
        });
        match named {
            // Not looked up: it is always this machine's loopback address.
            Some((host, port)) if host == "localhost" => {
                Ok(Self::At(SocketAddr::from(([127, 0, 0, 1], port))))
            }
            Some((host, port)) => Ok(Self::Named(host, port)),
            None => anyhow::bail!(
                "`{text}` is no address to listen on: it must be an address or name of this machine \
                 and a port, such as 127.0.0.1:8787, localhost:8787, [::1]:8787, or 0.0.0.0:8787 \
                 for all of its addresses"
            ),
        }
    }
}

impl Listen {
    /// Listens there.
    pub(crate) async fn bind(&self) -> anyhow::Result<TcpListener> {
        let listener = match self {
            Self::At(address) => TcpListener::bind(address).await,
            Self::Named(host, port) => TcpListener::bind((host.as_str(), *port)).await,
        };
        listener.with_context(|| format!("{self} cannot be listened on"))
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(address) => address.fmt(f),
            Self::Named(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

/// Returns whether a text can stand between the dots of a name; a number alone is part of an address
/// that was mistyped.
fn is_label(text: &str) -> bool {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    is_plain && text.bytes().any(|byte| byte.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_listens_at_addresses_and_names_of_its_machine() {
        for (text, expected) in [
            ("localhost:8787", "127.0.0.1:8787"),
            ("LOCALHOST:0", "127.0.0.1:0"),
            ("127.0.0.1:8787", "127.0.0.1:8787"),
            ("[::1]:8787", "[::1]:8787"),
            ("0.0.0.0:80", "0.0.0.0:80"),
            ("db-1.Internal:8787", "db-1.internal:8787"),
        ] {
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), expected, "{text}");
        }
        for text in [
            "",
            "localhost",
            "8787",
            ":8787",
            "*:8787",
            "::1:8787",
            "localhost:99999",
            "localhost:-1",
            "localhost:",
            "http://localhost:8787",
            "127.0.0.256:8787",
            "a b:1",
        ] {
            let refused = text.parse::<Listen>().unwrap_err().to_string();
            assert!(refused.contains("localhost:8787"), "{text}: {refused}");
        }
    }

    #[tokio::test]
    async fn localhost_is_listened_on() {
        let listener = "localhost:0".parse::<Listen>().unwrap().bind().await.unwrap();
        assert!(listener.local_addr().unwrap().ip().is_loopback());
        let named = Listen::Named("localhost".to_owned(), 0).bind().await.unwrap();
        assert!(named.local_addr().unwrap().ip().is_loopback());
        let taken = Listen::At(listener.local_addr().unwrap()).bind().await.unwrap_err();
        assert!(taken.to_string().contains("cannot be listened on"));
    }
}
