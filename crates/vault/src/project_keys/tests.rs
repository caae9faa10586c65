use astralform_domain::{Clock, Environment, HostSet, MemberId, Owner, Tenant, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::{KeyRing, KeyUse};

fn keys(seed: u64) -> ProjectKeys {
    let entropy = Entropy::seeded(seed);
    let ring = KeyRing::generate(&entropy);
    let [data, tags] = [KeyUse::Data, KeyUse::Tags].map(|of_use| {
        ring.new_key(Some(project(seed)), of_use, ring.current(), &entropy).ok().unwrap().envelope
    });
    ring.open_keys(project(seed), &data, [], &tags).ok().unwrap()
}

fn project(seed: u64) -> ProjectId {
    ProjectId::new(&Clock::manual(Timestamp::from_secs(1)), &Entropy::seeded(seed))
}

fn hosts(names: &[&str]) -> HostSet {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn secret() -> Secret {
    Secret::new("xoxp-the-token".to_owned())
}

/// The fields of a binding, owned, so that each can be changed by itself.
#[derive(Clone)]
struct Place {
    tenant: Tenant,
    owner: Owner,
    table: &'static str,
    row: String,
    column: &'static str,
    generation: i64,
    hosts: HostSet,
}

impl Place {
    fn of(key: &ProjectKeys) -> Self {
        Self {
            tenant: Tenant { project: key.project(), environment: Environment::Test },
            owner: Owner::EndUser("alice".parse().unwrap()),
            table: "tokens",
            row: "conn_1/user".to_owned(),
            column: "access_token",
            generation: 1,
            hosts: hosts(&["api.example.com"]),
        }
    }

    fn binding(&self) -> Binding<'_> {
        Binding {
            tenant: self.tenant,
            owner: &self.owner,
            table: self.table,
            row: &self.row,
            column: self.column,
            generation: self.generation,
            hosts: &self.hosts,
        }
    }
}

#[test]
fn v1_a_secret_opens_only_in_the_place_it_was_sealed_for() {
    let key = keys(1);
    let home = Place::of(&key);
    let sealed = key.seal(home.binding(), &secret(), &Entropy::seeded(2));
    assert_eq!(key.open(home.binding(), &sealed).ok().unwrap().expose(), "xoxp-the-token");

    let elsewhere: [fn(&mut Place); 11] = [
        |place| place.tenant.project = project(99),
        |place| place.tenant.environment = Environment::Live,
        |place| place.owner = Owner::EndUser("bob".parse().unwrap()),
        |place| place.owner = Owner::Project,
        |place| place.owner = Owner::Member(MemberId::from_bytes([7; 16])),
        |place| place.table = "connections",
        |place| place.row = "conn_2/user".to_owned(),
        |place| place.column = "refresh_token",
        |place| place.generation = 2,
        |place| place.hosts = hosts(&["evil.example.com"]),
        |place| place.hosts = hosts(&["api.example.com", "evil.example.com"]),
    ];
    for (number, moved) in elsewhere.iter().enumerate() {
        let mut place = home.clone();
        moved(&mut place);
        assert_eq!(key.open(place.binding(), &sealed).err(), Some(OpenError::Refused), "{number}");
    }
}

#[test]
fn v1_a_secret_with_any_bit_flipped_does_not_open() {
    let key = keys(1);
    let home = Place::of(&key);
    let sealed = key.seal(home.binding(), &secret(), &Entropy::seeded(2));
    for at in 0..sealed.as_bytes().len() * 8 {
        let mut bytes = sealed.as_bytes().to_vec();
        bytes[at / 8] ^= 1 << (at % 8);
        assert!(key.open(home.binding(), &Sealed::from_bytes(bytes)).is_err(), "bit {at}");
    }
}

#[test]
fn v1_another_projects_key_does_not_open_a_secret() {
    let key = keys(1);
    let other = keys(2);
    let home = Place::of(&key);
    let sealed = key.seal(home.binding(), &secret(), &Entropy::seeded(3));
    assert_eq!(other.open(home.binding(), &sealed).err(), Some(OpenError::OtherKey));
}

#[test]
fn v3_what_an_older_key_sealed_opens_and_what_is_sealed_anew_is_the_current_ones() {
    let old = keys(1);
    let home = Place::of(&old);
    let sealed = old.seal(home.binding(), &secret(), &Entropy::seeded(3));
    let current = DataKey { project: old.project(), ..keys(2).current };
    let rotated = ProjectKeys { current, others: vec![old.current.clone()], tags: old.tags };
    assert_eq!(rotated.open(home.binding(), &sealed).ok().unwrap().expose(), secret().expose());
    let anew = rotated.seal(home.binding(), &secret(), &Entropy::seeded(4));
    assert_eq!(KeyId::of(&anew), Some(rotated.current()));
    let retired = ProjectKeys { others: Vec::new(), ..rotated };
    assert_eq!(retired.open(home.binding(), &sealed).err(), Some(OpenError::OtherKey));
    assert!(retired.open(home.binding(), &anew).is_ok());
}

#[test]
fn fields_that_run_together_are_still_told_apart() {
    let key = keys(1);
    let mut one = Place::of(&key);
    one.hosts = hosts(&["ab", "c"]);
    let mut two = one.clone();
    two.hosts = hosts(&["a", "bc"]);
    let sealed = key.seal(one.binding(), &secret(), &Entropy::seeded(3));
    assert_eq!(key.open(two.binding(), &sealed).err(), Some(OpenError::Refused));
}

#[test]
fn a_tag_depends_on_key_and_message() {
    let key = keys(1);
    let other = keys(2);
    let tag = key.tag(Purpose::ConnectLink, b"areq");
    assert_eq!(tag, key.tag(Purpose::ConnectLink, b"areq"));
    assert_ne!(tag, key.tag(Purpose::ConnectLink, b"areq2"));
    assert_ne!(tag, other.tag(Purpose::ConnectLink, b"areq"));
    assert_ne!(tag, key.tag(Purpose::Confirmation, b"areq"));
}

proptest! {
    #[test]
    fn what_is_sealed_opens_again(text in ".{0,400}", seed: u64) {
        let key = keys(1);
        let home = Place::of(&key);
        let sealed = key.seal(home.binding(), &Secret::new(text.clone()), &Entropy::seeded(seed));
        let opened = key.open(home.binding(), &sealed).ok().unwrap();
        prop_assert_eq!(opened.expose(), &text);
    }

    #[test]
    fn no_bytes_make_opening_panic(bytes: Vec<u8>) {
        let key = keys(1);
        let home = Place::of(&key);
        prop_assert!(key.open(home.binding(), &Sealed::from_bytes(bytes)).is_err());
    }
}
