//! Which node a handle (a PDO, a mysqli, whatever a dial returned) talks to.
//!
//! Kept in a `WeakMap` of PHP's own: an entry goes with its handle, and a
//! number that the engine gives to a later object finds nothing.

use std::cell::Cell;

use ext_php_rs::ffi::BP_VAR_IS;
use ext_php_rs::types::{ZendObject, Zval};
use ext_php_rs::zend::ClassEntry;

use super::engine_calls::{borrowed, owned};
use super::node::{self, Node};

thread_local! {
    /// The map, with one reference that is ours; null until it is needed. A
    /// pointer and no `RefCell`: what is put into the map may run destructors
    /// of the application's, which may come back here.
    static MAP: Cell<*mut ZendObject> = const { Cell::new(std::ptr::null_mut()) };
}

/// Remembers `node` for `handle`. Does nothing if the handle is no object.
pub(super) fn remember(handle: &Zval, node: &Zval) {
    let handle = handle.dereference();
    if !handle.is_object() {
        return;
    }
    let map = existing_or_new();
    let (mut key, mut value) = (handle.shallow_clone(), node.shallow_clone());
    // SAFETY: null, or a live WeakMap whose handlers are the engine's; key and
    // value are live zvals, of which the engine makes its own references.
    unsafe {
        if let Some(object) = map.as_ref()
            && let Some(handlers) = object.handlers.as_ref()
            && let Some(write) = handlers.write_dimension
        {
            write(map, &raw mut key, &raw mut value);
        }
    }
}

/// The `Node` remembered for `handle`, as a PHP value.
pub(super) fn recall(handle: &ZendObject) -> Option<Zval> {
    look_up(handle, Zval::shallow_clone)
}

/// Shows `use_it` the node remembered for `handle`.
pub(super) fn with_node<T>(handle: &ZendObject, use_it: impl FnOnce(&Node) -> T) -> Option<T> {
    look_up(handle, |zval| zval.object().and_then(node::of).map(use_it)).flatten()
}

fn look_up<T>(handle: &ZendObject, use_it: impl FnOnce(&Zval) -> T) -> Option<T> {
    let map = MAP.get();
    let mut key = borrowed(handle);
    let mut room = Zval::new();
    // SAFETY: as in `remember`; `BP_VAR_IS` asks without an error for a missing
    // key, and the value stays in the map while `use_it` looks.
    let value = unsafe {
        let read = map.as_ref()?.handlers.as_ref()?.read_dimension?;
        read(map, &raw mut *key, BP_VAR_IS as _, &raw mut room).as_ref()?
    };
    Some(use_it(value.dereference()))
}

/// Forgets everything; the request ends.
pub(super) fn clear() {
    let map = MAP.replace(std::ptr::null_mut());
    if !map.is_null() {
        // SAFETY: the reference that `existing_or_new` kept is given back.
        drop(unsafe { owned(map) });
    }
}

/// What an earlier request may have left was taken back by the engine already.
pub(super) fn abandon() {
    MAP.set(std::ptr::null_mut());
}

fn existing_or_new() -> *mut ZendObject {
    if MAP.get().is_null()
        && let Some(class) = ClassEntry::try_find("WeakMap")
    {
        MAP.set(class.new().into_raw());
    }
    MAP.get()
}
