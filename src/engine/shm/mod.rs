//! The memory that all PHP processes of a host share, and how to get it.

pub mod layout;
mod map;
mod truncated;

pub use layout::{ClusterSlot, NodeSlot, Region};
pub use map::{Location, Mapping, ShmError};
