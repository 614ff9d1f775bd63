//! Real servers for amm's demo, integration tests and benchmarks: a Galera
//! cluster, php-fpm, nginx, open-loop load, faults, and the books that are
//! checked afterwards.
//!
//! Everything a rig starts lives in one [`run_dir::RunDir`] below the system's
//! temporary folder, listens on one block of loopback addresses of its own
//! ([`address::Block`]), and is gone when its handle is dropped, when the
//! process is interrupted, and when the process dies without being asked.
//!
//! ```no_run
//! use amm_rig::galera::{Galera, Options};
//!
//! let cluster = Galera::start(Options::default())?;
//! cluster.node(0).kill9()?;
//! cluster.wait_size(2, std::time::Duration::from_secs(10))?;
//! cluster.node(0).start()?;
//! # anyhow::Ok(())
//! ```
//!
//! It needs root, because MariaDB, nginx and php-fpm are to run under their own
//! users, and Debian's packages: `tests/install.sh` brings them.

pub mod accounts;
pub mod address;
pub mod apache;
pub mod app;
pub mod clock;
pub mod cluster;
pub mod connects;
pub mod dials;
pub mod double;
pub mod fault;
pub mod faulty;
pub mod floor;
pub mod fpm;
pub mod galera;
pub mod group;
pub mod interrupt;
pub mod ledger;
pub mod load;
pub mod nginx;
pub mod php;
pub mod process;
pub mod reconcile;
pub mod report;
pub mod run_dir;
pub mod server;
pub mod status;
pub mod table;
