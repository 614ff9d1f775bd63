use super::*;
use crate::testing::definition;
use amm_core::config::Value;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsRawFd;

/// Asks a peer that does with its first connection as it is told.
fn ask_a_peer(tls: bool, treat: impl FnOnce(TcpStream) + Send + 'static) -> ProbeResult {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let node = listener.local_addr().unwrap().to_string();
    let peer = std::thread::spawn(move || treat(listener.accept().unwrap().0));
    let mut keys = vec![
        ("flavour", Value::from("galera")),
        ("username", "probe-name".into()),
    ];
    if tls {
        keys.push(("tls", Value::Map(Vec::new())));
    }
    let result = ask(&definition(&[&node], &keys), 0, 3_000);
    peer.join().unwrap();
    result
}

/// A greeting of version 10; `capabilities` are the lower 16 bits.
fn greeting(capabilities: u16) -> Vec<u8> {
    let mut body = vec![10];
    body.extend_from_slice(b"8.0.0\0\x01\0\0\0saltsalt\0");
    body.extend_from_slice(&capabilities.to_le_bytes());
    // Character set, status, upper capabilities (plugins), length of the salt.
    body.extend_from_slice(&[45, 2, 0, 0x08, 0, 21]);
    body.extend_from_slice(&[0; 10]);
    body.extend_from_slice(b"saltsaltsalt\0mysql_native_password\0");
    packet(0, &body)
}

fn packet(sequence: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![body.len() as u8, 0, 0, sequence];
    packet.extend_from_slice(body);
    packet
}

const PROTOCOL_41: u16 = 0x0200;
const TLS: u16 = 0x0800;

#[test]
fn a_peer_that_resets_closes_or_babbles_fails_at_once() {
    let reset = |stream: TcpStream| {
        let linger = libc::linger {
            l_onoff: 1,
            l_linger: 0,
        };
        // SAFETY: a live socket and an option of the size that is said.
        unsafe {
            libc::setsockopt(
                stream.as_raw_fd(),
                libc::SOL_SOCKET,
                libc::SO_LINGER,
                (&raw const linger).cast(),
                size_of::<libc::linger>() as libc::socklen_t,
            );
        }
    };
    let babble = |mut stream: TcpStream| stream.write_all(b"HTTP/1.1 400 Bad Request\r\n").unwrap();
    for tls in [false, true] {
        let fatal = Finding::Failed { fatal: true };
        assert_eq!(ask_a_peer(tls, reset).finding, fatal);
        assert_eq!(ask_a_peer(tls, drop).finding, fatal);
        assert_eq!(ask_a_peer(tls, babble).finding, fatal);
    }
}

#[test]
fn a_peer_that_greets_nobody_is_late() {
    let patient = |mut stream: TcpStream| drop(stream.read(&mut [0]));
    let late = Finding::Failed { fatal: false };
    assert_eq!(ask_a_peer(false, patient).finding, late);
}

#[test]
fn what_is_wrong_with_tls_is_no_failure_of_the_node() {
    // It offers none.
    let plain = |mut stream: TcpStream| stream.write_all(&greeting(PROTOCOL_41)).unwrap();
    assert_eq!(ask_a_peer(true, plain).finding, Finding::NoLogin);
    // It answers the handshake with an alert, as one that wants a certificate does.
    let alert = |mut stream: TcpStream| {
        stream.write_all(&greeting(PROTOCOL_41 | TLS)).unwrap();
        let _ = stream.read(&mut [0; 4096]);
        stream.write_all(&[21, 3, 3, 0, 2, 2, 40]).unwrap();
        let _ = stream.read(&mut [0; 4096]);
    };
    assert_eq!(ask_a_peer(true, alert).finding, Finding::NoLogin);
}

#[test]
fn a_refusal_is_told_by_its_number_without_the_account() {
    let refuse = |mut stream: TcpStream| {
        stream.write_all(&greeting(PROTOCOL_41)).unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let refusal = b"\xff\x15\x04#28000Access denied for user 'probe-name'@'host'";
        stream.write_all(&packet(2, refusal)).unwrap();
    };
    let result = ask_a_peer(false, refuse);
    assert_eq!(result.finding, Finding::NoLogin);
    assert_eq!(result.errno, Some(1045));
    let detail = result.detail.unwrap();
    assert!(detail.contains("1045"), "{detail}");
    assert!(!detail.contains("probe-name"), "{detail}");
}
