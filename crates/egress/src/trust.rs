//! Which certificates are trusted: those of the authorities on Mozilla's list and, for hosts that
//! the operator names, those of private authorities.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject as _},
};
use thiserror::Error;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::forbidden::place;

/// Private authorities, each for the hosts that the operator names beside it.
#[derive(Clone, Default)]
pub struct ExtraRoots(BTreeMap<String, Vec<CertificateDer<'static>>>);

/// Why a private authority cannot be trusted as the operator says.
#[derive(Debug, Error)]
pub enum RootsError {
    /// It is no host.
    #[error("`{0}` is no host name or IP address; name the host alone, without scheme or port")]
    NoHost(String),
    /// There is nothing to trust.
    #[error("it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")]
    NoCertificate,
    /// What is there is no certificate.
    #[error("a certificate in it cannot be read: {0}")]
    Unreadable(String),
}

impl ExtraRoots {
    /// Trusts the authorities of a PEM file too, where a server of these hosts is called.
    ///
    /// # Errors
    /// When a host is none, or the file holds no certificate.
    pub fn add<'a>(
        &mut self,
        hosts: impl IntoIterator<Item = &'a str>,
        pem: &[u8],
    ) -> Result<(), RootsError> {
        let read: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let roots = read.map_err(|error| RootsError::Unreadable(error.to_string()))?;
        if roots.is_empty() {
            return Err(RootsError::NoCertificate);
        }
        for root in &roots {
            let added = RootCertStore::empty().add(root.clone());
            added.map_err(|error| RootsError::Unreadable(error.to_string()))?;
        }
        for host in hosts {
            let named = host_name(host).ok_or_else(|| RootsError::NoHost(host.to_owned()))?;
            self.0.entry(named).or_default().extend(roots.iter().cloned());
        }
        Ok(())
    }
}

/// Returns a host as addresses name it.
fn host_name(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains('*') {
        return None;
    }
    let is_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    let text = if is_v6 { format!("[{text}]") } else { text.to_owned() };
    Host::parse(&text).ok().map(|host| host.to_string())
}

/// TLS to servers whose certificate is trusted.
pub(super) struct Trust {
    usual: TlsConnector,
    by_host: HashMap<String, TlsConnector>,
}

impl Trust {
    pub(super) fn new(extra: ExtraRoots) -> Self {
        let by_host = extra.0.into_iter().map(|(host, roots)| (host, connector(roots)));
        Self { usual: connector(Vec::new()), by_host: by_host.collect() }
    }

    pub(super) fn at(&self, host: &Host<&str>) -> &TlsConnector {
        self.by_host.get(&host.to_string()).unwrap_or(&self.usual)
    }
}

fn connector(extra: Vec<CertificateDer<'static>>) -> TlsConnector {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    roots.add_parsable_certificates(extra);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring speaks every version we ask for")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(tls))
}

/// Why a server's certificate is not trusted. Nothing was sent there.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the certificate of `{place}` is not trusted: {why}")]
pub struct Untrusted {
    place: String,
    why: Distrust,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum Distrust {
    #[error(
        "its issuer is unknown; where a private authority issued it, the operator of this server \
         can name that authority for this host in `extra_roots` (ASTRALFORM_EXTRA_ROOTS)"
    )]
    UnknownIssuer,
    #[error("it has expired")]
    Expired,
    #[error("it is not valid yet; the clock of this server or the certificate is wrong")]
    NotYetValid,
    #[error("it was issued for another name")]
    OtherName,
    #[error("{0}")]
    Other(String),
}

impl Untrusted {
    /// Reads the error of a handshake; returns `None` where it did not fail for the certificate.
    pub(super) fn of(url: &Url, error: &io::Error) -> Option<Self> {
        use CertificateError as Error;
        let inner = error.get_ref()?.downcast_ref::<rustls::Error>()?;
        let rustls::Error::InvalidCertificate(invalid) = inner else { return None };
        let why = match invalid {
            Error::UnknownIssuer => Distrust::UnknownIssuer,
            Error::Expired | Error::ExpiredContext { .. } => Distrust::Expired,
            Error::NotValidYet | Error::NotValidYetContext { .. } => Distrust::NotYetValid,
            Error::NotValidForName | Error::NotValidForNameContext { .. } => Distrust::OtherName,
            other => Distrust::Other(other.to_string()),
        };
        Some(Self { place: place(url), why })
    }

    /// Returns whether the operator of this server can do something about it.
    pub(super) const fn is_for_operator(&self) -> bool {
        matches!(self.why, Distrust::UnknownIssuer | Distrust::Other(_))
    }
}
