//! Hosts, processes and a cluster in one thread, without sockets or clocks.
//!
//! A seed decides everything: the configuration, what befalls servers, processes
//! and probers, how long everything takes, and in which order things happen that
//! happen at once. The decisions are the product's own code: workers drive
//! [`amm_engine::attempt::Attempt`], monitors are [`amm_engine::monitor::Seat`]s,
//! and what a probe found is published by the function that real probes use. The
//! servers, the network and PHP are modelled.
//!
//! After every step [`watch`] compares what the code decided with what was true,
//! as the guarantees in the README have it. The first broken one ends the run and
//! names the seed; the same seed always runs the same way, so that it can be
//! replayed with a trace of every step.

mod agenda;
pub mod dice;
mod host;
mod plan;
mod prober;
mod process;
pub mod server;
pub mod watch;
mod worker;
pub mod world;

pub use world::{Report, run};
