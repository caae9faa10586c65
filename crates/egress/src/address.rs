//! Which addresses may be dialled. The ranges are those of the IANA special-purpose registries (RFC
//! 6890, RFC 8190); an address that is not known to be public is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// Private networks that the operator lets connectors reach.
#[derive(Clone, Debug, Default)]
pub struct Networks(Vec<IpNet>);

impl Networks {
    /// Returns whether an address is inside one of them. An address where clouds keep the secrets
    /// of their machines never is.
    pub fn contain(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        !is_metadata(address) && self.0.iter().any(|network| network.contains(&address))
    }
}

impl FromIterator<IpNet> for Networks {
    fn from_iter<I: IntoIterator<Item = IpNet>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

/// Returns whether an address is one that every machine on the Internet can reach.
pub(super) fn is_public(address: IpAddr) -> bool {
    let address = address.to_canonical();
    if is_metadata(address) {
        return false;
    }
    match address {
        IpAddr::V4(v4) => is_public_v4(v4),
        IpAddr::V6(v6) => is_public_v6(v6),
    }
}

pub(super) fn is_metadata(address: IpAddr) -> bool {
    const AWS_V6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
    const GOOGLE_V6: Ipv6Addr = Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254);
    const OTHERS: [Ipv4Addr; 3] = [
        Ipv4Addr::new(100, 100, 100, 200), // Alibaba
        Ipv4Addr::new(168, 63, 129, 16),   // Azure
        Ipv4Addr::new(192, 0, 0, 192),     // Oracle
    ];
    match address {
        IpAddr::V4(v4) => v4.is_link_local() || OTHERS.contains(&v4),
        IpAddr::V6(v6) => {
            [AWS_V6, GOOGLE_V6].contains(&v6) || v6.is_unicast_link_local() || leads_to_v4(v6)
        }
    }
}

/// Returns whether an address is a NAT64 or 6to4 one: those may lead to any IPv4 address, in any
/// network.
fn leads_to_v4(v6: Ipv6Addr) -> bool {
    matches!(v6.segments(), [0x64, 0xff9b, ..] | [0x2002, ..])
}

fn is_public_v4(v4: Ipv4Addr) -> bool {
    const SPECIAL: [([u8; 4], u32); 18] = [
        ([0, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([100, 64, 0, 0], 10),
        ([127, 0, 0, 0], 8),
        ([169, 254, 0, 0], 16),
        ([172, 16, 0, 0], 12),
        ([192, 0, 0, 0], 24),
        ([192, 0, 2, 0], 24),
        ([192, 31, 196, 0], 24),
        ([192, 52, 193, 0], 24),
        ([192, 88, 99, 0], 24),
        ([192, 168, 0, 0], 16),
        ([192, 175, 48, 0], 24),
        ([198, 18, 0, 0], 15),
        ([198, 51, 100, 0], 24),
        ([203, 0, 113, 0], 24),
        ([224, 0, 0, 0], 4),
        ([240, 0, 0, 0], 4),
    ];
    let is_special = SPECIAL.iter().any(|&(network, length)| {
        (u32::from(v4) ^ u32::from_be_bytes(network)) >> (32 - length) == 0
    });
    !is_special
}

/// Returns whether an address is public: only `2000::/3` is handed out, and parts of it lead to
/// IPv4 addresses or nowhere.
fn is_public_v6(v6: Ipv6Addr) -> bool {
    const SPECIAL: [([u16; 3], u32); 5] = [
        ([0x2001, 0, 0], 23),
        ([0x2001, 0xdb8, 0], 32),
        ([0x2002, 0, 0], 16),
        ([0x2620, 0x4f, 0x8000], 48),
        ([0x3fff, 0, 0], 20),
    ];
    let is_special = SPECIAL.iter().any(|&([a, b, c], length)| {
        let network = u128::from(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0));
        (u128::from(v6) ^ network) >> (128 - length) == 0
    });
    v6.segments()[0] & 0xe000 == 0x2000 && !is_special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn s1_special_addresses_are_not_public() {
        for special in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.1",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.1.1.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(!is_public(at(special)), "{special}");
        }
    }

    #[test]
    fn public_addresses_are_public() {
        for public in [
            "1.1.1.1",
            "93.184.215.14",
            "172.32.0.1",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(at(public)), "{public}");
        }
    }

    #[test]
    fn s1_metadata_addresses_cannot_be_allowed() {
        let all: Networks = ["0.0.0.0/0", "::/0"].iter().map(|net| net.parse().unwrap()).collect();
        for metadata in [
            "169.254.169.254",
            "169.254.170.2",
            "100.100.100.200",
            "fd00:ec2::254",
            "fe80::1",
            "::ffff:169.254.169.254",
            "168.63.129.16",
            "192.0.0.192",
            "fd20:ce::254",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::",
        ] {
            assert!(!all.contain(at(metadata)), "{metadata}");
        }
        assert!(all.contain(at("127.0.0.1")));
    }

    proptest! {
        #[test]
        fn s1_a_mapped_address_is_as_public_as_what_it_maps(v4: u32) {
            let v4 = Ipv4Addr::from(v4);
            prop_assert_eq!(is_public(v4.into()), is_public(v4.to_ipv6_mapped().into()));
        }

        #[test]
        fn s1_the_standard_librarys_special_addresses_are_not_public(bits: u32) {
            let v4 = Ipv4Addr::from(bits);
            let special = v4.is_private() || v4.is_loopback() || v4.is_link_local()
                || v4.is_broadcast() || v4.is_documentation() || v4.is_multicast()
                || v4.is_unspecified();
            prop_assert!(!(special && is_public(v4.into())));
        }
    }
}
