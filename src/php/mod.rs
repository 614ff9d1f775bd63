//! The only place where PHP appears.
