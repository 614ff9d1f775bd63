//! Whenever a healthy writer is there, requests are served: guarantee 6 and the
//! "no request fails" of guarantee 1.

use amm_core::config::Admin;
use amm_core::node::Role;

use crate::process::Request;
use crate::watch::posts;
use crate::world::World;

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Served,
    NoWriter,
    TooLate,
    /// Its password is wrong, or the like.
    OwnMistake,
    /// In a transaction.
    Refused,
    InDoubt,
}

pub(crate) fn request_ends(world: &mut World, pid: usize, request: &Request, ended: Ended) {
    if request.excused || !matches!(ended, Ended::NoWriter | Ended::TooLate) {
        return;
    }
    let process = &world.processes[pid];
    let host = process.host;
    if process.sick.is_some() {
        return;
    }
    if is_first_light(world, host, request) {
        let what = format!(
            "p{pid} r{} of h{host} after {} ms: {ended:?}",
            request.id,
            world.now - request.began
        );
        let rule = "after all were down the first request is served";
        world.watch.breaks(rule, world.now, what);
        return;
    }
    let policy = &world.plan.definition.policy;
    let began = request.began;
    let watched = world.plan.monitors
        && world.password
        && world.watch.hosts[host].disturbed_ms + 3_000 < began
        && posts::sound_leader(world, host).is_some();
    // Where nobody can be asked, time alone frees a node whose role forbade writes.
    let known = match watched {
        true => 3_000,
        false => policy.backoff.max_ms + 2_000,
    };
    let cluster = &world.hosts[host].cluster;
    let well = (0..world.servers.len()).find(|&node| {
        let server = &world.servers[node];
        let state = cluster.node(node).load();
        server.is_well_writer()
            && server.since + known < began
            && world.plan.definition.admin(node, state.admin) == Admin::Enabled
    });
    // Each hung server costs a dial of a second, of the three that a call has.
    let hung = world
        .servers
        .iter()
        .filter(|s| !s.is_well() || s.since + 5_000 > began)
        .count();
    let rivals = world.plan.is_exclusive()
        && world
            .servers
            .iter()
            .filter(|s| s.role == Role::Writer || s.since + 5_000 > began)
            .count()
            > 1;
    if let Some(node) = well
        && hung <= 1
        && !rivals
    {
        let what = format!(
            "p{pid} r{} of h{host} after {} ms: {ended:?}, though s{node} is well",
            request.id,
            world.now - began
        );
        world.watch.breaks(
            "while a writer is well, requests are served",
            world.now,
            what,
        );
    }
}

/// Whether all servers had come back, as they were, when the request began.
fn is_first_light(world: &World, host: usize, request: &Request) -> bool {
    let Some(blackout) = world.watch.blackout_ms else {
        return false;
    };
    let exclusive = world.plan.is_exclusive();
    let cluster = &world.hosts[host].cluster;
    world.servers.iter().enumerate().all(|(node, server)| {
        let state = cluster.node(node).load();
        let enabled = world.plan.definition.admin(node, state.admin) == Admin::Enabled;
        let serves = server.role == Role::Writer || exclusive;
        // What it was before all went was known long enough to be known.
        let same = server.role_since + 5_000 < blackout;
        server.is_well() && serves && same && enabled && server.since < request.began
    }) && world.servers.iter().any(|s| s.role == Role::Writer)
}
