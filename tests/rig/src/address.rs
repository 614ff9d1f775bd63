//! Loopback addresses for one rig: every node has its own address and all have
//! the same port, as in a real cluster. A block is `127.K.0.0/24`; rigs running
//! at once hold different ones.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use anyhow::{Result, bail};

/// What other software on the machine may hold on all addresses is passed over.
const MYSQL_PORTS: [u16; 3] = [3306, 13306, 23306];
const GALERA_PORT: u16 = 4567;
/// The first of all blocks' ports for Group Replication; below those that the
/// kernel gives away by itself.
const FIRST_XCOM_PORT: u16 = 24000;
const BLOCKS: std::ops::Range<u8> = 33..200;
/// Addresses of a block that are tried before it is taken.
const TRIED: u8 = 9;

/// A block of loopback addresses, held for as long as this lives.
#[derive(Debug)]
pub struct Block {
    number: u8,
    mysql_port: u16,
    // An abstract name: the kernel frees it with the process, however that ends.
    _claim: UnixDatagram,
}

impl Block {
    /// Takes a block nobody else holds and whose ports are free.
    pub fn take() -> Result<Self> {
        for number in BLOCKS {
            let name = SocketAddr::from_abstract_name(format!("amm-rig-block-{number}"))?;
            let Ok(claim) = UnixDatagram::bind_addr(&name) else {
                continue;
            };
            let block = Self {
                number,
                mysql_port: 0,
                _claim: claim,
            };
            if !block.is_free(GALERA_PORT) || !block.xcom_is_free() {
                continue;
            }
            if let Some(port) = MYSQL_PORTS.into_iter().find(|port| block.is_free(*port)) {
                return Ok(Self {
                    mysql_port: port,
                    ..block
                });
            }
        }
        bail!("no free block of loopback addresses among 127.{BLOCKS:?}.0.0/24")
    }

    /// The block's `host`th address, counted from 1.
    pub fn address(&self, host: u8) -> Ipv4Addr {
        Ipv4Addr::new(127, self.number, 0, host)
    }

    /// The port all database nodes of this block listen on.
    pub fn mysql_port(&self) -> u16 {
        self.mysql_port
    }

    /// Where the `host`th member of a group talks to the others. Group
    /// Replication takes none but an interface's own address, so its members
    /// are told apart by their ports.
    pub fn xcom(&self, host: u8) -> SocketAddrV4 {
        let block = u16::from(self.number - BLOCKS.start);
        let port = FIRST_XCOM_PORT + block * (u16::from(TRIED) + 1) + u16::from(host);
        SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)
    }

    /// A port on the block's `host`th address that nothing listens on now.
    pub fn free_port(&self, host: u8) -> Result<u16> {
        let listener = TcpListener::bind(SocketAddrV4::new(self.address(host), 0))?;
        Ok(listener.local_addr()?.port())
    }

    fn xcom_is_free(&self) -> bool {
        (1..=TRIED).all(|host| TcpListener::bind(self.xcom(host)).is_ok())
    }

    fn is_free(&self, port: u16) -> bool {
        (1..=TRIED)
            .all(|host| TcpListener::bind(SocketAddrV4::new(self.address(host), port)).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_rigs_at_once_hold_different_blocks() -> Result<()> {
        let (first, second) = (Block::take()?, Block::take()?);
        assert_ne!(first.address(1), second.address(1));
        let last = first.xcom(TRIED);
        assert_ne!(last.port(), second.xcom(1).port());
        Ok(())
    }
}
