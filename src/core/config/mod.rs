//! Settings of one cluster, read once from a neutral tree of values.
//!
//! The same keys come from a TOML file, from a PHP array and from two
//! frameworks' configuration files. Each of those is turned into a [`Value`]
//! by its own reader; everything after that happens here, so that a mistake is
//! reported in the same words wherever it was made.
//!
//! There is one way in, [`Settings::try_from_value`] (or [`parse_clusters`] for
//! a whole file): a `Settings` that exists has been checked. Two rules hold
//! throughout:
//!
//! * **Defaults bend, given values collide.** A default gives way to what was
//!   written (`probe_interval = "50ms"` lowers the default of
//!   `probe_interval_suspect`); two written values that contradict each other
//!   are an error.
//! * **Null means not given.** `env('AMM_PASSWORD')` of an unset variable is
//!   null in PHP; it leaves the default in place.
//!
//! | file | idea |
//! | --- | --- |
//! | [`value`] | the neutral tree |
//! | [`settings`] | what a cluster may be told, with defaults |
//! | [`node`] | one node and the ways to write it |
//! | [`identity`] | what makes two configurations the same cluster |
//! | [`error`] | a mistake: key, what was given, what is accepted |
//! | [`secret`] | text that must not be shown |
//! | [`file`](mod@file) | the `[cluster.<name>]` form of a file |

pub(crate) mod address;
mod choice;
mod duration;
pub mod error;
pub mod file;
pub mod identity;
pub mod node;
mod parse;
pub mod secret;
pub mod settings;
mod suggest;
mod table;
pub mod value;

#[cfg(test)]
mod tests;

pub use error::ConfigError;
pub use file::{cluster_name, parse_clusters};
pub use identity::{ClusterIdentity, NodeIdentity};
pub use node::{Admin, NodeRole, NodeSettings};
pub use secret::Secret;
pub use settings::{
    Backoff, Conflicts, Cut, Failback, Flavour, MAX_NODES, Settings, Sticky, StickyScope, Tls,
    Writers,
};
pub use value::Value;
