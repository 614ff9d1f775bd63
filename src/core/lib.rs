//! The decisions of amm and nothing else: no clock, no environment, no
//! network, no libc, no PHP and no `unsafe`. Time and randomness are passed in.
#![forbid(unsafe_code)]

pub mod config;
pub mod verdict;
