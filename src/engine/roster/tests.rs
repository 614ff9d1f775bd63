use amm_core::config::Value;
use proptest::prelude::*;

use super::*;
use crate::testing;

fn listing(host: &str, port: u16) -> Listing {
    Listing::try_new(host, port, false).unwrap()
}

fn definition(keys: &[(&str, Value)]) -> std::sync::Arc<Definition> {
    testing::definition(&["10.0.0.1"], keys)
}

fn login(password: &str) -> Vec<(&'static str, Value)> {
    vec![("username", "amm".into()), ("password", password.into())]
}

fn some() -> Roster {
    Roster {
        listings: vec![
            listing("10.0.0.2", 3306),
            listing("2001:db8::2", 3307),
            listing("db-2.example.com", 3306),
            Listing::try_new("shop-2", 3306, true).unwrap(),
        ],
        nameless: 3,
        left_out: 0,
    }
}

/// The roster of `words`, read by the owner of `reader`.
fn read_as(words: &[u64; WORDS], reader: &Definition) -> Found {
    let record = Record::default();
    let mut term = record.begin_term();
    assert!(record.publish(&mut term, words));
    read(&record, reader).1
}

#[test]
fn what_was_written_is_read_by_those_with_the_same_credentials() {
    let ours = definition(&login("a"));
    let words = write(&ours, &some()).unwrap();
    assert_eq!(read_as(&words, &ours), Found::Roster(some()));
    assert_eq!(read_as(&words, &definition(&login("b"))), Found::Foreign);
    assert_eq!(read_as(&words, &definition(&[])), Found::Foreign);
    let other = testing::definition(&["10.0.0.9"], &login("a"));
    assert_eq!(read_as(&words, &other), Found::Foreign, "another cluster's");
    assert!(write(&definition(&[]), &some()).is_none());
}

#[test]
fn a_secret_stands_in_for_the_login_and_can_be_changed() {
    let with_secret = |password, secret: Value| {
        let mut keys = login(password);
        keys.push(("secret", secret));
        definition(&keys)
    };
    let old: Value = "0123456789abcdef".into();
    let new: Value = "fedcba9876543210".into();
    let words = write(&with_secret("old", old.clone()), &some()).unwrap();
    let read = |definition: &Definition| read_as(&words, definition);
    assert_eq!(
        read(&with_secret("new", old.clone())),
        Found::Roster(some())
    );
    assert_eq!(read(&definition(&login("old"))), Found::Foreign);
    assert_eq!(read(&with_secret("old", new.clone())), Found::Foreign);
    let both = Value::List(vec![new, old]);
    assert_eq!(read(&with_secret("old", both)), Found::Roster(some()));
}

#[test]
fn nothing_published_is_no_roster_and_half_of_one_is_torn() {
    let ours = definition(&login("a"));
    assert_eq!(read(&Record::default(), &ours), (0, Found::Nothing));
    assert_eq!(read_as(&[0; WORDS], &ours), Found::Nothing);
}

#[test]
fn those_who_find_no_room_are_counted() {
    let long = "x".repeat(60);
    let listings: Vec<Listing> = (0..60)
        .map(|i| listing(&format!("db-{i}.{long}.example.com"), 3306))
        .collect();
    let roster = Roster {
        listings,
        ..Roster::default()
    };
    let found = codec::decode(&codec::encode(&roster)).unwrap();
    assert_eq!(found.listings.len() + usize::from(found.left_out), 60);
    assert!(found.listings.len() >= 20, "{}", found.listings.len());
    let addresses: Vec<Listing> = (0..63)
        .map(|i| listing(&format!("100.100.100.{i}"), 65_535))
        .collect();
    let roster = Roster {
        listings: addresses,
        ..Roster::default()
    };
    assert_eq!(codec::decode(&codec::encode(&roster)), Some(roster));
}

proptest! {
    #[test]
    fn any_words_are_a_roster_in_canonical_form_or_none(
        head in any::<u64>(), rest in proptest::collection::vec(any::<u64>(), 0..12), tidy: bool,
    ) {
        let mut words = [0; WORDS];
        words[0] = if tidy { 1 | (head & 3) << 8 } else { head };
        for (at, word) in rest.iter().enumerate() {
            words[5 + at] = if tidy && at % 2 == 0 { word & 0x0101_ff07 } else { word & 0x7f7f_7f7f_7f7f_7f7f };
        }
        if let Some(roster) = codec::decode(&words) {
            prop_assert_eq!(codec::encode(&roster), words);
        }
        prop_assert_eq!(read_as(&words, &definition(&login("a"))) == Found::Foreign, words != [0; WORDS]);
    }

    #[test]
    fn a_roster_with_any_one_bit_turned_is_foreign(at in 0..WORDS, bit in 0..64) {
        let ours = definition(&login("a"));
        let mut words = write(&ours, &some()).unwrap();
        words[at] ^= 1u64 << bit;
        prop_assert_eq!(read_as(&words, &ours), Found::Foreign);
    }

    #[test]
    fn rosters_survive_their_words(
        hosts in proptest::collection::vec(("[a-z][a-z0-9-]{0,30}(\\.[a-z]{1,9}){0,2}|[1-9]\\.2\\.3\\.4", 1u16.., any::<bool>()), 0..20),
        nameless: u16,
    ) {
        let listings: Vec<Listing> = hosts
            .iter()
            .filter_map(|(host, port, bare)| Listing::try_new(host, *port, *bare))
            .collect();
        let roster = Roster { listings, nameless, left_out: 0 };
        prop_assert_eq!(codec::decode(&codec::encode(&roster)), Some(roster));
    }
}
