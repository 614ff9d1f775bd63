//! `Amm\Exception\*`.
//!
//! They are plain classes below `RuntimeException`, with the engine's own
//! object handlers, so that message, file, line and trace are what they are
//! for any exception.

use std::sync::atomic::{AtomicPtr, Ordering};

use ext_php_rs::args::ArgInfoTables;
use ext_php_rs::builders::ClassBuilder;
use ext_php_rs::class::ClassEntryInfo;
use ext_php_rs::error::Result;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::zend_class_entry;
use ext_php_rs::zend::{ClassEntry, ce};

unsafe extern "C" {
    static spl_ce_RuntimeException: *mut zend_class_entry;
}

/// One class of ours: its name and its entry, set anew at each module start.
struct Class {
    name: &'static str,
    entry: AtomicPtr<ClassEntry>,
}

impl Class {
    const fn new(name: &'static str) -> Self {
        Self {
            name,
            entry: AtomicPtr::new(std::ptr::null_mut()),
        }
    }

    fn entry(&self) -> &'static ClassEntry {
        // SAFETY: null, or the entry that the engine gave at the last module
        // start and keeps until the module is shut down.
        unsafe { self.entry.load(Ordering::Acquire).as_ref() }.unwrap_or_else(runtime_exception)
    }
}

static BASE: Class = Class::new("Amm\\Exception\\AmmException");
static CONFIG_ERROR: Class = Class::new("Amm\\Exception\\ConfigError");
static UNKNOWN_CLUSTER: Class = Class::new("Amm\\Exception\\UnknownCluster");
static NO_WRITER: Class = Class::new("Amm\\Exception\\NoWriterAvailable");
static DEADLINE: Class = Class::new("Amm\\Exception\\DeadlineExceeded");
static IN_DOUBT: Class = Class::new("Amm\\Exception\\WriteInDoubt");

fn runtime_exception() -> &'static ClassEntry {
    // SAFETY: SPL is always compiled in and started before other modules; the
    // entry lives as long as the process.
    unsafe { spl_ce_RuntimeException.as_ref() }.unwrap_or_else(|| ce::exception())
}

fn base() -> &'static ClassEntry {
    BASE.entry()
}

/// Registers the classes; call it at module start.
pub(super) fn register() -> Result<()> {
    let parent = || -> ClassEntryInfo { (runtime_exception, "\\RuntimeException") };
    class(&BASE, parent(), |entry, _| store(&BASE, entry))?;
    let parent = || -> ClassEntryInfo { (base, "\\Amm\\Exception\\AmmException") };
    class(&CONFIG_ERROR, parent(), |entry, _| {
        store(&CONFIG_ERROR, entry)
    })?;
    class(&UNKNOWN_CLUSTER, parent(), |entry, _| {
        store(&UNKNOWN_CLUSTER, entry)
    })?;
    class(&NO_WRITER, parent(), |entry, _| store(&NO_WRITER, entry))?;
    class(&DEADLINE, parent(), |entry, _| store(&DEADLINE, entry))?;
    class(&IN_DOUBT, parent(), |entry, _| store(&IN_DOUBT, entry))
}

fn store(class: &Class, entry: &'static mut ClassEntry) {
    class.entry.store(entry, Ordering::Release);
}

fn class(
    class: &Class,
    parent: ClassEntryInfo,
    registered: fn(&'static mut ClassEntry, ArgInfoTables),
) -> Result<()> {
    ClassBuilder::new(class.name)
        .extends(parent)
        .registration(registered)
        .register()
}

fn exception(class: &Class, message: String) -> PhpException {
    PhpException::new(message, 0, class.entry())
}

/// An `AmmException`.
pub(super) fn general(message: impl Into<String>) -> PhpException {
    exception(&BASE, message.into())
}

/// A `ConfigError`.
pub(super) fn config(message: impl Into<String>) -> PhpException {
    exception(&CONFIG_ERROR, message.into())
}

/// An `UnknownCluster`.
pub(super) fn unknown_cluster(message: impl Into<String>) -> PhpException {
    exception(&UNKNOWN_CLUSTER, message.into())
}

/// A `NoWriterAvailable`.
pub(super) fn no_writer(message: impl Into<String>) -> PhpException {
    exception(&NO_WRITER, message.into())
}

/// A `DeadlineExceeded`.
pub(super) fn deadline(message: impl Into<String>) -> PhpException {
    exception(&DEADLINE, message.into())
}

/// PHP's own `TypeError`.
pub(super) fn type_error(message: impl Into<String>) -> PhpException {
    PhpException::new(message.into(), 0, ce::type_error())
}

/// PHP's own `ValueError`.
pub(super) fn value_error(message: impl Into<String>) -> PhpException {
    PhpException::new(message.into(), 0, ce::value_error())
}
