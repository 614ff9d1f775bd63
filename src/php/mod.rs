//! The only place where PHP appears.
//!
//! ```text
//! module ── MINIT, RINIT …      ini ── directives      info ── phpinfo table
//! cluster (choose, connect), node, errors   the classes   exceptions, enums
//! request ── what lives as long as a request: names, scopes, handles
//! monitor ── the same probing in the foreground, for a service manager
//! worker ── what lives as long as the process: shared memory, monitor, clusters
//! engine_calls ── the engine functions that ext-php-rs does not wrap
//! ```

mod array;
mod choose;
mod cluster;
mod connect;
mod engine_calls;
mod enums;
mod errors;
mod exceptions;
mod handles;
mod info;
mod ini;
mod module;
mod monitor;
mod node;
mod request;
mod signatures;
mod status;
mod throwable;
mod tokens;
mod worker;
