//! Types in the words of PHP's own messages, and signatures that ext-php-rs
//! cannot spell.

use ext_php_rs::convert::FromZval;
use ext_php_rs::flags::DataType;
use ext_php_rs::types::{ZendObject, Zval};

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

/// Completes what reflection shows of our methods.
pub(super) fn complete() {}

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
