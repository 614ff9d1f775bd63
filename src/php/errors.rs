//! `Amm\Errors`: what an error means, without recording it.

use ext_php_rs::prelude::*;
use ext_php_rs::types::Zval;
use ext_php_rs::zend::ce;

use amm_core::verdict::{self, Phase, classify};

use super::enums::Verdict;
use super::exceptions;
use super::signatures::{SEALED, ThrowableOrErrno, refuse_new};
use super::throwable::{self, Seen};

/// Classifies errors, by their number first.
#[php_class]
#[php(name = "Amm\\Errors", flags = SEALED)]
pub struct Errors;

#[php_impl]
impl Errors {
    /// There is nothing to make: all methods are static.
    #[php(vis = "private")]
    pub fn __construct() -> PhpResult<Self> {
        Err(refuse_new("Amm\\Errors"))
    }

    /// What the error says about the server it came from.
    pub fn classify(error: ThrowableOrErrno<'_>) -> PhpResult<Verdict> {
        let seen = seen(error.0, "Amm\\Errors::classify(): Argument #1 ($error)")?;
        Ok(classify(&seen.as_error(), Phase::InUse).into())
    }

    /// Whether the same may be tried on another node.
    pub fn retry_elsewhere(v: Verdict) -> bool {
        verdict::retry_elsewhere(v.into())
    }

    /// Whether the node is taken out.
    pub fn excludes_node(v: Verdict) -> bool {
        verdict::excludes_node(v.into())
    }
}

/// Reads a `Throwable` or an error number; `what` begins the message for
/// anything else.
pub(super) fn seen(error: &Zval, what: &str) -> PhpResult<Seen> {
    let error = error.dereference();
    if let Some(errno) = error.long() {
        return match u32::try_from(errno) {
            Ok(errno) => Ok(Seen::of_errno(errno)),
            Err(_) => Err(exceptions::type_error(format!(
                "{what} must be a Throwable or a MySQL error number, {errno} given"
            ))),
        };
    }
    match error.object() {
        Some(object) if object.instance_of(ce::throwable()) => Ok(throwable::read(object)),
        _ => Err(exceptions::type_error(format!(
            "{what} must be of type Throwable|int, {} given",
            super::signatures::type_name(error)
        ))),
    }
}
