//! One server of a cluster.

use super::address::{DEFAULT_PORT, HOST_ACCEPTED, NODE_ACCEPTED, host, host_and_port};
use super::choice::choice;
use super::error::{ConfigError, shown, shown_text};
use super::table::Table;
use super::value::Value;

/// The host of a node that is reached through a socket only.
const LOCAL: &str = "localhost";

const KEYS: [&str; 8] = [
    "host", "port", "socket", "weight", "priority", "zone", "role", "admin",
];

choice! {
    /// What a node is used for, where the operator fixes it.
    NodeRole {
        /// May be written to, if the database agrees.
        #[default]
        Writer = "writer",
        /// Reads only, whatever the database says.
        Reader = "reader",
    }
}

choice! {
    /// What operators allow a node.
    Admin {
        /// Everything.
        #[default]
        Enabled = "enabled",
        /// Keeps those that are stuck to it, takes no new ones.
        Draining = "draining",
        /// Nothing.
        Disabled = "disabled",
    }
}

/// One server of a cluster, as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NodeSettings {
    /// Name or address in canonical form: lower case, IPv6 without brackets;
    /// `localhost` where only a socket is given.
    pub host: String,
    /// TCP port, 1 to 65535. Default 3306.
    pub port: u16,
    /// Absolute path of a Unix socket to use instead of TCP.
    pub socket: Option<String>,
    /// Share of the keys in `spread`, 1 to 1000. Default 1.
    pub weight: u32,
    /// Preference in `single`, -1000 to 1000, higher is preferred. Default 0.
    pub priority: i32,
    /// Availability zone; readers of a host's own zone come first.
    pub zone: Option<String>,
    /// What it is used for; `None` leaves that to the database.
    pub role: Option<NodeRole>,
    /// What operators allow it, on every host and across reboots.
    pub admin: Admin,
}

impl NodeSettings {
    /// A node with default settings from `host`, `host:port`, `[IPv6]:port` or
    /// an absolute socket path; so also from an [`id`](Self::id).
    ///
    /// # Errors
    /// Anything else, named `node`.
    pub fn try_new(address: &str) -> Result<Self, ConfigError> {
        Self::from_text(address, "node")
    }

    /// The name of the node in status and messages: `host:port`, with IPv6
    /// addresses in brackets, or the socket's path where the host says nothing
    /// (absent or `localhost`).
    #[must_use]
    pub fn id(&self) -> String {
        match &self.socket {
            Some(path) if self.host == LOCAL => path.clone(),
            _ if self.host.contains(':') => format!("[{}]:{}", self.host, self.port),
            _ => format!("{}:{}", self.host, self.port),
        }
    }

    pub(super) fn from_value(value: &Value, path: &str) -> Result<Self, ConfigError> {
        match value {
            Value::Str(text) => Self::from_text(text, path),
            Value::Map(_) => Self::from_table(&Table::open(value, path, &KEYS)?),
            other => {
                let accepted = format!("{NODE_ACCEPTED}, or a map with at least a host");
                Err(ConfigError::new(path, shown(other), accepted))
            }
        }
    }

    fn from_text(text: &str, path: &str) -> Result<Self, ConfigError> {
        let wrong = || ConfigError::new(path, shown_text(text), NODE_ACCEPTED);
        if text.starts_with('/') {
            return socket(text)
                .map(|path| Self::local(path.to_owned()))
                .ok_or_else(wrong);
        }
        let (host, port) = host_and_port(text).ok_or_else(wrong)?;
        Ok(Self::tcp(host, port))
    }

    fn from_table(table: &Table<'_>) -> Result<Self, ConfigError> {
        let socket = read_socket(table)?;
        let port = table.integer("port", 1, u16::MAX)?;
        let mut node = match (table.get("host"), socket) {
            (None, Some(socket)) => Self::local(socket),
            (None, None) => {
                return Err(ConfigError::new(
                    table.path("host"),
                    "nothing",
                    HOST_ACCEPTED,
                ));
            }
            (Some(value), socket) => {
                let (host, in_host) = read_host(value, &table.path("host"), port)?;
                Self {
                    socket,
                    ..Self::tcp(host, in_host)
                }
            }
        };
        if let Some(port) = port {
            node.port = port;
        }
        node.weight = table.integer("weight", 1, 1000)?.unwrap_or(node.weight);
        node.priority = table
            .integer("priority", -1000, 1000)?
            .unwrap_or(node.priority);
        node.zone = read_zone(table)?;
        node.role = table.choice("role")?;
        node.admin = table.choice("admin")?.unwrap_or_default();
        Ok(node)
    }

    fn tcp(host: String, port: Option<u16>) -> Self {
        Self {
            host,
            port: port.unwrap_or(DEFAULT_PORT),
            socket: None,
            weight: 1,
            priority: 0,
            zone: None,
            role: None,
            admin: Admin::default(),
        }
    }

    fn local(socket: String) -> Self {
        Self {
            socket: Some(socket),
            ..Self::tcp(LOCAL.to_owned(), None)
        }
    }
}

/// `host = "db1:3307"` is accepted as long as no `port` contradicts it.
fn read_host(
    value: &Value,
    path: &str,
    port: Option<u16>,
) -> Result<(String, Option<u16>), ConfigError> {
    let wrong = |accepted: &str| ConfigError::new(path, shown(value), accepted);
    let Value::Str(text) = value else {
        return Err(wrong(HOST_ACCEPTED));
    };
    if let Some(host) = host(text) {
        return Ok((host, None));
    }
    let (host, in_host) = host_and_port(text).ok_or_else(|| wrong(HOST_ACCEPTED))?;
    if port.is_some() {
        return Err(wrong("a host without a port, since port is given too"));
    }
    Ok((host, in_host))
}

/// A socket's address holds at most 107 bytes and a NUL.
fn socket(text: &str) -> Option<&str> {
    let fits = text.len() > 1 && text.len() <= 107;
    (fits && text.starts_with('/') && !text.contains(char::is_control)).then_some(text)
}

fn read_socket(table: &Table<'_>) -> Result<Option<String>, ConfigError> {
    let Some(value) = table.get("socket") else {
        return Ok(None);
    };
    match value {
        Value::Str(text) if socket(text).is_some() => Ok(Some(text.clone())),
        other => Err(ConfigError::new(
            table.path("socket"),
            shown(other),
            "an absolute path of at most 107 bytes",
        )),
    }
}

fn read_zone(table: &Table<'_>) -> Result<Option<String>, ConfigError> {
    let Some(value) = table.get("zone") else {
        return Ok(None);
    };
    match value {
        Value::Str(text)
            if (1..=64).contains(&text.len())
                && !text.contains(|c: char| c.is_control() || c.is_whitespace()) =>
        {
            Ok(Some(text.clone()))
        }
        other => Err(ConfigError::new(
            table.path("zone"),
            shown(other),
            "a string of 1 to 64 bytes without white space",
        )),
    }
}
