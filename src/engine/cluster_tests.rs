use super::*;
use crate::table::FREEING;
use crate::testing::{definition, spread};
use amm_core::breaker::Event;

fn mapping() -> Arc<Mapping> {
    Arc::new(Mapping::private().unwrap())
}

fn attach(mapping: &Arc<Mapping>, host: &str, now: u64) -> Result<Cluster, TableFull> {
    let cluster = Cluster::attach(definition(&[host], &spread()), Arc::clone(mapping), now)?;
    cluster.touch(now);
    Ok(cluster)
}

#[test]
fn the_same_nodes_are_the_same_slot_whatever_the_settings() {
    let mapping = mapping();
    let a = Cluster::attach(definition(&["a", "b"], &spread()), Arc::clone(&mapping), 1).unwrap();
    let keys = [
        ("flavour", "galera".into()),
        ("probe_interval", "250ms".into()),
    ];
    let b = Cluster::attach(definition(&["b", "a"], &keys), Arc::clone(&mapping), 1).unwrap();
    a.node(0).dials.store(5, Ordering::Relaxed);
    assert_eq!(b.node(1).dials.load(Ordering::Relaxed), 5);
    assert_eq!(
        a.shared().interval_ms.load(Ordering::Relaxed),
        250,
        "the strictest wins"
    );
}

#[test]
fn racing_processes_end_in_one_slot() {
    for round in 0..50u64 {
        let mapping = mapping();
        let slots: Vec<usize> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let mapping = &mapping;
                    scope.spawn(move || attach(mapping, &format!("h{round}"), 1).unwrap().slot)
                })
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let taken = mapping.region().clusters.iter();
        let taken = taken
            .filter(|s| s.identity.load(Ordering::Relaxed) != 0)
            .count();
        assert_eq!(taken, 1);
        assert!(slots.iter().all(|s| *s == slots[0]));
    }
}

#[test]
fn a_full_table_says_so_until_an_idle_cluster_makes_room() {
    let mapping = mapping();
    let now = 10_000_000;
    for host in 0..layout::CLUSTERS {
        attach(&mapping, &format!("h{host}"), now).unwrap();
    }
    let error = attach(&mapping, "one-too-many", now)
        .err()
        .unwrap()
        .to_string();
    assert!(error.contains("64 cluster slots"), "{error}");
    assert!(attach(&mapping, "later", now + 700_000).is_ok());
}

#[test]
fn a_slot_that_changed_hands_makes_old_handles_stale() {
    let mapping = mapping();
    let old = attach(&mapping, "old", 1_000_000).unwrap();
    let epoch = old.node(0).load().epoch;
    assert!(old.is_attached() && old.may_stay(0, epoch, amm_core::admission::Purpose::Write));
    old.node(0).apply(
        Event::DialFailed { trial: false },
        false,
        &old.definition.policy,
        1_000_000,
    );
    assert!(!old.free_if_idle(1_100_000), "used a moment ago");
    assert!(old.free_if_idle(1_700_001));
    assert!(!old.is_attached());
    let again = attach(&mapping, "old", 1_700_002).unwrap();
    assert!(
        again.node(0).load().is_writable(),
        "nothing is held against a new start"
    );
    assert!(!again.may_stay(0, epoch, amm_core::admission::Purpose::Write));
}

#[test]
fn a_slot_abandoned_while_it_was_freed_is_taken_again() {
    let mapping = mapping();
    for slot in &mapping.region().clusters {
        slot.identity.store(FREEING, Ordering::Relaxed);
    }
    assert!(attach(&mapping, "a", 1).is_ok());
}
