//! The decisions of amm and nothing else: no clock, no environment, no
//! network, no libc, no PHP and no `unsafe`. Time and randomness are passed in.
#![forbid(unsafe_code)]

pub mod admission;
pub mod backoff;
pub mod breaker;
pub mod config;
pub mod cut;
pub mod discovery;
pub mod node;
pub mod probe;
pub mod selection;
pub mod token;
pub mod trial;
pub mod verdict;
