//! Shutting the sockets that this process holds to a node that is gone, so
//! that whoever is stuck on one gets an error in seconds.
//!
//! ```text
//!  leader's thread   evidence → amm_core::cut::decide → order    (cuts + 1 in shared memory, all are woken)
//!  every process's   order, and the node's state bears it out → shut what the book and the kernel show
//!  the same thread   a dial's limit has passed → shut that dial's own sockets
//! ```
//!
//! An order carries no address: shared memory says *that* a node's sockets are
//! to be shut, the process itself knows which those are. Its [`book::Book`]
//! lists the handles that `connect()` returned and the dials under way; the
//! rest is found among its descriptors by their peers.
//!
//! Descriptor numbers are recycled at any moment by PHP's thread. So each is
//! duplicated first, the duplicate is examined, and the duplicate is shut: see
//! [`descriptor`].

pub mod book;
pub mod descriptor;
pub mod evidence;
pub mod order;
pub mod shut;
mod syn_sent;
mod target;
