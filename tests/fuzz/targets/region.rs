//! The bytes of the shared file: whatever is in it, it is a region.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use amm_core::admission::Purpose;
use amm_core::breaker::Event;
use amm_core::config::{Settings, Value};
use amm_core::node::{AdminOverride, Role};
use amm_core::probe::Judgement;
use amm_core::trial::Token;
use amm_core::verdict::{ErrorSeen, Phase};
use amm_engine::attempt::{Attempt, Step};
use amm_engine::cluster::Cluster;
use amm_engine::definition::Definition;
use amm_engine::host::Host;
use amm_engine::lease::{self, Lease};
use amm_engine::pick::{NodeSet, Pick};
use amm_engine::probe::{self, Finding, ProbeResult};
use amm_engine::shm::{Location, Mapping, Region};
use amm_engine::{monitor, status};

use crate::bytes::Bytes;

const NODES: usize = 3;
/// Words of a region.
const WORDS: usize = size_of::<Region>() / 8;

thread_local! {
    static DEFINITIONS: [Arc<Definition>; 2] = [definition("single"), definition("spread")];
    static HOST: Option<Host> = Host::open(nowhere(), 0).ok();
    static ROUNDS: Cell<u64> = const { Cell::new(0) };
}

/// A file that cannot be: the host works privately.
fn nowhere() -> Location {
    Location {
        path: "/proc/nowhere/amm".into(),
        mode: 0o600,
    }
}

fn definition(writers: &str) -> Arc<Definition> {
    let nodes = ["10.0.0.1", "10.0.0.2", "10.0.0.3"];
    let map = vec![
        ("flavour".to_owned(), "galera".into()),
        ("writers".to_owned(), writers.into()),
        ("username".to_owned(), "u".into()),
        (
            "nodes".to_owned(),
            Value::List(nodes.into_iter().map(Value::from).collect()),
        ),
    ];
    let settings = Settings::try_from_value(&Value::Map(map));
    #[allow(clippy::expect_used)]
    Arc::new(Definition::new(settings.expect("is valid"), None))
}

/// Fills a region with the data, then does what processes do.
pub(crate) fn bytes(data: &[u8]) {
    let mut bytes = Bytes::new(data);
    let Ok(mapping) = Mapping::private() else {
        return;
    };
    let mapping = Arc::new(mapping);
    let kind = bytes.byte();
    let now = match kind & 3 {
        0 => 1_000_000,
        1 => 0,
        2 => (1 << 40) - 100,
        _ => u64::from(u32::MAX) * 1_000,
    };
    if kind & 4 != 0 {
        let word = bytes.word();
        words(mapping.region()).for_each(|w| w.store(word, Ordering::Relaxed));
    }
    let definition = DEFINITIONS.with(|all| Arc::clone(&all[usize::from(kind >> 3 & 1)]));
    if kind & 16 != 0 {
        poke_anywhere(&mut bytes, mapping.region());
    }
    let Ok(cluster) = Cluster::attach(definition, Arc::clone(&mapping), now) else {
        return;
    };
    poke_slot(&mut bytes, &cluster);
    let mut done = 0;
    while !bytes.is_empty() && done < 64 {
        let operation = bytes.byte();
        act(&cluster, operation, &mut bytes, now + done * 37);
        done += 1;
    }
    // What an operator is shown is always complete.
    HOST.with(|host| {
        if let Some(host) = host {
            assert_eq!(status::of(&cluster, host).nodes.len(), NODES);
        }
    });
    ROUNDS.set(ROUNDS.get() + 1);
}

/// All words of a region.
fn words(region: &Region) -> impl Iterator<Item = &AtomicU64> {
    // SAFETY: a region is aligned to 64, made of atomics and of padding that
    // nothing reads, and its size is a multiple of 8; the references live no
    // longer than it does. Nobody else uses this private one, so that words are
    // never accessed in two sizes at once.
    let all = unsafe { std::slice::from_raw_parts(std::ptr::from_ref(region).cast(), WORDS) };
    all.iter()
}

fn poke_anywhere(bytes: &mut Bytes<'_>, region: &Region) {
    for _ in 0..bytes.byte() % 16 {
        let at = bytes.word() as usize % WORDS;
        let value = bytes.word();
        if let Some(word) = words(region).nth(at) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

/// Pokes the words that the cluster itself uses.
fn poke_slot(bytes: &mut Bytes<'_>, cluster: &Cluster) {
    let slot = std::ptr::from_ref(cluster.shared()).addr();
    let base = std::ptr::from_ref(cluster.mapping.region()).addr();
    let node_words = size_of_val(cluster.node(0)) / 8;
    for _ in 0..bytes.byte() % 32 {
        let which = usize::from(bytes.byte());
        let at = match which {
            0..128 => (slot - base) / 8 + which,
            _ => {
                let node = std::ptr::from_ref(cluster.node(which % NODES)).addr();
                (node - base) / 8 + (which - 128) / NODES % node_words
            }
        };
        let value = bytes.word();
        if let Some(word) = words(cluster.mapping.region()).nth(at) {
            word.store(value, Ordering::Relaxed);
        }
    }
}

fn act(cluster: &Cluster, operation: u8, bytes: &mut Bytes<'_>, now: u64) {
    let me = Token::new(u64::from(operation >> 6) + 1);
    let index = usize::from(operation >> 4) % NODES;
    let key = u64::from(operation) << 20;
    let purpose = match operation & 32 {
        0 => Purpose::Write,
        _ => Purpose::Read,
    };
    let node = cluster.node(index);
    match operation & 15 {
        0 => {
            let picked = cluster.pick(purpose, key, NodeSet::default(), me, now);
            if let Pick::Chosen(chosen) = picked {
                assert!(chosen.index < NODES);
                cluster.may_stay(chosen.index, chosen.epoch, purpose);
            }
        }
        1 => {
            let found = cluster.candidates(key, now);
            assert!(found.len() <= NODES && found.iter().all(|c| c.index < NODES));
        }
        2 => {
            cluster.glance(index, purpose, now);
            cluster.is_panicking(now);
        }
        3 | 4 => {
            let errnos = [2002, 2006, 1290, 1047, 1040, 1213, 1045, 1226];
            let seen = ErrorSeen {
                errno: errnos.get(usize::from(bytes.byte()) % 8).copied(),
                ..ErrorSeen::default()
            };
            let phase = match operation & 15 {
                3 => Phase::Dial,
                _ => Phase::InUse,
            };
            cluster.report(index, node.load().epoch, &seen, phase, me, now);
        }
        5 => {
            cluster.succeeded(index, node.load().epoch, me, now);
        }
        6 => {
            let began = node.state.load(Ordering::Acquire);
            let finding = match bytes.byte() % 5 {
                0 => Finding::Answered(Judgement::writer(Some(1))),
                1 => Finding::Answered(Judgement::unintelligible()),
                2 => Finding::Failed { fatal: true },
                3 => Finding::NoLogin,
                _ => Finding::Inconclusive,
            };
            probe::publish(cluster, index, began, &ProbeResult::of(finding), now);
        }
        7 => {
            if let Some(mut held) = Lease::take(&cluster.shared().lease, me, now) {
                assert!(held.renew(&cluster.shared().lease, me, now + 300));
                node.apply(Event::LeaseTaken, true, &cluster.definition.policy, now);
                held.release(&cluster.shared().lease);
            }
            let _ = lease::age_ms(&cluster.shared().deputy, now);
        }
        8 => {
            if node.claim_trial(me, now, now + 1_000) {
                assert!(node.holds_trial(me));
                cluster.release(index, me);
            }
        }
        9 => {
            cluster.distrust_reporter(index, now);
        }
        10 => {
            let mut attempt = Attempt::new(cluster, purpose, key, me, now);
            for _ in 0..NODES {
                if matches!(attempt.step(now), Step::Wait { .. }) {
                    break;
                }
            }
        }
        11 => {
            let said = [
                AdminOverride::Unset,
                AdminOverride::Enabled,
                AdminOverride::Draining,
                AdminOverride::Disabled,
            ];
            let said = said.get(usize::from(bytes.byte()) % 4).copied();
            let event = Event::Admin(said.unwrap_or_default());
            node.apply(event, false, &cluster.definition.policy, now);
        }
        12 => {
            cluster.free_if_idle(now);
        }
        13 => {
            let definition = Arc::clone(&cluster.definition);
            let again = Cluster::attach(definition, Arc::clone(&cluster.mapping), now);
            assert!(again.is_ok_and(|c| c.definition.nodes.len() == NODES));
        }
        14 => {
            let refused = Event::WriteRefused(Role::Reader);
            node.apply(refused, false, &cluster.definition.policy, now);
        }
        _ => {
            cluster.touch(now);
            monitor::is_vacant(cluster, now);
            let _ = (cluster.incumbent(), node.last_probe(), node.last_error());
        }
    }
}
