//! The system work of amm: shared memory, time, the monitor and its probes.
//! Knows nothing of PHP.
