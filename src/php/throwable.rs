//! Reading what a PHP exception says of a MySQL error.
//!
//! PDO puts the driver's number into `errorInfo[1]`, and its code holds the
//! SQLSTATE or, where a connection could not be made, the number; mysqli's code
//! is the number. Frameworks wrap these, so the chain of causes is followed.

use amm_core::verdict::ErrorSeen;
use ext_php_rs::types::{ZendObject, Zval};
use ext_php_rs::zend::ClassEntry;
use ext_php_rs::zend::ce;

use super::engine_calls::read_property;

/// Causes followed before giving up.
const DEEPEST: usize = 16;

/// What an exception says, owned.
#[derive(Default)]
pub(super) struct Seen {
    errno: Option<u32>,
    sqlstate: Option<String>,
    message: String,
}

impl Seen {
    /// A bare error number.
    pub(super) fn of_errno(errno: u32) -> Self {
        Self {
            errno: Some(errno),
            ..Self::default()
        }
    }

    /// For the classifier.
    pub(super) fn as_error(&self) -> ErrorSeen<'_> {
        ErrorSeen {
            errno: self.errno,
            sqlstate: self.sqlstate.as_deref(),
            message: &self.message,
        }
    }
}

/// Reads an exception: the first in its chain of causes that carries a MySQL
/// error, or else its own message.
pub(super) fn read(exception: &ZendObject) -> Seen {
    let mut cause = Zval::new();
    let mut current: &ZendObject = exception;
    let mut outermost = None;
    for _ in 0..DEEPEST {
        let seen = read_one(current);
        if seen.errno.is_some() {
            return seen;
        }
        outermost.get_or_insert(seen);
        let base = base_of(current);
        let previous = read_property(base, current, "previous");
        if !previous.is_object() {
            break;
        }
        // The chain is kept alive by `exception`, of which this is a part.
        cause = previous;
        match cause.object() {
            Some(object) => {
                // SAFETY: `previous` is held by the exception before it, and so
                // by `exception`, for the whole of this function.
                current = unsafe { &*std::ptr::from_ref(object) };
            }
            None => break,
        }
    }
    drop(cause);
    outermost.unwrap_or_default()
}

fn read_one(exception: &ZendObject) -> Seen {
    let base = base_of(exception);
    let class = exception.get_class_entry();
    let message = read_property(base, exception, "message")
        .string()
        .unwrap_or_default();
    let code = read_property(base, exception, "code");
    if is_a(class, "PDOException") {
        let info = read_property(class, exception, "errorInfo");
        let info = info.array();
        let driver = info.and_then(|i| i.get_index(1)).and_then(Zval::long);
        let state = info
            .and_then(|i| i.get_index(0))
            .and_then(Zval::string)
            .or_else(|| code.string())
            .filter(|s| s.len() == 5);
        return Seen {
            errno: number(driver.or_else(|| code.long())),
            sqlstate: state,
            message,
        };
    }
    if is_a(class, "mysqli_sql_exception") {
        return Seen {
            errno: number(code.long()),
            sqlstate: None,
            message,
        };
    }
    Seen {
        errno: None,
        sqlstate: None,
        message,
    }
}

fn number(code: Option<i64>) -> Option<u32> {
    code.and_then(|code| u32::try_from(code).ok())
        .filter(|code| *code != 0)
}

fn base_of(exception: &ZendObject) -> &'static ClassEntry {
    let error = ce::error();
    if exception.instance_of(error) {
        error
    } else {
        ce::exception()
    }
}

fn is_a(class: &'static ClassEntry, name: &str) -> bool {
    let mut next = Some(class);
    while let Some(class) = next {
        if class.name() == Some(name) {
            return true;
        }
        next = class.parent();
    }
    false
}
