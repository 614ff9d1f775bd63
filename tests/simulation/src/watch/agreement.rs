//! Hosts that see the same health pick the same writer for the same key:
//! guarantee 7.

use amm_core::admission::{Admission, Purpose};
use amm_core::node::Role;
use std::sync::atomic::Ordering;

use crate::world::World;

const KEYS: u64 = 16;

/// Whether a node is admitted, its role, whether that rests on one process's
/// word, and its rank.
type Seen = (bool, Role, bool, u16);

/// What bears on a host's choice; `None` while something ramps or is on trial.
fn view(world: &World, host: usize) -> Option<Vec<Seen>> {
    let cluster = &world.hosts[host].cluster;
    (0..world.servers.len())
        .map(|node| {
            let rank = cluster.node(node).rank.load(Ordering::Relaxed);
            let state = cluster.node(node).load();
            match cluster.glance(node, Purpose::Write, world.now).admission {
                Admission::Open => Some((true, state.role, state.passive, rank)),
                Admission::Refused(_) => Some((false, state.role, state.passive, rank)),
                Admission::Ramp(_) | Admission::Trial => None,
            }
        })
        .collect()
}

fn choices(world: &World, host: usize) -> Vec<Option<usize>> {
    let cluster = &world.hosts[host].cluster;
    (0..KEYS)
        .map(|key| cluster.candidates(key, world.now).first().map(|c| c.index))
        .collect()
}

pub(crate) fn look(world: &mut World) {
    if !world.now.is_multiple_of(500) || world.hosts.len() < 2 {
        return;
    }
    let settled = |host: usize| world.hosts[host].cluster.incumbent();
    let stays = world.plan.is_exclusive()
        || world.plan.definition.settings.failback == amm_core::config::Failback::Manual;
    let views: Vec<_> = (0..world.hosts.len())
        .map(|host| view(world, host))
        .collect();
    for (a, seen) in views.iter().enumerate() {
        for (b, other) in views.iter().enumerate().skip(a + 1) {
            let some = seen
                .as_ref()
                .is_some_and(|v| v.iter().any(|(open, ..)| *open));
            let alike = some && seen == other && (!stays || settled(a) == settled(b));
            if alike && choices(world, a) != choices(world, b) {
                let what = format!("h{a} and h{b}: {seen:?}");
                world
                    .watch
                    .breaks("same health, same key, same writer", world.now, what);
                return;
            }
        }
    }
}

/// In the calm at the end all hosts see the same, and agree.
pub(crate) fn at_the_end(world: &mut World) {
    let manual = world.plan.definition.settings.failback == amm_core::config::Failback::Manual;
    if !world.plan.monitors || manual {
        return;
    }
    let all: Vec<_> = (0..world.hosts.len())
        .map(|host| choices(world, host))
        .collect();
    if let Some(other) = all.iter().position(|c| *c != all[0]) {
        let what = format!("h0: {:?}, h{other}: {:?}", all[0], all[other]);
        world
            .watch
            .breaks("in the calm all hosts agree", world.now, what);
    }
}
