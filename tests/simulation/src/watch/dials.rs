//! Who may be dialled: guarantees 1 and 2, trials, operators' words, panic.

use amm_core::admission::{Admission, Purpose};
use amm_core::config::Admin;
use amm_core::node::Phase;
use amm_engine::node::ProbeOutcome;

use crate::watch::posts;
use crate::worker::Dial;
use crate::world::World;

pub(crate) fn dial_begins(world: &mut World, pid: usize, dial: &Dial) {
    let now = world.now;
    let host = world.processes[pid].host;
    let node = dial.chosen.index;
    let cluster = &world.hosts[host].cluster;
    let glance = cluster.glance(node, Purpose::Write, now);
    let definition = &world.plan.definition;
    let name = format!("p{pid} dials s{node} of h{host}");

    if glance.admin == Admin::Disabled {
        world
            .watch
            .breaks("what operators disabled is not dialled", now, name);
        return;
    }
    let book = &world.watch.hosts[host].nodes[node];
    if let Some(known) = book.known_gone_ms
        && !dial.chosen.trial
    {
        let what = format!(
            "{name}, which it has known to be gone for {} ms",
            now - known
        );
        world
            .watch
            .breaks("a node known to be gone gets no dial but trials", now, what);
        return;
    }
    let round = definition.fresh_ms();
    if let Some(known) = book.known_gone_ms
        && dial.chosen.trial
        && glance.admission == Admission::Trial
        && now - known > round
        && posts::watched_for(world, host, node) > round
    {
        let what = format!(
            "{name} on trial, though probes have found it gone for {} ms",
            now - known
        );
        world.watch.breaks(
            "where probes watch, a node that is gone gets no trial",
            now,
            what,
        );
        return;
    }
    let admitted = |other: usize| {
        let glance = cluster.glance(other, Purpose::Write, now);
        other != node && matches!(glance.admission, Admission::Open | Admission::Ramp(_))
    };
    let others = (0..world.servers.len()).any(admitted);
    let server = &world.servers[node];
    let hold = definition.policy.hold_down_ms;
    if let Some(out) = book.flaps_out_ms
        && server.flaps_until > now
        && server.flaps_up + 300 < hold
        && others
        && !world.plan.is_exclusive()
        && !matches!(glance.admission, Admission::Refused(_))
        && posts::watched_for(world, host, node) > now - out + 1_000
    {
        let what = format!("{name}, which flaps since {} ms at least", now - out);
        world
            .watch
            .breaks("a node that flaps takes no traffic", now, what);
        return;
    }
    let asked = cluster.node(node).last_probe().outcome;
    let askable = definition.can_probe() && asked != ProbeOutcome::NoLogin;
    if book.demoted && askable {
        let what = format!("{name}, which takes no writes");
        world
            .watch
            .breaks("a demoted node gets no write unasked", now, what);
        return;
    }
    if !dial.chosen.trial {
        return;
    }
    let claim = definition.settings.connect_timeout.as_millis() as u64 + 1_000;
    let rival = book.trials.iter().find(|(other, began)| {
        let other = &world.processes[*other];
        !other.dead && !other.stopped && now < began + claim
    });
    if let Some((other, _)) = rival.filter(|(other, _)| *other != pid) {
        let what = format!("{name} on trial, as p{other} does");
        world.watch.breaks("one trial at a time", now, what);
        return;
    }
    let backoff = definition.policy.backoff;
    let shortest = (backoff.base_ms as f64 * (1.0 - backoff.jitter)) as u64;
    let spaced = now.saturating_sub(book.trial_failed_ms);
    let request = world.processes[pid].request.as_ref();
    if glance.admission == Admission::Trial
        && request.is_some_and(|r| r.dials == 1)
        && others
        && glance.state.phase == Phase::Open
        && spaced < shortest
    {
        let what = format!("{name} on trial, {spaced} ms after another failed");
        world
            .watch
            .breaks("trials are spaced by the backoff", now, what);
        return;
    }
    world.watch.hosts[host].nodes[node].trials.push((pid, now));
}

pub(crate) fn dial_ends(world: &mut World, pid: usize, dial: &Dial, succeeded: bool) {
    let host = world.processes[pid].host;
    let watched = world.hosts[host]
        .cluster
        .is_watched(dial.chosen.index, world.now);
    let sick = world.processes[pid].sick.is_some();
    let book = &mut world.watch.hosts[host].nodes[dial.chosen.index];
    book.trials
        .retain(|(other, began)| (*other, *began) != (pid, dial.began));
    if !dial.chosen.trial {
        return;
    }
    match succeeded {
        // Nobody probes: the dial is the last word.
        true if !watched => book.demoted = false,
        // Where probes watch, they say when it is tried again; and who is sick may
        // not be believed.
        false if !watched && !sick => book.trial_failed_ms = world.now,
        _ => {}
    }
}

/// A process waits for what another finds out.
pub(crate) fn waits(world: &mut World, pid: usize) {
    let host = world.processes[pid].host;
    let waiting = world.processes.iter().filter(|p| {
        p.host == host && !p.dead && !p.stopped && p.request.as_ref().is_some_and(|r| r.waits)
    });
    let waiting = waiting.count();
    if waiting > amm_engine::shm::layout::WAITERS {
        let what = format!("{waiting} processes of h{host} wait");
        world.watch.breaks("few wait in a panic", world.now, what);
    }
}
