//! `connect()`: pick, dial, classify, next.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use amm_core::admission::{Purpose, Refusal};
use amm_core::config::NodeRole;
use amm_core::verdict::{ErrorSeen, Phase, Verdict, retry_elsewhere};
use amm_engine::attempt::{Attempt, Next};
use amm_engine::clock::now_ms;
use amm_engine::cluster::Cluster as Shared;
use amm_engine::cut::book::Book;
use amm_engine::pick::Chosen;
use amm_engine::process;
use amm_engine::socket::{self, Before, SocketMark};
use ext_php_rs::convert::IntoZval;
use ext_php_rs::exception::{PhpException, throw_object};
use ext_php_rs::prelude::*;
use ext_php_rs::types::{ZendObject, Zval};
use ext_php_rs::zend::{BailoutGuard, ExecutorGlobals, ce};

use super::cluster::{Cluster, host};
use super::engine_calls::{Called, call, chain_to_pending};
use super::node::{self, Node, NodeRef};
use super::{exceptions, handles, request, throwable, worker};

/// How many nodes an explanation names one by one.
const NAMED: usize = 8;
/// The client library's number for a connection that could not be made.
const TIMED_OUT: u32 = 2002;

/// Dials until one dial succeeds. The dial's own exceptions leave as they came
/// unless another node can help.
pub(super) fn connect(
    cluster: &Cluster,
    purpose: Purpose,
    dial: &Zval,
    slot: Option<u64>,
) -> PhpResult<Zval> {
    let shared = cluster.shared()?;
    worker::see_to_probing(&shared, now_ms());
    let book = worker::see_to_cutting(&shared);
    let me = host()?.token;
    let mut attempt = Attempt::new(&*shared, purpose, cluster.key_or_own(slot), me, now_ms());
    // A scope that has its node stays on it.
    if let Some(kept) = request::choice(cluster.whose(), slot, purpose)
        && let Some(kept) = kept.object().and_then(node::of)
        && kept.is_current()
        && let Some(index) = shared.definition.index_of(kept.identity())
    {
        attempt.begin_with(index, kept.epoch);
    }
    let mut last: Option<Zval> = None;
    let generation = process::generation();
    loop {
        let (chosen, limit_ms) = match attempt.advance() {
            Next::Dial(chosen, limit_ms) => (chosen, limit_ms),
            Next::NoWriter(refusals) => {
                let message = explain(&cluster.name, &shared, purpose, &refusals);
                return fail(exceptions::no_writer(message), last);
            }
            Next::DeadlineExceeded => {
                return fail(exceptions::deadline(too_late(&cluster.name, &shared)), last);
            }
        };
        let node = node::object(&shared, chosen, purpose, None)?;
        shared
            .node(chosen.index)
            .dials
            .fetch_add(1, Ordering::Relaxed);
        let before = socket::before_dial();
        let watch = before.map(|before| Watched::begin(&book, &shared, &chosen, before, limit_ms));
        let seconds = (limit_ms as f64 / 1_000.0).into_zval(false)?;
        let called = call(dial, &[node.0.shallow_clone(), seconds]);
        let too_long = watch.is_some_and(|watch| watch.into_inner().end());
        if generation != process::generation() {
            // The dial forked, and this is the child: the claims are its parent's.
            return Ok(match called {
                Called::Returned(handle) => handle,
                Called::Threw | Called::NotCallable => Zval::null(),
            });
        }
        match called {
            // It came back with a connection whose socket was shut a moment
            // before, because its time was over.
            Called::Returned(handle) if too_long => {
                drop(handle);
                let late = ErrorSeen {
                    errno: Some(TIMED_OUT),
                    ..ErrorSeen::default()
                };
                let now = now_ms();
                shared.report(chosen.index, chosen.epoch, &late, Phase::Dial, me, now);
            }
            Called::Returned(handle) => {
                let epoch = shared.succeeded(chosen.index, chosen.epoch, me, now_ms());
                let chosen = Chosen { epoch, ..chosen };
                let mark = before.and_then(|b| socket::opened_since(b, port(&shared, &chosen)));
                let identity = shared
                    .definition
                    .nodes
                    .get(chosen.index)
                    .map(|n| n.identity);
                let listed = mark.zip(identity).map(|(mark, node)| book.list(mark, node));
                let kept = node::object(&shared, chosen, purpose, listed)?;
                handles::remember(&handle, &kept.0);
                settle(cluster, &shared, slot, purpose, &kept);
                return Ok(handle);
            }
            Called::NotCallable => {
                shared.release(chosen.index, me);
                return Err(exceptions::type_error(
                    "Amm\\Cluster::connect(): Argument #1 ($dial) cannot be called",
                ));
            }
            Called::Threw => {
                if !pending_is_throwable() {
                    // exit() and its like: not an exception, not ours.
                    shared.release(chosen.index, me);
                    return Ok(Zval::null());
                }
                let Some(thrown) = take_pending() else {
                    return Ok(Zval::null());
                };
                let seen = thrown.object().map(throwable::read).unwrap_or_default();
                let error = seen.as_error();
                let verdict = shared.report(
                    chosen.index,
                    chosen.epoch,
                    &error,
                    Phase::Dial,
                    me,
                    now_ms(),
                );
                if !retry_elsewhere(verdict) || verdict == Verdict::Unknown {
                    throw_object(thrown)?;
                    return Ok(Zval::null());
                }
                last = Some(thrown);
            }
        }
    }
}

/// A dial that is watched until this is dropped.
struct Watched {
    book: Arc<Book>,
    number: u64,
}

impl Watched {
    /// Guarded, since a fatal error in the dial leaps over our frames.
    fn begin(
        book: &Arc<Book>,
        shared: &Shared,
        chosen: &Chosen,
        before: Before,
        limit_ms: u64,
    ) -> BailoutGuard<Self> {
        let index = chosen.index;
        let (number, wake) = book.begin(&shared.definition, index, before, now_ms(), limit_ms);
        if wake {
            worker::watch_dial();
        }
        BailoutGuard::new(Self {
            book: Arc::clone(book),
            number,
        })
    }

    /// True: its limit passed, and its socket was shut.
    fn end(self) -> bool {
        self.book.end(self.number)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.book.end(self.number);
    }
}

/// Has the scope stick to the node that was dialled, unless it sticks to that
/// one already.
fn settle(
    cluster: &Cluster,
    shared: &Rc<Shared>,
    slot: Option<u64>,
    purpose: Purpose,
    made: &NodeRef,
) {
    let Some(new) = made.0.object().and_then(node::of) else {
        return;
    };
    let kept = request::choice(cluster.whose(), slot, purpose);
    let same = kept
        .as_ref()
        .and_then(Zval::object)
        .and_then(node::of)
        .is_some_and(|old| {
            old.identity() == new.identity() && old.epoch == new.epoch && old.is_current()
        });
    if !same {
        count_pick(shared, new.index);
        cluster.keep(slot, purpose, &made.0);
    }
}

/// Counts that a scope chose the node.
pub(super) fn count_pick(shared: &Shared, index: usize) {
    shared.node(index).picks.fetch_add(1, Ordering::Relaxed);
}

/// The socket to the node, where this process has exactly one.
pub(super) fn only_socket_to(node: &Node) -> Option<SocketMark> {
    let settings = &node.cluster.definition.nodes.get(node.index)?.settings;
    socket::only_one_to(settings.socket.is_none().then_some(settings.port))
}

fn port(shared: &Shared, chosen: &Chosen) -> Option<u16> {
    let settings = &shared.definition.nodes.get(chosen.index)?.settings;
    settings.socket.is_none().then_some(settings.port)
}

/// Why there is no node, node by node.
pub(super) fn explain(
    name: &str,
    shared: &Shared,
    purpose: Purpose,
    refusals: &[(usize, Refusal)],
) -> String {
    let wanted = match purpose {
        Purpose::Write => "writer",
        Purpose::Read => "reader",
    };
    let mut parts: Vec<String> = Vec::new();
    for (index, node) in shared.definition.nodes.iter().enumerate() {
        let why = refusals.iter().find(|(i, _)| *i == index).map_or_else(
            || match (node.settings.role, purpose) {
                (Some(NodeRole::Reader), Purpose::Write) => {
                    Refusal::ConfiguredReader.as_str().to_owned()
                }
                _ => dial_failed(shared, index),
            },
            |(_, refusal)| {
                let reason = shared.node(index).last_probe().reason;
                match (refusal, reason) {
                    (Refusal::Reader | Refusal::Unready, Some(reason)) => {
                        format!("{} ({})", refusal.as_str(), reason.as_str())
                    }
                    _ => refusal.as_str().to_owned(),
                }
            },
        );
        parts.push(format!("{}: {why}", node.id));
    }
    let more = parts.len().saturating_sub(NAMED);
    parts.truncate(NAMED);
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    format!(
        "cluster \"{name}\" has no {wanted} now: {}",
        parts.join("; ")
    )
}

fn dial_failed(shared: &Shared, index: usize) -> String {
    match shared.node(index).last_error() {
        Some(error) if error.errno != 0 => format!("dial failed, errno {}", error.errno),
        _ => "dial failed".to_owned(),
    }
}

/// That the time was over.
pub(super) fn too_late(name: &str, shared: &Shared) -> String {
    format!(
        "cluster \"{name}\": no connection within connect_deadline = {} ms",
        shared.definition.settings.connect_deadline.as_millis()
    )
}

/// Throws `exception` with the last dial's own as its previous.
fn fail(exception: PhpException, last: Option<Zval>) -> PhpResult<Zval> {
    let Some(last) = last else {
        return Err(exception);
    };
    exception.throw();
    chain_to_pending(last);
    Ok(Zval::null())
}

fn pending_is_throwable() -> bool {
    ExecutorGlobals::get()
        .exception()
        .is_some_and(|e: &ZendObject| e.instance_of(ce::throwable()))
}

fn take_pending() -> Option<Zval> {
    let exception = ExecutorGlobals::take_exception()?;
    exception.into_zval(false).ok()
}
