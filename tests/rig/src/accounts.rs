//! The accounts and the database that every cluster of the rig has.

/// An account of the servers.
#[derive(Clone, Copy, Debug)]
pub struct Credentials {
    /// User name.
    pub user: &'static str,
    /// Password.
    pub password: &'static str,
}

/// The application's account: all rights on [`DATABASE`], none that would let
/// it write through `read_only`.
pub const APP: Credentials = Credentials {
    user: "app",
    password: "app-secret",
};
/// An account that may log in and read status, nothing else.
pub const PROBE: Credentials = Credentials {
    user: "probe",
    password: "probe-secret",
};
/// `root`'s password; root may log in through a node's socket only.
pub const ROOT_PASSWORD: &str = "root-secret";
/// The database the application owns.
pub const DATABASE: &str = "shop";
