//! Which node a handle (a PDO, a mysqli, whatever a dial returned) talks to.
//!
//! Kept in a `WeakMap` of PHP's own: an entry goes with its handle, and a
//! number that the engine gives to a later object finds nothing.

use std::cell::RefCell;

use ext_php_rs::ffi::BP_VAR_IS;
use ext_php_rs::types::{ZendObject, Zval};
use ext_php_rs::zend::ClassEntry;

use super::engine_calls::borrowed;
use super::node::{self, Node};

thread_local! {
    static MAP: RefCell<Option<Zval>> = const { RefCell::new(None) };
}

/// Remembers `node` for `handle`. Does nothing if the handle is no object.
pub(super) fn remember(handle: &Zval, node: &Zval) {
    let Some(mut key) = object_zval(handle) else {
        return;
    };
    with_map(|map| {
        let mut value = node.shallow_clone();
        // SAFETY: `map` is a live WeakMap whose handlers are the engine's; key
        // and value are live zvals, the value is copied.
        unsafe {
            if let Some(handlers) = map.handlers.as_ref()
                && let Some(write) = handlers.write_dimension
            {
                write(map, &raw mut key, &raw mut value);
            }
        }
    });
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
    MAP.with(|map| {
        let mut map = map.borrow_mut();
        let map = map.as_mut()?.object_mut()?;
        let mut key = borrowed(handle);
        let mut room = Zval::new();
        // SAFETY: as in `remember`; `BP_VAR_IS` asks without an error for a
        // missing key, and the value stays in the map while `use_it` looks.
        let value = unsafe {
            let read = map.handlers.as_ref()?.read_dimension?;
            read(map, &raw mut *key, BP_VAR_IS as _, &raw mut room).as_ref()?
        };
        Some(use_it(value.dereference()))
    })
}

/// Forgets everything; the request ends.
pub(super) fn clear() {
    let map = MAP.with(|map| map.borrow_mut().take());
    drop(map);
}

/// What an earlier request may have left was taken back by the engine already.
pub(super) fn abandon() {
    MAP.with(|map| std::mem::forget(map.borrow_mut().take()));
}

fn with_map(use_it: impl FnOnce(&mut ZendObject)) {
    MAP.with(|map| {
        let mut map = map.borrow_mut();
        if map.is_none()
            && let Some(class) = ClassEntry::try_find("WeakMap")
        {
            let mut zval = Zval::new();
            let mut object = class.new();
            zval.set_object(&mut object);
            *map = Some(zval);
        }
        if let Some(object) = map.as_mut().and_then(Zval::object_mut) {
            use_it(object);
        }
    });
}

fn object_zval(handle: &Zval) -> Option<Zval> {
    let handle = handle.dereference();
    handle.is_object().then(|| handle.shallow_clone())
}
