use super::*;

const SECOND: i64 = 1_000_000;

struct World {
    families: Families,
    temper: Temper,
    now: i64,
}

fn world(rotation: Rotation) -> World {
    let temper = Temper { rotation, lifetime: Duration::from_mins(1), ..Temper::default() };
    World { families: Families::new("seal".to_owned()), temper, now: SECOND }
}

impl World {
    fn refresh(&mut self, token: &str) -> Option<Pair> {
        let place = self.families.refresh_token(token).unwrap();
        self.families.refresh(place, &self.temper, self.now)
    }

    fn opens(&self, token: &str) -> bool {
        self.families.account(token, &self.temper, self.now) == Some("ada")
    }
}

#[test]
fn under_strict_rotation_a_token_that_is_used_again_ends_the_grant() {
    let mut world = world(Rotation::Strict);
    let first = world.families.grant("ada", world.now);
    let second = world.refresh(&first.refresh_token).unwrap();
    assert!(world.opens(&first.access_token) && world.opens(&second.access_token));
    assert!(world.refresh(&first.refresh_token).is_none());
    assert!(world.refresh(&second.refresh_token).is_none());
    assert!(!world.opens(&second.access_token));
    let ended = Family { account: "ada".to_owned(), refreshes: 1, ended: Some(Ended::Reused) };
    assert_eq!(world.families.all(), [ended]);
}

#[test]
fn a_used_token_is_good_within_the_grace_window_and_ends_the_grant_after_it() {
    let mut world = world(Rotation::Grace(Duration::from_secs(30)));
    let first = world.families.grant("ada", world.now);
    assert!(world.refresh(&first.refresh_token).is_some());
    world.now += 30 * SECOND;
    let third = world.refresh(&first.refresh_token).unwrap();
    assert!(world.opens(&third.access_token));
    world.now += 1;
    assert!(world.refresh(&first.refresh_token).is_none());
    assert!(!world.opens(&third.access_token));
}

#[test]
fn without_rotation_the_refresh_token_stays_the_same() {
    let mut world = world(Rotation::None);
    let first = world.families.grant("ada", world.now);
    for _ in 0..3 {
        let next = world.refresh(&first.refresh_token).unwrap();
        assert_eq!(next.refresh_token, first.refresh_token);
        assert_ne!(next.access_token, first.access_token);
    }
}

#[test]
fn access_tokens_end_with_time_with_a_refresh_where_that_is_so_and_when_told() {
    let mut world = world(Rotation::Strict);
    let first = world.families.grant("ada", world.now);
    world.now += 60 * SECOND - 1;
    assert!(world.opens(&first.access_token));
    world.now += 1;
    assert!(!world.opens(&first.access_token));
    world.temper.habits.insert(Habit::EndsAccess);
    let second = world.refresh(&first.refresh_token).unwrap();
    assert!(world.opens(&second.access_token));
    let third = world.refresh(&second.refresh_token).unwrap();
    assert!(!world.opens(&second.access_token) && world.opens(&third.access_token));
    world.families.expire_all();
    assert!(!world.opens(&third.access_token));
}

#[test]
fn what_the_provider_did_not_make_is_no_token() {
    let mut world = world(Rotation::Strict);
    let pair = world.families.grant("ada", world.now);
    for token in ["", "hrt-0-0-other", "hrt-0-1-seal", "hrt-1-0-seal", "hrt-x-0-seal"] {
        assert_eq!(world.families.any_token(token), None, "{token}");
    }
    assert_eq!(world.families.refresh_token(&pair.access_token), None);
    assert!(!world.opens(&pair.refresh_token));
}
