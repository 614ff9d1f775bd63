use super::*;
use mysql::prelude::Queryable;
use mysql::{Conn, OptsBuilder};
use std::io::{self, Read};
use std::net::TcpStream;

fn connect(server: &Faulty) -> mysql::Result<Conn> {
    let limit = Some(Duration::from_millis(300));
    let options = OptsBuilder::new()
        .user(Some("anyone"))
        .pass(Some("anything"))
        .prefer_socket(false)
        .tcp_connect_timeout(limit)
        .read_timeout(limit)
        .max_allowed_packet(Some(1 << 20));
    let options = match server.address() {
        Address::Tcp(address) => options
            .ip_or_hostname(Some(address.ip().to_string()))
            .tcp_port(address.port()),
        Address::Unix(path) => options.socket(Some(path.display().to_string())),
    };
    Conn::new(options)
}

fn unix() -> Address {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("amm-faulty-{}-{number}", std::process::id());
    Address::Unix(std::env::temp_dir().join(name))
}

#[test]
fn it_behaves_by_every_transport_if_told_so() -> Result<()> {
    for address in ["127.0.0.1:0".parse()?, "[::1]:0".parse()?, unix()] {
        let server = Faulty::start(&address, Script::healthy())?;
        let mut conn = connect(&server)?;
        let rows: Vec<(String, String)> = conn.query("SHOW VARIABLES LIKE 'read_only'")?;
        assert_eq!(rows, [("read_only".to_owned(), "OFF".to_owned())]);
        conn.query_drop("SET NAMES utf8mb4")?;
        assert_eq!((server.accepted(), server.open()), (1, 1));
        drop(conn);
        while server.open() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

#[test]
fn a_script_holds_from_the_next_connection_on() -> Result<()> {
    let server = Faulty::start(&"127.0.0.1:0".parse()?, Script::healthy())?;
    let mut conn = connect(&server)?;
    server.set(Script::new(Step::Greeting, Fault::Error(1040)));
    conn.query_drop("SELECT 1")?;
    match connect(&server) {
        Err(mysql::Error::MySqlError(error)) => assert_eq!(error.code, 1040),
        other => panic!("{other:?}"),
    }
    Ok(())
}

#[test]
fn what_ends_badly_does() -> Result<()> {
    let mut well = Vec::new();
    for script in [
        Script::new(Step::Greeting, Fault::Silence),
        Script::new(Step::Greeting, Fault::Half),
        Script::new(Step::Login, Fault::Reset),
        Script::new(Step::Login, Fault::Close),
        Script::new(Step::Answer, Fault::Error(1105)),
        Script::new(Step::Answer, Fault::OtherProtocol),
        Script::new(Step::Rows, Fault::HalfClose),
    ] {
        let server = Faulty::start(&"127.0.0.1:0".parse()?, script.clone())?;
        let asked = connect(&server).and_then(|mut conn| {
            conn.query::<(String, String), _>("SHOW VARIABLES LIKE 'read_only'")
        });
        if asked.is_ok() {
            well.push(script);
        }
    }
    assert!(well.is_empty(), "{well:?}");
    Ok(())
}

#[test]
fn a_reset_is_one() -> Result<()> {
    let script = Script::new(Step::Greeting, Fault::Reset);
    let server = Faulty::start(&"127.0.0.1:0".parse()?, script)?;
    let mut client = TcpStream::connect(server.id())?;
    let error = client.read(&mut [0; 64]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    server.set(Script::new(Step::Greeting, Fault::Close));
    let mut client = TcpStream::connect(server.id())?;
    assert_eq!(client.read(&mut [0; 64])?, 0);
    Ok(())
}

#[test]
fn a_drip_comes_a_byte_at_a_time() -> Result<()> {
    let drip = Fault::Drip(Duration::from_millis(40));
    let server = Faulty::start(&"127.0.0.1:0".parse()?, Script::new(Step::Greeting, drip))?;
    let Address::Tcp(address) = server.address() else {
        anyhow::bail!("not TCP");
    };
    let mut client = TcpStream::connect(address)?;
    let began = std::time::Instant::now();
    for _ in 0..4 {
        assert_eq!(client.read(&mut [0; 64])?, 1);
    }
    assert!(began.elapsed() >= Duration::from_millis(110));
    Ok(())
}

#[test]
fn a_deaf_one_leaves_connects_hanging() -> Result<()> {
    for address in ["127.0.0.1:0".parse()?, "[::1]:0".parse()?] {
        let server = Faulty::start_deaf(&address)?;
        let Address::Tcp(at) = server.address() else {
            anyhow::bail!("not TCP");
        };
        let error = TcpStream::connect_timeout(at, Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
    let server = Faulty::start_deaf(&unix())?;
    let Address::Unix(path) = server.address() else {
        anyhow::bail!("not Unix");
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    let to = rustix::net::SocketAddrUnix::new(path.as_path())?;
    let hanging = rustix::net::connect(&socket, &to);
    assert_eq!(hanging, Err(rustix::io::Errno::AGAIN));
    Ok(())
}
