//! Where a write stands in the order that a cluster gives its writes, so that
//! a reader can be asked whether it is that far.
//!
//! ```text
//! 1 uuid:16 number:u64     Galera: cluster's state UUID, sequence number
//! 2 uuid:16 number:u64     MySQL: source's or group's UUID, transaction number
//! 3 domain:u32 server:u32 number:u64   MariaDB's GTID
//! ```

use std::fmt;

use super::number;

/// A position, as the flavour's servers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Position {
    /// Galera: state UUID and sequence number (`wsrep_last_committed`).
    Galera {
        /// The cluster's state UUID.
        state: [u8; 16],
        /// Sequence number.
        number: u64,
    },
    /// MySQL: one transaction of a source or group.
    MySql {
        /// UUID of the source, or of the group.
        source: [u8; 16],
        /// Number of the transaction, from 1.
        number: u64,
    },
    /// MariaDB: `domain-server-sequence`.
    MariaDb {
        /// Replication domain.
        domain: u32,
        /// Server id.
        server: u32,
        /// Sequence number in the domain.
        number: u64,
    },
}

impl Position {
    /// Bytes of the longest encoded position.
    pub(super) const LONGEST: usize = 25;

    pub(super) fn encode(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Galera {
                state: uuid,
                number,
            }
            | Self::MySql {
                source: uuid,
                number,
            } => {
                bytes.push(if matches!(self, Self::Galera { .. }) {
                    1
                } else {
                    2
                });
                bytes.extend_from_slice(uuid);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Self::MariaDb {
                domain,
                server,
                number,
            } => {
                bytes.push(3);
                bytes.extend_from_slice(&domain.to_le_bytes());
                bytes.extend_from_slice(&server.to_le_bytes());
                bytes.extend_from_slice(&number.to_le_bytes());
            }
        }
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let (kind, mut rest) = bytes.split_first()?;
        let position = match kind {
            1 | 2 => {
                let (uuid, tail) = rest.split_at_checked(16)?;
                let uuid = uuid.try_into().ok()?;
                rest = tail;
                let number = number(&mut rest, 8)?;
                match kind {
                    1 => Self::Galera {
                        state: uuid,
                        number,
                    },
                    _ => Self::MySql {
                        source: uuid,
                        number,
                    },
                }
            }
            3 => Self::MariaDb {
                domain: number(&mut rest, 4)? as u32,
                server: number(&mut rest, 4)? as u32,
                number: number(&mut rest, 8)?,
            },
            _ => return None,
        };
        rest.is_empty().then_some(position)
    }
}

/// As the server writes it: a GTID, or Galera's `uuid:number`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Galera {
                state: uuid,
                number,
            }
            | Self::MySql {
                source: uuid,
                number,
            } => {
                for (index, byte) in uuid.iter().enumerate() {
                    if matches!(index, 4 | 6 | 8 | 10) {
                        f.write_str("-")?;
                    }
                    write!(f, "{byte:02x}")?;
                }
                write!(f, ":{number}")
            }
            Self::MariaDb {
                domain,
                server,
                number,
            } => write!(f, "{domain}-{server}-{number}"),
        }
    }
}
