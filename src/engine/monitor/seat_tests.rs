use super::*;
use crate::monitor::{NodeProber, Progress};
use crate::testing::{cluster, definition};
use amm_core::config::Value;
use std::cell::Cell;
use std::rc::Rc;

/// A prober whose process has no descriptors left, if it says so.
struct Fake(Rc<Cell<bool>>);

impl NodeProber for Fake {
    fn is_alive(&self) -> bool {
        true
    }
    fn progress(&self) -> Progress {
        Progress::Idle
    }
    fn probe(&self, _: u64, _: u64, _: bool) {}
    fn abandon(&self) {}
    fn unable(&self) -> u32 {
        if self.0.get() { 2 } else { 0 }
    }
}

fn seat(cluster: &Arc<Cluster>, me: u64, sick: &Rc<Cell<bool>>) -> Seat {
    let sick = Rc::clone(sick);
    #[expect(clippy::arc_with_non_send_sync, reason = "one thread")]
    let start: StartProber = Arc::new(move |_, _| Ok(Box::new(Fake(Rc::clone(&sick)))));
    Seat::new(Arc::clone(cluster), Token::new(me), start, 1_000)
}

#[test]
fn a_process_that_cannot_probe_leaves_the_lease_to_another() {
    let keys = [
        ("flavour", Value::from("galera")),
        ("username", "amm".into()),
    ];
    let mapping = Arc::clone(&cluster(&["10.0.0.1"], &keys).mapping);
    let cluster = Cluster::attach(definition(&["10.0.0.1"], &keys), mapping, 1_000);
    let cluster = Arc::new(cluster.unwrap());
    let (sick, well) = (Rc::new(Cell::new(false)), Rc::new(Cell::new(false)));
    let mut first = seat(&cluster, 1, &sick);
    let mut second = seat(&cluster, 2, &well);
    let leads = |me| {
        let word = cluster.shared().lease.load(Ordering::Acquire);
        amm_core::trial::is_held_by(word, Token::new(me))
    };
    first.tend(1_000);
    second.tend(1_000);
    assert!(leads(1));
    sick.set(true);
    assert_eq!(first.tend(1_100), Some(REST_MS));
    second.tend(1_101);
    assert!(leads(2));
    // Alone again, it tries once more after its rest.
    drop(second);
    first.tend(2_000);
    assert!(!leads(1) && !leads(2));
    sick.set(false);
    first.tend(1_100 + REST_MS);
    assert!(leads(1));
}
