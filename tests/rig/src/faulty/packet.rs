//! The packets that a server sends, without their headers, and the headers.

use super::script::{Lie, Table};

const LONG_PASSWORD: u32 = 1;
const PROTOCOL_41: u32 = 1 << 9;
const TRANSACTIONS: u32 = 1 << 13;
const SECURE_CONNECTION: u32 = 1 << 15;
const PLUGIN_AUTH: u32 = 1 << 19;

/// What it can do unless it lies.
const CAPABILITIES: u32 =
    LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH;

/// With its header.
pub(super) fn framed(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = (body.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(sequence);
    packet.extend_from_slice(body);
    packet
}

pub(super) fn greeting(lie: Option<Lie>) -> Vec<u8> {
    let mut version = &b"8.0.99-faulty"[..];
    let mut plugin = &b"mysql_native_password"[..];
    let mut salt = &b"saltsaltsaltsaltsalt\0"[..];
    let (mut protocol, mut capabilities, mut charset) = (10, CAPABILITIES, 45);
    match lie {
        Some(Lie::Version(bytes)) => version = bytes,
        Some(Lie::Protocol(number)) => protocol = number,
        Some(Lie::Capabilities(bits)) => capabilities = bits,
        Some(Lie::Charset(number)) => charset = number,
        Some(Lie::Plugin(bytes)) => plugin = bytes,
        Some(Lie::ShortSalt(length)) => salt = &salt[..length.clamp(8, salt.len())],
        None => {}
    }
    let capabilities = capabilities.to_le_bytes();
    let mut body = vec![protocol];
    body.extend_from_slice(version);
    body.extend_from_slice(b"\0\x07\0\0\0");
    body.extend_from_slice(&salt[..8]);
    body.push(0);
    body.extend_from_slice(&capabilities[..2]);
    body.extend_from_slice(&[charset, 2, 0]);
    body.extend_from_slice(&capabilities[2..]);
    body.push(salt.len() as u8);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(&salt[8..]);
    body.extend_from_slice(plugin);
    body.push(0);
    body
}

pub(super) fn ok() -> Vec<u8> {
    vec![0, 0, 0, 2, 0, 0, 0]
}

pub(super) fn error(number: u16) -> Vec<u8> {
    let mut body = vec![0xff];
    body.extend_from_slice(&number.to_le_bytes());
    body.extend_from_slice(b"#HY000told to fail");
    body
}

pub(super) fn end() -> Vec<u8> {
    vec![0xfe, 0, 0, 2, 0]
}

pub(super) fn column(name: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for text in ["def", "", "", "", name, name] {
        string(&mut body, text.as_bytes());
    }
    // Length of what follows, character set, width, type VAR_STRING, flags, decimals.
    body.extend_from_slice(&[0x0c, 45, 0, 0, 1, 0, 0, 0xfd, 0, 0, 0, 0, 0]);
    body
}

pub(super) fn row(values: &[Option<String>]) -> Vec<u8> {
    let mut body = Vec::new();
    for value in values {
        match value {
            Some(text) => string(&mut body, text.as_bytes()),
            None => body.push(0xfb),
        }
    }
    body
}

/// The number of columns, then their definitions and an end.
pub(super) fn head(table: &Table) -> Vec<Vec<u8>> {
    let mut packets = vec![vec![table.columns.len() as u8]];
    packets.extend(table.columns.iter().map(|name| column(name)));
    packets.push(end());
    packets
}

pub(super) fn string(to: &mut Vec<u8>, bytes: &[u8]) {
    number(to, bytes.len() as u64);
    to.extend_from_slice(bytes);
}

/// A number whose length depends on it.
pub(super) fn number(to: &mut Vec<u8>, value: u64) {
    let bytes = value.to_le_bytes();
    match value {
        0..=0xfa => to.push(bytes[0]),
        0xfb..=0xffff => {
            to.push(0xfc);
            to.extend_from_slice(&bytes[..2]);
        }
        0x1_0000..=0xff_ffff => {
            to.push(0xfd);
            to.extend_from_slice(&bytes[..3]);
        }
        _ => {
            to.push(0xfe);
            to.extend_from_slice(&bytes);
        }
    }
}
