//! Names whose addresses are not what they seem.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::*;

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn ips(texts: &[&str]) -> Vec<IpAddr> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

/// Returns a way out to loopback whose names are answered by `answers`, one after another, the last
/// one for ever; with how often it was asked.
fn scripted(answers: Vec<Vec<IpAddr>>) -> (Egress, Arc<AtomicUsize>) {
    let asked = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&asked);
    let names = Names::Script(Box::new(move |_| {
        let turn = counted.fetch_add(1, Ordering::SeqCst);
        answers[turn.min(answers.len() - 1)].clone()
    }));
    (
        Egress::over(Dialer::new(names, loopback(), None, Trust::new(ExtraRoots::default())), None),
        asked,
    )
}

async fn forbidden(egress: &Egress, url: &str) -> bool {
    matches!(egress.send(get(url), PLENTY).await, Err(EgressError::Forbidden(_)))
}

#[tokio::test]
async fn s2_one_bad_address_among_good_ones_is_one_too_many() {
    let (address, mut connections) = server(OK).await;
    let url = format!("http://rebinding.example:{}/", address.port());
    let good = "127.0.0.1";
    let bad = "10.0.0.1";
    for answer in [
        ips(&[good, bad]),
        ips(&[bad, good]),
        ips(&[good, good, good, good, good, bad]),
        ips(&[good, "169.254.169.254"]),
        ips(&[good, "::ffff:10.0.0.1"]),
    ] {
        let (egress, _) = scripted(vec![answer.clone()]);
        assert!(forbidden(&egress, &url).await, "{answer:?}");
    }
    assert!(connections.try_recv().is_err(), "nothing was dialled");
    let (egress, _) = scripted(vec![ips(&[good, "127.0.0.2"])]);
    assert!(egress.send(get(&url), PLENTY).await.is_ok(), "good ones alone are dialled");
}

#[tokio::test]
async fn s2_the_address_that_was_checked_is_the_one_dialled() {
    let (address, mut connections) = server(OK).await;
    let url = format!("http://rebinding.example:{}/", address.port());
    let (egress, asked) = scripted(vec![ips(&["127.0.0.1"]), ips(&["169.254.169.254"])]);
    assert!(egress.send(get(&url), PLENTY).await.is_ok());
    assert_eq!(asked.load(Ordering::SeqCst), 1, "one question for one dial");
    assert!(connections.try_recv().is_ok());

    assert!(forbidden(&egress, &url).await, "what the name says next is checked too");
    assert_eq!(asked.load(Ordering::SeqCst), 2);
    assert!(connections.try_recv().is_err());
}

#[tokio::test]
async fn s2_a_name_of_a_special_address_leads_nowhere() {
    for special in [
        "10.0.0.1",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "fd00::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::a00:1",
    ] {
        let (egress, _) = scripted(vec![ips(&[special])]);
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://innocent.example/");
            assert!(forbidden(&egress, &url).await, "{scheme} to {special}");
        }
    }
}
