//! A healthy server is not banned because a client or the prober is sick
//! (guarantee 8), and a server that is well again comes back.

use amm_core::config::Admin;
use amm_core::node::{Phase, Role};

use crate::watch::posts;
use crate::world::World;

fn is_out(world: &World, host: usize, node: usize) -> bool {
    let state = world.watch.hosts[host].nodes[node].last;
    state.phase != Phase::Closed || matches!(state.role, Role::Reader | Role::Unready)
}

/// The host's word on a node changed.
pub(crate) fn changed(world: &mut World, host: usize, node: usize) {
    let now = world.now;
    let out = is_out(world, host, node);
    let book = &mut world.watch.hosts[host].nodes[node];
    if !book.clean {
        return;
    }
    match out {
        true => {
            book.banned_ms.get_or_insert(now);
        }
        false => book.banned_ms = None,
    }
    if book.last.phase == Phase::Recovering {
        let what = format!("s{node} of h{host}, to which nothing has happened");
        world
            .watch
            .breaks("a healthy node is not held down", now, what);
    }
}

pub(crate) fn look(world: &mut World, host: usize) {
    let now = world.now;
    let timeout = world.plan.definition.settings.probe_timeout.as_millis() as u64;
    for node in 0..world.servers.len() {
        let server = &world.servers[node];
        let state = world.watch.hosts[host].nodes[node].last;
        let whole = !is_out(world, host, node)
            && !state.scar
            && state.role == Role::Writer
            && world.plan.definition.admin(node, state.admin) == Admin::Enabled;
        let quiet = now > server.since + 1_500 && server.flaps_until < now;
        if whole && quiet && server.is_well_writer() {
            world.watch.hosts[host].nodes[node].clean = true;
        }
        let book = &world.watch.hosts[host].nodes[node];
        let Some(banned) = book.banned_ms.filter(|_| book.clean) else {
            continue;
        };
        if !posts::can_be_probed(world, host) {
            world.watch.hosts[host].disturbed_ms = now;
            continue;
        }
        let disturbed = world.watch.hosts[host].disturbed_ms;
        let round = timeout + 300;
        let allowed = match disturbed + 1_000 > banned {
            true => round + 1_000,
            false => round,
        };
        if now - banned.max(disturbed) > allowed {
            let what = format!("s{node} has been banned on h{host} for {} ms", now - banned);
            world.watch.breaks(
                "a healthy node is banned for one probe round at most",
                now,
                what,
            );
            return;
        }
    }
}

/// In the calm at the end every server is back in full.
pub(crate) fn at_the_end(world: &mut World) {
    if !world.plan.monitors {
        return;
    }
    let now = world.now;
    for host in 0..world.hosts.len() {
        for node in 0..world.servers.len() {
            let state = world.hosts[host].cluster.node(node).load();
            let right = state.role == world.servers[node].role;
            let whole = state.phase == Phase::Closed && !state.passive;
            let settled = state.role != Role::Writer || (!state.scar && state.streak == 0);
            if !(right && whole && settled) {
                let what = format!("s{node} of h{host} is {state:?}");
                world
                    .watch
                    .breaks("what is well again comes back in bounded time", now, what);
                return;
            }
        }
    }
}
