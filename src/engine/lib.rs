//! The system work of amm: shared memory, time, the monitor and its probes.
//! Knows nothing of PHP.

pub mod attempt;
pub mod changes;
pub mod claim;
pub mod clock;
pub mod cluster;
pub mod config_file;
pub mod cut;
pub mod definition;
pub mod futex;
pub mod host;
pub mod journal;
pub mod lease;
pub mod monitor;
pub mod node;
pub mod notify;
mod order;
pub mod pick;
pub mod probe;
pub mod process;
pub mod report;
mod resolve;
pub mod roster;
pub mod seqlock;
pub mod shm;
pub mod signals;
pub mod socket;
pub mod state;
#[cfg(test)]
mod state_tests;
pub mod status;
mod sync;
mod table;
#[cfg(test)]
mod testing;
pub mod tokens;
pub mod views;
mod wire;
