//! Settings of one cluster.
