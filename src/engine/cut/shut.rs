//! Finding this process's sockets to a node, and shutting them.

use super::book::{Book, Dial};
use super::descriptor::Duplicate;
use super::target::Target;
use crate::definition::Definition;
use crate::socket::SocketMark;

/// Shuts what this process holds to the node at `index`: handles of
/// `connect()`, dials under way, and whatever else is connected to one of its
/// addresses. Gives how many sockets that were.
pub fn node(definition: &Definition, index: usize, book: &Book) -> usize {
    let (Some(mut target), Some(node)) =
        (Target::of(definition, index), definition.nodes.get(index))
    else {
        return 0;
    };
    let mut shut: Vec<SocketMark> = Vec::new();
    for dial in book.dials_of(node.identity) {
        let sockets = opened_by(&dial, &target);
        if book.shut_dial(&dial, &sockets, false) > 0 {
            shut.extend(sockets.iter().map(Duplicate::mark));
        }
    }
    for handle in book.handles_of(node.identity) {
        if let Some(socket) = Duplicate::of_mark(handle.mark) {
            target.learn(&socket.peer());
            Book::shut_handle(&handle, &socket);
            shut.push(handle.mark);
        }
    }
    for fd in descriptors() {
        let Some(socket) = Duplicate::of(fd) else {
            continue;
        };
        let known = shut.iter().any(|m| m.is_same_socket(socket.mark()));
        if !known && target.is(&socket.peer()) && !socket.is_probes_own() {
            book.shut_found(&socket);
            shut.push(socket.mark());
        }
    }
    shut.len()
}

/// Shuts the sockets of dials whose limit has passed. Gives how many dials that
/// ended.
pub fn overdue_dials(book: &Book, now_ms: u64) -> usize {
    let ended = |dial: &Dial| {
        let target = Target::of(&dial.definition, dial.index);
        target.is_some_and(|target| book.shut_dial(dial, &opened_by(dial, &target), true) > 0)
    };
    book.overdue(now_ms).iter().filter(|d| ended(d)).count()
}

/// The sockets that a dial has opened to its node so far.
fn opened_by(dial: &Dial, target: &Target) -> Vec<Duplicate> {
    dial.before
        .opened()
        .filter_map(Duplicate::of)
        .filter(|socket| target.may_be(&socket.peer()) && !socket.is_probes_own())
        .collect()
}

/// All descriptors of this process.
fn descriptors() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc/self/fd") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

#[cfg(test)]
#[path = "shut_tests.rs"]
mod tests;
