//! What a handle may be used for: guarantees 3 and 4.

use amm_core::admission::Purpose;
use amm_core::config::Admin;
use amm_core::node::Role;

use crate::process::Handle;
use crate::worker::Dial;
use crate::world::World;

/// A dial succeeded: how many changes of writability the handle has seen, `None`
/// if it was stale from the start.
pub(crate) fn handle_made(world: &World, pid: usize, dial: &Dial, epoch: u32) -> Option<u64> {
    let host = world.processes[pid].host;
    let cluster = &world.hosts[host].cluster;
    let state = cluster.node(dial.chosen.index).load();
    let book = &world.watch.hosts[host].nodes[dial.chosen.index];
    // The change that this very success made is not in the book yet.
    let changed = book.last.is_writable() != state.is_writable();
    (state.epoch == epoch).then_some(book.changes + u64::from(changed))
}

/// `isCurrent()`, and whether that is true.
pub(crate) fn is_current(world: &mut World, pid: usize, handle: &Handle) -> bool {
    let process = &world.processes[pid];
    let current = process
        .cluster
        .may_stay(handle.node, handle.epoch, Purpose::Write);
    if current {
        let host = process.host;
        let book = &world.watch.hosts[host].nodes[handle.node];
        let state = process.cluster.node(handle.node).load();
        let admin = world.plan.definition.admin(handle.node, state.admin);
        let rule = match handle.changes {
            changes if changes != Some(book.changes) => {
                "a current handle's node has not changed since"
            }
            _ if book.demoted => "no handle of a demoted node is current",
            _ if admin == Admin::Disabled => "no handle of a disabled node is current",
            _ => return true,
        };
        let what = format!(
            "p{pid} on s{} of h{host}: {handle:?}, {book:?}",
            handle.node
        );
        world.watch.breaks(rule, world.now, what);
    }
    current
}

/// A write was refused by a node that counted as a writer until then.
pub(crate) fn refused(world: &mut World, pid: usize, node: usize) {
    let host = world.processes[pid].host;
    world.watch.hosts[host].nodes[node].demoted = true;
}

/// A server has carried out a write.
pub(crate) fn executed(world: &mut World, pid: usize, node: usize, write: u64) {
    let times = world.watch.executed.entry(write).or_insert(0);
    *times += 1;
    if *times > 1 {
        let what = format!("write {write} of p{pid}, the last time on s{node}");
        world
            .watch
            .breaks("no write is carried out twice", world.now, what);
    }
}

/// Where two writers are an accident, the handles of a host that are current
/// and on proven writers are all on one.
pub(crate) fn look(world: &mut World, host: usize) {
    if !world.plan.is_exclusive() {
        return;
    }
    let cluster = &world.hosts[host].cluster;
    let mut writer = None;
    for process in world.processes.iter().filter(|p| p.host == host && !p.dead) {
        let Some(handle) = process.handle else {
            continue;
        };
        let state = cluster.node(handle.node).load();
        let drains = world.plan.definition.admin(handle.node, state.admin) == Admin::Draining;
        let proven = state.role == Role::Writer;
        if drains || !proven || !cluster.may_stay(handle.node, handle.epoch, Purpose::Write) {
            continue;
        }
        if *writer.get_or_insert(handle.node) != handle.node {
            let what = format!(
                "h{host} has current handles on s{} and {writer:?}",
                handle.node
            );
            world
                .watch
                .breaks("one writer at a time under read_only", world.now, what);
            return;
        }
    }
}
