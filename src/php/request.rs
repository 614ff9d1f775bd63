//! What lives as long as a request: names, scopes and what they stuck to.
//!
//! A scope is a request, a job or a command. In it the first choice for a
//! cluster and key is kept. `beginScope()` puts a new one on top of the
//! request's own, `endScope()` takes it away again.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use amm_core::admission::Purpose;
use amm_core::selection::rendezvous::mix;
use amm_engine::definition::Definition;
use amm_engine::process;
use ext_php_rs::types::Zval;

/// One choice that a scope sticks to.
struct Choice {
    whose: usize,
    key: Option<u64>,
    purpose: Purpose,
    node: Zval,
}

/// A request, job or command.
struct Scope {
    label: Option<String>,
    /// Stands in for the sticky key where none is given.
    key: u64,
    choices: Vec<Choice>,
    /// Clusters (whose) that were written to, so that reads go to their writer.
    wrote: Vec<usize>,
}

#[derive(Default)]
struct Request {
    active: bool,
    names: HashMap<String, Arc<Definition>>,
    scopes: Vec<Scope>,
}

/// Keys that one scope may stick by; the oldest choices go first.
const MOST_CHOICES: usize = 256;

thread_local! {
    static REQUEST: RefCell<Request> = RefCell::new(Request::default());
    /// Moves whenever a remembered choice may no longer be the one in force.
    static STAMP: Cell<u64> = const { Cell::new(1) };
    static DICE: Cell<(u32, u64)> = const { Cell::new((0, 0)) };
}

/// Moves whenever the scope or its choices change: what was remembered under
/// another stamp is not to be used.
#[inline]
pub(super) fn stamp() -> u64 {
    STAMP.get()
}

fn restamp() {
    STAMP.set(STAMP.get() + 1);
}

/// A random number, cheaply.
fn dice() -> u64 {
    let (generation, state) = DICE.get();
    let current = process::generation();
    let state = if generation == current && state != 0 {
        state
    } else {
        process::random() | 1
    };
    let next = mix(state, 0x6a09_e667_f3bc_c909) | 1;
    DICE.set((current, next));
    mix(next, 0x5851_f42d_4c95_7f2d)
}

fn scope() -> Scope {
    Scope {
        label: None,
        key: dice(),
        choices: Vec::new(),
        wrote: Vec::new(),
    }
}

/// A request begins.
pub(super) fn begin() {
    REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        // What an aborted request may have left belongs to memory that the
        // engine has taken back already.
        std::mem::forget(std::mem::take(&mut request.scopes));
        request.names.clear();
        request.active = true;
    });
    restamp();
}

/// A request ends: everything it defined and stuck to goes.
pub(super) fn end() {
    let scopes = REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        request.active = false;
        request.names.clear();
        std::mem::take(&mut request.scopes)
    });
    restamp();
    drop(scopes);
}

/// Begins a scope within the present one.
pub(super) fn begin_scope(label: Option<String>) {
    REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        if request.scopes.is_empty() {
            request.scopes.push(scope());
        }
        request.scopes.push(Scope { label, ..scope() });
    });
    restamp();
}

/// Ends the present scope. The request's own cannot end before it: there, the
/// choices are forgotten and made anew.
pub(super) fn end_scope() {
    let ended = REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        let ended = request.scopes.pop();
        if request.scopes.is_empty() && request.active {
            request.scopes.push(scope());
        }
        ended
    });
    restamp();
    drop(ended);
}

/// The label of the present scope.
pub(super) fn label() -> Option<String> {
    REQUEST.with(|request| request.borrow().scopes.last().and_then(|s| s.label.clone()))
}

/// The key that stands in for a missing one in this scope.
pub(super) fn own_key() -> u64 {
    REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        if request.scopes.is_empty() {
            request.scopes.push(scope());
        }
        request.scopes.last().map_or(0, |scope| scope.key)
    })
}

/// The node this scope has chosen for the cluster, key and purpose.
pub(super) fn choice(whose: usize, key: Option<u64>, purpose: Purpose) -> Option<Zval> {
    REQUEST.with(|request| {
        let request = request.borrow();
        let scope = request.scopes.last()?;
        scope
            .choices
            .iter()
            .find(|c| c.whose == whose && c.key == key && c.purpose == purpose)
            .map(|c| c.node.shallow_clone())
    })
}

/// Has the scope stick to `node`. False outside a request, where nothing is kept.
pub(super) fn stick(whose: usize, key: Option<u64>, purpose: Purpose, node: &Zval) -> bool {
    let replaced = REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        if !request.active {
            return None;
        }
        if request.scopes.is_empty() {
            request.scopes.push(scope());
        }
        let choices = &mut request.scopes.last_mut()?.choices;
        let same = |c: &Choice| c.whose == whose && c.key == key && c.purpose == purpose;
        let mut replaced = Vec::new();
        if let Some(at) = choices.iter().position(same) {
            replaced.push(choices.remove(at));
        } else if choices.len() >= MOST_CHOICES {
            replaced.push(choices.remove(0));
        }
        choices.push(Choice {
            whose,
            key,
            purpose,
            node: node.shallow_clone(),
        });
        Some(replaced)
    });
    restamp();
    replaced.is_some()
}

/// Says that this scope wrote to the cluster.
pub(super) fn mark_wrote(whose: usize) {
    REQUEST.with(|request| {
        let mut request = request.borrow_mut();
        if !request.active {
            return;
        }
        if request.scopes.is_empty() {
            request.scopes.push(scope());
        }
        if let Some(scope) = request.scopes.last_mut()
            && !scope.wrote.contains(&whose)
        {
            scope.wrote.push(whose);
        }
    });
}

/// Whether this scope wrote to the cluster.
pub(super) fn wrote(whose: usize) -> bool {
    REQUEST.with(|request| {
        let request = request.borrow();
        let scope = request.scopes.last();
        scope.is_some_and(|scope| scope.wrote.contains(&whose))
    })
}

/// Binds a name for this request.
pub(super) fn bind(name: &str, definition: Arc<Definition>) {
    REQUEST.with(|request| {
        let names = &mut request.borrow_mut().names;
        match names.get_mut(name) {
            Some(bound) => *bound = definition,
            None => {
                names.insert(name.to_owned(), definition);
            }
        }
    });
}

/// What a name is bound to in this request.
pub(super) fn bound(name: &str) -> Option<Arc<Definition>> {
    REQUEST.with(|request| request.borrow().names.get(name).cloned())
}

/// The names bound in this request.
pub(super) fn names() -> Vec<String> {
    REQUEST.with(|request| request.borrow().names.keys().cloned().collect())
}

/// The clusters bound in this request, by name.
pub(super) fn definitions() -> Vec<(String, Arc<Definition>)> {
    REQUEST.with(|request| {
        let names = &request.borrow().names;
        let mut all: Vec<_> = names
            .iter()
            .map(|(name, definition)| (name.clone(), Arc::clone(definition)))
            .collect();
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    })
}
