//! Which nodes a cluster has beyond those that were configured.
//!
//! With `discover` the cluster's own member list is followed. It comes from
//! whoever answers on a configured address, so it is treated as what it is,
//! untrusted input:
//!
//! - only hosts that the operator allowed beforehand come in ([`hosts`]);
//! - only what members say that are part of the cluster counts, and only a
//!   member that every such list has missed for a while is gone ([`roster`]);
//! - a configured node is never removed: it is judged by its own probes;
//! - every length is bounded.
//!
//! ```text
//! views of members ──▶ roster: who is a member, where ──▶ accept: whom this
//! (probes, leader)     (leader; shared with the host)     process may use
//! ```
//!
//! The roster is a fact about the cluster and the same for all processes of a
//! host. What of it may be used is each process's own decision, by its own
//! configuration.

pub mod accept;
pub mod aurora;
pub mod hosts;
pub mod listing;
pub mod roster;

pub use accept::{Accepted, Rules, accept};
pub use hosts::{Host, HostPattern};
pub use listing::Listing;
pub use roster::{Heard, Known, Roster};
