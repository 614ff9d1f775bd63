//! `/proc/self/net/tcp` and `tcp6`: one socket a line, addresses as words in
//! hexadecimal of this machine's byte order.

use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Where the socket with this inode, which is dialling, tries to get.
pub(super) fn destination(inode: u64) -> Option<SocketAddr> {
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .iter()
        .find_map(|table| {
            let lines = BufReader::new(std::fs::File::open(table).ok()?).lines();
            lines
                .map_while(Result::ok)
                .find_map(|line| of_line(&line, inode))
        })
}

/// `sl local remote state tx:rx tr:when retrnsmt uid timeout inode …`
fn of_line(line: &str, inode: u64) -> Option<SocketAddr> {
    let mut fields = line.split_ascii_whitespace();
    let remote = fields.nth(2)?;
    let state = fields.next()?;
    let its_inode = fields.nth(5)?;
    let dialling = u8::from_str_radix(state, 16) == Ok(super::SYN_SENT);
    if !dialling || its_inode.parse() != Ok(inode) {
        return None;
    }
    let (address, port) = remote.split_once(':')?;
    Some(SocketAddr::new(
        of_hexadecimal(address)?,
        u16::from_str_radix(port, 16).ok()?,
    ))
}

fn of_hexadecimal(words: &str) -> Option<IpAddr> {
    let word = |at: usize| {
        let digits = words.get(8 * at..8 * (at + 1))?;
        Some(u32::from_str_radix(digits, 16).ok()?.to_ne_bytes())
    };
    match words.len() {
        8 => Some(Ipv4Addr::from(word(0)?).into()),
        32 => {
            let mut bytes = [0u8; 16];
            for (at, four) in bytes.chunks_exact_mut(4).enumerate() {
                four.copy_from_slice(&word(at)?);
            }
            Some(Ipv6Addr::from(bytes).into())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_the_table_are_understood() {
        let line = "   1: 0100007F:C350 0500007F:0CEA 02 00000000:00000001 01:00000064 00000001     0        0 4711 2 0 200 0 0 1 7";
        assert_eq!(of_line(line, 4711), Some("127.0.0.5:3306".parse().unwrap()));
        assert_eq!(of_line(line, 4712), None);
        assert_eq!(
            of_line(&line.replace(" 02 ", " 01 "), 4711),
            None,
            "connected"
        );
        let six = line.replace("0500007F", "B80D0120000000000000000001000000");
        assert_eq!(
            of_line(&six, 4711),
            Some("[2001:db8::1]:3306".parse().unwrap())
        );
        for broken in [
            "",
            "sl local",
            "1: x 0500007F 02 a b c d e 4711",
            "1: x 05:0CEA 02 a b c d e 4711",
        ] {
            assert_eq!(of_line(broken, 4711), None, "{broken}");
        }
    }
}
