//! Types in the words of PHP's own messages, and signatures that ext-php-rs
//! cannot spell.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};

use ext_php_rs::class::RegisteredClass;
use ext_php_rs::convert::FromZval;
use ext_php_rs::exception::PhpException;
use ext_php_rs::ffi::{MAY_BE_ANY, zend_hash_str_find_ptr_lc, zend_internal_function};
use ext_php_rs::flags::{ClassFlags, DataType};
use ext_php_rs::types::{ZendObject, ZendStr, Zval};
use ext_php_rs::zend::ClassEntry;

use super::cluster::Cluster;
use super::engine_calls::hide_argument;
use super::errors::Errors;
use super::exceptions;

/// An argument of type `callable`, as the zval it is.
pub struct CallableArg<'a>(pub(super) &'a Zval);

impl<'a> FromZval<'a> for CallableArg<'a> {
    const TYPE: DataType = DataType::Callable;

    fn from_zval(zval: &'a Zval) -> Option<Self> {
        zval.is_callable().then_some(Self(zval))
    }
}

/// An argument of type `Amm\Node`.
pub struct NodeArg<'a>(pub(super) &'a ZendObject);

impl<'a> FromZval<'a> for NodeArg<'a> {
    const TYPE: DataType = DataType::object("Amm\\Node");

    fn from_zval(zval: &'a Zval) -> Option<Self> {
        zval.dereference().object().map(Self)
    }
}

/// An argument of type `Throwable|int`.
pub struct ThrowableOrErrno<'a>(pub(super) &'a Zval);

impl<'a> FromZval<'a> for ThrowableOrErrno<'a> {
    const TYPE: DataType = DataType::Mixed;

    fn from_zval(zval: &'a Zval) -> Option<Self> {
        Some(Self(zval))
    }
}

/// An argument of type `float`; a whole number is one too.
pub struct FloatArg(pub(super) f64);

impl FromZval<'_> for FloatArg {
    const TYPE: DataType = DataType::Double;

    fn from_zval(zval: &Zval) -> Option<Self> {
        let zval = zval.dereference();
        zval.double()
            .or_else(|| zval.long().map(|whole| whole as f64))
            .map(Self)
    }
}

/// A sticky key: any string of bytes; a number stands for its digits, as PHP
/// itself would have it.
pub struct KeyArg<'a>(pub(super) Cow<'a, [u8]>);

impl<'a> FromZval<'a> for KeyArg<'a> {
    const TYPE: DataType = DataType::String;

    fn from_zval(zval: &'a Zval) -> Option<Self> {
        let zval = zval.dereference();
        if let Some(text) = zval.zend_str() {
            return Some(Self(Cow::Borrowed(text.as_bytes())));
        }
        zval.long()
            .map(|number| Self(Cow::Owned(number.to_string().into_bytes())))
    }
}

/// Final, and without properties of the user's making.
pub(super) const SEALED: ClassFlags = ClassFlags::Final.union(ClassFlags::NoDynamicProperties);

/// What a constructor throws that reflection was made to call.
pub(super) fn refuse_new(class: &str) -> PhpException {
    exceptions::general(format!("{class} cannot be made with new"))
}

/// Whether [`complete`] has run since the module was last started.
static COMPLETE: AtomicBool = AtomicBool::new(false);

/// The module starts, again perhaps: signatures are as registered.
pub(super) fn reset() {
    COMPLETE.store(false, Ordering::Release);
}

/// Completes what reflection shows of our methods: ext-php-rs has no word for
/// the type `Throwable|int`. Once, after all classes are registered.
pub(super) fn complete() {
    if COMPLETE.swap(true, Ordering::AcqRel) {
        return;
    }
    retype(Cluster::get_metadata().ce(), "report", 1);
    retype(Errors::get_metadata().ce(), "classify", 0);
    // The configuration has passwords in it.
    if let Some(define) = method(Cluster::get_metadata().ce(), "define") {
        // SAFETY: our own method; requests run in one thread (NTS).
        unsafe { hide_argument(define, 1) };
    }
}

/// A method of ours, by its name in lower case.
fn method(class: &'static ClassEntry, name: &str) -> Option<*mut zend_internal_function> {
    // SAFETY: reads the class's own table; what is there under our method's
    // name is an internal function that lives as long as the module.
    let found = unsafe {
        zend_hash_str_find_ptr_lc(
            &raw const class.function_table,
            name.as_ptr().cast(),
            name.len(),
        )
    };
    (!found.is_null()).then_some(found.cast())
}

/// Gives an argument of a method of ours the type `Throwable|int`.
fn retype(class: &'static ClassEntry, name: &str, argument: usize) {
    const NAMED_OR_LONG: u32 = (1 << 24) | (1 << 4);
    let Some(function) = method(class, name) else {
        return;
    };
    // SAFETY: our own method, whose argument table has as many entries as it
    // says and is ours for the life of the process (ext-php-rs keeps it, and
    // nobody else writes it).
    unsafe {
        if argument < (*function).num_args as usize
            && let Some(info) = (*function).arg_info.add(argument).as_mut()
        {
            info.type_.ptr = ZendStr::new_interned("Throwable", true).into_raw().cast();
            info.type_.type_mask = (info.type_.type_mask & !MAY_BE_ANY) | NAMED_OR_LONG;
        }
    }
}

/// The type of a value as PHP's own error messages name it.
pub(super) fn type_name(zval: &Zval) -> String {
    let zval = zval.dereference();
    if let Some(object) = zval.object() {
        return object
            .get_class_name()
            .unwrap_or_else(|_| "object".to_owned());
    }
    let name = if zval.is_null() {
        "null"
    } else if zval.is_bool() {
        "bool"
    } else if zval.is_double() {
        "float"
    } else if zval.is_string() {
        "string"
    } else if zval.is_array() {
        "array"
    } else {
        "resource"
    };
    name.to_owned()
}
