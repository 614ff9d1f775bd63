//! What PHP calls when the module and requests start and end.
//!
//! Module start may run in a parent that will fork and drop its rights
//! (php-fpm as root), or twice in one process (Apache, FrankenPHP): it
//! registers classes and reads directives, and opens and starts nothing.

use ext_php_rs::prelude::*;

use amm_engine::journal;

use super::cluster::Cluster;
use super::engine_calls::log_line;
use super::enums::{Role, Verdict};
use super::errors::Errors;
use super::monitor::Monitor;
use super::node::Node;
use super::{exceptions, handles, info, ini, request, signatures, worker};

const SUCCESS: i32 = 0;
const FAILURE: i32 = -1;

/// Describes the module to PHP.
#[php_module]
#[php(startup = start_module)]
pub fn get_module(module: ModuleBuilder) -> ModuleBuilder {
    module
        .name("amm")
        .info_function(info::print)
        .shutdown_function(stop_module)
        .request_startup_function(start_request)
        .request_shutdown_function(stop_request)
        .enumeration::<Role>()
        .enumeration::<Verdict>()
        .class::<Node>()
        .class::<Cluster>()
        .class::<Errors>()
        .class::<Monitor>()
}

/// Keeps a panic of ours from crossing into PHP, where it would end the site.
fn guarded(body: impl FnOnce() + std::panic::UnwindSafe) -> i32 {
    match std::panic::catch_unwind(body) {
        Ok(()) => SUCCESS,
        Err(_) => FAILURE,
    }
}

fn start_module(_kind: i32, module: i32) -> i32 {
    let mut result = SUCCESS;
    let guarded = guarded(std::panic::AssertUnwindSafe(|| {
        ini::start(module);
        journal::start(ini::get().log_level);
        signatures::reset();
        for mistake in &ini::get().mistakes {
            log::error!("{mistake}; the default is used");
        }
        if exceptions::register().is_err() {
            result = FAILURE;
        }
        // Here, once, and not in every process that is forked from this one.
        journal::drain(log_line);
    }));
    if guarded == SUCCESS { result } else { guarded }
}

extern "C" fn stop_module(_kind: i32, _module: i32) -> i32 {
    guarded(|| {
        worker::stop();
        journal::drain(log_line);
    });
    SUCCESS
}

extern "C" fn start_request(_kind: i32, _module: i32) -> i32 {
    guarded(|| {
        handles::abandon();
        request::begin();
        signatures::complete();
        journal::drain(log_line);
    });
    SUCCESS
}

extern "C" fn stop_request(_kind: i32, _module: i32) -> i32 {
    guarded(|| {
        request::end();
        handles::clear();
        worker::end_dials();
        journal::drain(log_line);
    });
    SUCCESS
}
