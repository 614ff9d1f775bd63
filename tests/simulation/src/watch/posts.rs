//! Killed and stopped processes block nobody: guarantee 5.

use std::sync::atomic::Ordering;

use amm_core::trial;
use amm_engine::lease::{LONGEST_MS, TTL_MS};

use crate::plan::Sickness;
use crate::process::Process;
use crate::world::World;

/// Something befalls a process: if it holds a post, the host's probing may pause.
pub(crate) fn disturbed(world: &mut World, pid: usize) {
    let process = &world.processes[pid];
    let shared = process.cluster.shared();
    let post = [&shared.lease, &shared.deputy].iter().any(|word| {
        let word = word.load(Ordering::Relaxed);
        word != 0 && trial::is_held_by(word, process.token)
    });
    if post {
        world.watch.hosts[process.host].disturbed_ms = world.now;
    }
}

/// The process that leads, if it can probe.
pub(crate) fn sound_leader(world: &World, host: usize) -> Option<usize> {
    if !world.plan.monitors || !world.password {
        return None;
    }
    let word = world.hosts[host]
        .cluster
        .shared()
        .lease
        .load(Ordering::Relaxed);
    if trial::is_free(word, world.now, LONGEST_MS) {
        return None;
    }
    world.processes.iter().position(|p| {
        p.host == host
            && !p.dead
            && !p.stopped
            && p.sick != Some(Sickness::NoDescriptors)
            && trial::is_held_by(word, p.token)
    })
}

/// Whether the process has long been one that could probe for the host.
fn is_able(world: &World, process: &Process, host: usize) -> bool {
    process.host == host
        && !process.dead
        && !process.stopped
        && process.sick != Some(Sickness::NoDescriptors)
        && process.seat.is_some()
        && world.now - process.sound_since > 1_000
}

/// Whether some process of the host has long been able to probe.
pub(crate) fn can_be_probed(world: &World, host: usize) -> bool {
    let able = |p: &Process| is_able(world, p, host);
    world.plan.monitors && world.password && world.processes.iter().any(able)
}

/// For how long a sound leader has watched the node without disturbance, ms.
pub(crate) fn watched_for(world: &World, host: usize, node: usize) -> u64 {
    let watched = world.hosts[host].cluster.is_watched(node, world.now);
    match watched && sound_leader(world, host).is_some() {
        true => world.now - world.watch.hosts[host].disturbed_ms,
        false => 0,
    }
}

pub(crate) fn look(world: &mut World, host: usize) {
    let now = world.now;
    let settings = &world.plan.definition.settings;
    let dial = settings.connect_timeout.as_millis() as u64;
    let call = settings.connect_deadline.as_millis() as u64;
    let cluster = &world.hosts[host].cluster;
    let shared = cluster.shared();
    let load = |word: &std::sync::atomic::AtomicU64| word.load(Ordering::Relaxed);
    let nodes = 0..world.servers.len();
    let claims = nodes
        .map(|node| ("trial", load(&cluster.node(node).trial), dial + 1_000))
        .chain([
            ("lease", load(&shared.lease), TTL_MS),
            ("deputy", load(&shared.deputy), TTL_MS),
        ])
        .chain(
            shared
                .waiters
                .iter()
                .map(|word| ("waiter", load(word), call)),
        );
    for (what, word, longest) in claims {
        let until = word & ((1 << 40) - 1);
        if word != 0 && until > now + longest {
            let what = format!("a {what} of h{host} ends in {} ms", until - now);
            world.watch.breaks("every claim ends by itself", now, what);
            return;
        }
    }
    leader_is_replaced(world, host);
}

/// Within a second of the last disturbance a process that runs leads. Where the
/// deputy went with the leader, the next request finds that out.
fn leader_is_replaced(world: &mut World, host: usize) {
    let now = world.now;
    let disturbed = world.watch.hosts[host].disturbed_ms;
    let able = |p: &Process| is_able(world, p, host);
    if !world.plan.monitors || !world.processes.iter().any(able) {
        world.watch.hosts[host].vacant_since = None;
        return;
    }
    let shared = world.hosts[host].cluster.shared();
    let word = shared.lease.load(Ordering::Relaxed);
    let led = !trial::is_free(word, now, LONGEST_MS)
        && world
            .processes
            .iter()
            .any(|p| !p.dead && !p.stopped && trial::is_held_by(word, p.token));
    let book = &mut world.watch.hosts[host];
    if led {
        book.vacant_since = None;
        return;
    }
    let since = *book.vacant_since.get_or_insert(now);
    if now - since.max(disturbed) > 2_500 {
        let what = format!("nobody who runs has led on h{host} for {} ms", now - since);
        world
            .watch
            .breaks("a leader that is gone is replaced", now, what);
    }
}
