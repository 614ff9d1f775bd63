use super::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread::JoinHandle;

const GREETING: &[u8] = b"\x0a8.4.0\0\x07\0\0\0saltsalt\0\x00\x82\x2d\x02\0\x08\0\x15\
    \0\0\0\0\0\0\0\0\0\0saltsaltsalt\0caching_sha2_password\0";

/// A peer that treats its first connection as it is told.
fn peer(treat: impl FnOnce(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || treat(listener.accept().unwrap().0));
    (address, thread)
}

fn open(address: SocketAddr, ms: u64) -> Result<Conn> {
    let credentials = Credentials {
        user: "probe",
        password: "secret",
        tls: None,
    };
    Conn::open(Peer::Tcp(&[address]), credentials, Deadline::after_ms(ms))
}

fn say(stream: &mut TcpStream, sequence: u8, body: &[u8]) {
    let mut packet = (body.len() as u32).to_le_bytes()[..3].to_vec();
    packet.push(sequence);
    packet.extend_from_slice(body);
    stream.write_all(&packet).unwrap();
}

fn hear(stream: &mut TcpStream) -> Vec<u8> {
    let mut header = [0; 4];
    stream.read_exact(&mut header).unwrap();
    let mut body = vec![0; usize::from(header[0]) | usize::from(header[1]) << 8];
    stream.read_exact(&mut body).unwrap();
    body
}

#[test]
fn a_login_by_caching_sha2_and_an_answer() {
    let (address, server) = peer(|mut stream| {
        say(&mut stream, 0, GREETING);
        let login = hear(&mut stream);
        let proof = crypto::caching_sha2(b"secret", b"saltsaltsaltsaltsalt");
        assert!(login.windows(32).any(|part| part == proof));
        say(&mut stream, 2, b"\x01\x03");
        say(&mut stream, 3, b"\0\0\0\x02\0\0\0");
        assert_eq!(hear(&mut stream), b"\x03SHOW");
        say(&mut stream, 1, b"\x02");
        say(&mut stream, 2, b"\x03def\0\0\0\x01a\x01a");
        say(&mut stream, 3, b"\x03def\0\0\0\x01b");
        say(&mut stream, 4, b"\xfe\0\0\x02\0");
        say(&mut stream, 5, b"\x04name\xfb");
        say(&mut stream, 6, b"\xfe\0\0\x02\0");
        assert_eq!(hear(&mut stream), b"\x01", "a goodbye");
    });
    let mut conn = open(address, 2_000).unwrap();
    assert_eq!(conn.peer(), Some(address));
    let wanted = Table {
        columns: vec!["a".into(), "b".into()],
        rows: vec![vec![Some("name".into()), None]],
    };
    assert_eq!(conn.table("SHOW").unwrap(), wanted);
    assert!(conn.is_in_order());
    drop(conn);
    server.join().unwrap();
}

#[test]
fn a_server_that_has_not_seen_the_account_gets_the_password_sealed() {
    let (address, server) = peer(|mut stream| {
        say(&mut stream, 0, GREETING);
        hear(&mut stream);
        say(&mut stream, 2, b"\x01\x04");
        assert_eq!(hear(&mut stream), b"\x02", "it asks for the key");
        say(&mut stream, 4, b"\x01 no key");
        let _ = stream.read(&mut [0; 64]);
    });
    let error = open(address, 2_000).err().unwrap();
    assert!(
        matches!(error, WireError::Protocol("a key that is none")),
        "{error}"
    );
    server.join().unwrap();
}

#[test]
fn a_drip_is_over_at_the_deadline() {
    let (address, server) = peer(|mut stream| {
        let packet = [&[GREETING.len() as u8, 0, 0, 0], GREETING].concat();
        for byte in packet {
            if stream.write_all(&[byte]).is_err() {
                return;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
    });
    let began = now_us();
    assert!(matches!(open(address, 200), Err(WireError::Late)));
    let took = (now_us() - began) / 1_000;
    assert!((199..280).contains(&took), "{took} ms");
    server.join().unwrap();
}

#[test]
fn one_that_was_held_up_itself_says_so() {
    let deadline = Deadline {
        at_us: now_us() - 100_000,
    };
    assert!(matches!(deadline.left_us(), Err(WireError::Late)));
    let deadline = Deadline {
        at_us: now_us() - 400_000,
    };
    assert!(matches!(deadline.left_us(), Err(WireError::Scarce(_))));
}

#[test]
fn an_answer_cut_off_leaves_the_connection_unfit() {
    let (address, server) = peer(|mut stream| {
        say(&mut stream, 0, GREETING);
        hear(&mut stream);
        say(&mut stream, 2, b"\0\0\0\x02\0\0\0");
        hear(&mut stream);
        say(&mut stream, 1, b"\xff\x7a\x04#42S02no such table");
        hear(&mut stream);
        say(&mut stream, 1, b"\x02");
        let _ = stream.shutdown(Shutdown::Both);
    });
    let mut conn = open(address, 2_000).unwrap();
    assert!(matches!(
        conn.table("A"),
        Err(WireError::Server { code: 1146, .. })
    ));
    assert!(conn.is_in_order(), "a refusal is an answer");
    assert!(matches!(conn.table("B"), Err(WireError::Io(_))));
    assert!(!conn.is_in_order());
    server.join().unwrap();
}

#[test]
fn the_first_address_that_takes_the_connection_is_used() {
    let refusing = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (address, server) = peer(drop);
    let credentials = Credentials {
        user: "probe",
        password: "",
        tls: None,
    };
    let addresses = [refusing, address];
    let opened = Conn::open(
        Peer::Tcp(&addresses),
        credentials,
        Deadline::after_ms(1_000),
    );
    assert!(
        matches!(opened, Err(WireError::Io(error)) if error.kind() == io::ErrorKind::UnexpectedEof)
    );
    server.join().unwrap();
}
