//! Functions of the Zend engine that ext-php-rs does not wrap, each behind a
//! safe face.

use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::ManuallyDrop;

use ext_php_rs::ffi::{
    _call_user_function_impl, IS_OBJECT_EX, zend_class_entry, zend_object, zend_string, zend_type,
    zval,
};
use ext_php_rs::ffi::{HashTable, zend_internal_function};
use ext_php_rs::types::{ZendObject, ZendStr, Zval};
use ext_php_rs::zend::{ClassEntry, ExecutorGlobals};

unsafe extern "C" {
    fn zend_declare_typed_property(
        ce: *mut zend_class_entry,
        name: *mut zend_string,
        value: *mut zval,
        access: c_int,
        doc: *mut zend_string,
        ty: zend_type,
    ) -> *mut c_void;
    fn zend_read_property(
        scope: *mut zend_class_entry,
        object: *mut zend_object,
        name: *const c_char,
        length: usize,
        silent: bool,
        rv: *mut zval,
    ) -> *mut zval;
    fn zend_exception_set_previous(exception: *mut zend_object, previous: *mut zend_object);
    fn zend_add_attribute(
        attributes: *mut *mut HashTable,
        name: *mut zend_string,
        argc: u32,
        flags: u32,
        offset: u32,
        line: u32,
    ) -> *mut c_void;
    fn php_log_err_with_severity(message: *const c_char, severity: c_int);
}

const ACC_PUBLIC: c_int = 1;
const ACC_READONLY: c_int = 1 << 7;
const TYPE_NAME_BIT: u32 = 1 << 24;
/// `IS_NULL` as a bit of a type mask.
const MAY_BE_NULL: u32 = 1 << 1;
const LOG_NOTICE: c_int = 5;

/// The type of a declared property.
pub(super) enum PropertyType {
    /// Built-in types, as a mask of `1 << IS_…`.
    Mask(u32),
    /// An object of the named class.
    Class(&'static str),
}

impl PropertyType {
    pub(super) const INT: Self = Self::Mask(1 << 4);
    pub(super) const STRING: Self = Self::Mask(1 << 6);
    pub(super) const NULLABLE_STRING: Self = Self::Mask((1 << 6) | MAY_BE_NULL);
}

/// Declares a public readonly property on a class of this module. Call it at
/// module start, before any object of the class exists.
pub(super) fn declare_readonly(class: &'static ClassEntry, name: &str, ty: PropertyType) {
    let mut undefined = Zval::new();
    undefined.u1.type_info = 0;
    let ty = match ty {
        PropertyType::Mask(mask) => zend_type {
            ptr: std::ptr::null_mut(),
            type_mask: mask,
        },
        PropertyType::Class(name) => zend_type {
            ptr: ZendStr::new_interned(name, true).into_raw().cast(),
            type_mask: TYPE_NAME_BIT,
        },
    };
    let name = ZendStr::new_interned(name, true).into_raw();
    // SAFETY: the class entry is a live one of this module, during module start
    // in the only thread there is; name and type name are interned and outlive
    // it; an undefined value is what typed properties start with.
    unsafe {
        zend_declare_typed_property(
            std::ptr::from_ref(class).cast_mut(),
            name,
            &raw mut undefined,
            ACC_PUBLIC | ACC_READONLY,
            std::ptr::null_mut(),
            ty,
        );
    }
}

/// Has stack traces hide an argument (from 0) of a function of ours: gives it
/// PHP's own attribute `SensitiveParameter`, which PHP before 8.2 ignores.
///
/// # Safety
/// `function` must be an internal function of this module, and no request of
/// another thread may be running.
pub(super) unsafe fn hide_argument(function: *mut zend_internal_function, argument: u32) {
    const PERSISTENT: u32 = 1;
    let name = ZendStr::new_interned("SensitiveParameter", true).into_raw();
    // SAFETY: the caller vouches for the function, whose attribute table the
    // engine makes or extends in persistent memory; offset 0 is the function
    // itself, its arguments count from 1.
    unsafe {
        zend_add_attribute(
            &raw mut (*function).attributes,
            name,
            0,
            PERSISTENT,
            argument + 1,
            0,
        );
    }
}

/// Puts `value` into the declared property number `slot` of a new object.
///
/// # Safety
/// `slot` must be less than the number of properties that the object's class
/// declares, and the slot must not have been filled before.
pub(super) unsafe fn fill_slot(object: &mut ZendObject, slot: usize, value: Zval) {
    // SAFETY: the caller vouches for `slot`; the table is inline behind the
    // object and its slots are plain zvals, undefined so far.
    unsafe {
        object.properties_table.as_mut_ptr().add(slot).write(value);
    }
}

/// Reads a property as code of `scope` would, `null` if it is not there.
pub(super) fn read_property(scope: &ClassEntry, object: &ZendObject, name: &str) -> Zval {
    let mut room = Zval::new();
    // SAFETY: object and class are live; the name is passed with its length;
    // `room` outlives the call and the result is copied before it is dropped.
    unsafe {
        let value = zend_read_property(
            std::ptr::from_ref(scope).cast_mut(),
            std::ptr::from_ref(object).cast_mut(),
            name.as_ptr().cast(),
            name.len(),
            true,
            &raw mut room,
        );
        value
            .as_ref()
            .map_or_else(Zval::null, |v| v.dereference().shallow_clone())
    }
}

/// A value that refers to an object, with a reference of its own.
///
/// # Safety
/// `object` must point to a live object, and no Rust reference to it may be in
/// use meanwhile: its count is written.
pub(super) unsafe fn object_ref(object: *mut ZendObject) -> Zval {
    let mut zval = Zval::new();
    // SAFETY: the caller vouches for the pointer.
    zval.set_object(unsafe { &mut *object });
    zval
}

/// A value that takes over one reference to an object.
///
/// # Safety
/// `object` must point to a live object, one reference to which is the caller's
/// to give away.
pub(super) unsafe fn owned(object: *mut ZendObject) -> Zval {
    let mut zval = Zval::new();
    zval.value.obj = object;
    zval.u1.type_info = IS_OBJECT_EX;
    zval
}

/// A value that refers to `object` without a reference of its own, for look-ups
/// that keep nothing.
pub(super) fn borrowed(object: &ZendObject) -> ManuallyDrop<Zval> {
    let mut zval = Zval::new();
    zval.value.obj = std::ptr::from_ref(object).cast_mut();
    zval.u1.type_info = IS_OBJECT_EX;
    ManuallyDrop::new(zval)
}

/// What calling a PHP callable came to.
pub(super) enum Called {
    /// It returned.
    Returned(Zval),
    /// It threw; the exception is pending in the engine.
    Threw,
    /// It could not be called.
    NotCallable,
}

/// Calls `callable`; an exception stays pending, so that what is not ours to
/// handle (`exit` among it) goes on untouched.
pub(super) fn call(callable: &Zval, arguments: &[Zval]) -> Called {
    let mut returned = Zval::new();
    // SAFETY: the callable and the arguments are live zvals for the whole call,
    // as many as are announced; the engine writes `returned`.
    let result = unsafe {
        _call_user_function_impl(
            std::ptr::null_mut(),
            std::ptr::from_ref(callable).cast_mut(),
            &raw mut returned,
            u32::try_from(arguments.len()).unwrap_or(0),
            arguments.as_ptr().cast_mut(),
            std::ptr::null_mut(),
        )
    };
    if ExecutorGlobals::has_exception() {
        Called::Threw
    } else if result < 0 {
        Called::NotCallable
    } else {
        Called::Returned(returned)
    }
}

/// Chains `previous` to the exception that is pending, if one is.
pub(super) fn chain_to_pending(previous: Zval) {
    let pending = ExecutorGlobals::get().exception;
    let Some(object) = previous.object() else {
        return;
    };
    if pending.is_null() {
        return;
    }
    let object = std::ptr::from_ref(object).cast_mut();
    // The engine takes over our reference.
    std::mem::forget(previous);
    // SAFETY: both are live exception objects; the function consumes one
    // reference of the second, which `forget` left to it.
    unsafe { zend_exception_set_previous(pending, object) };
}

/// Writes a line to PHP's error log. Only from PHP's own thread.
pub(super) fn log_line(line: &str) {
    if let Ok(line) = CString::new(line.replace('\0', " ")) {
        // SAFETY: a NUL-terminated string that the function copies.
        unsafe { php_log_err_with_severity(line.as_ptr(), LOG_NOTICE) };
    }
}
