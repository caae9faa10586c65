//! Servers whose certificates a private authority has issued. `tls/make.sh` makes the certificates.

use std::{net::IpAddr, sync::Arc};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::RootsError;

const AUTHORITY: &[u8] = include_bytes!("tls/ca.pem");
const GOOD: &[u8] = include_bytes!("tls/server.pem");
const EXPIRED: &[u8] = include_bytes!("tls/expired.pem");
const KEY: &[u8] = include_bytes!("tls/server.key");

/// Returns a server with that certificate, which is for `named.test` and `other.test`; its port.
async fn server(certificate: &[u8]) -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(certificate).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(KEY).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let _ = stream.read(&mut [0; 4096]).await;
            let ok = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
            let _ = stream.write_all(ok).await;
            let _ = stream.shutdown().await;
        }
    });
    port
}

/// Asks a host of that server, with the authority trusted for these hosts.
async fn ask(host: &str, port: u16, trusted: &[&str]) -> Result<Answer, EgressError> {
    let mut roots = ExtraRoots::default();
    roots.add(trusted.iter().copied(), AUTHORITY).unwrap();
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    let names = Names::Script(Box::new(move |_| vec![here]));
    let egress = Egress::over(Dialer::new(names, loopback(), None, Trust::new(roots)), None);
    egress.send(get(&format!("https://{host}:{port}/")), PLENTY).await
}

#[tokio::test]
async fn a_private_authority_counts_for_the_hosts_that_are_named_beside_it_alone() {
    let port = server(GOOD).await;
    for trusted in [&["named.test"][..], &["NAMED.test", "unused.test"]] {
        assert_eq!(ask("named.test", port, trusted).await.unwrap().body, "ok");
        let refused = ask("other.test", port, trusted).await.unwrap_err();
        assert!(matches!(refused, EgressError::Untrusted(_)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_an_unknown_issuer_is_named_with_the_setting_that_trusts_it() {
    let port = server(GOOD).await;
    let refused = ask("named.test", port, &[]).await.unwrap_err();
    let said = refused.to_string();
    assert!(refused.is_ours() && refused.is_unsent(), "{refused:?}");
    for part in
        [&format!("`https://named.test:{port}`"), "issuer is unknown", "ASTRALFORM_EXTRA_ROOTS"]
    {
        assert!(said.contains(part), "{said}");
    }
}

#[tokio::test]
async fn a_trusted_authority_does_not_excuse_what_else_is_wrong_with_a_certificate() {
    let good = server(GOOD).await;
    let expired = server(EXPIRED).await;
    for (host, port, why) in
        [("wrong.test", good, "another name"), ("named.test", expired, "has expired")]
    {
        let refused = ask(host, port, &[host]).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{refused}");
        assert!(!refused.is_ours() && refused.is_unsent(), "it is the provider's to mend");
    }
}

#[test]
fn what_is_no_host_or_no_certificate_is_refused() {
    let add = |host, pem: &[u8]| ExtraRoots::default().add([host], pem);
    for host in ["named.test", "127.0.0.1", "::1", "[::1]", "bücher.test"] {
        assert!(add(host, AUTHORITY).is_ok(), "{host}");
    }
    for host in ["", "named.test:443", "https://named.test", "a b", "named.test/x", "*.test"] {
        assert!(matches!(add(host, AUTHORITY), Err(RootsError::NoHost(_))), "{host}");
    }
    let broken = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(matches!(add("named.test", b""), Err(RootsError::NoCertificate)));
    assert!(matches!(add("named.test", KEY), Err(RootsError::NoCertificate)));
    assert!(matches!(add("named.test", broken), Err(RootsError::Unreadable(_))));
}
