//! One request at a time, each over a connection of its own.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

/// An answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The JSON in its body; null if it is none.
    pub body: Value,
    /// The body as it came.
    pub text: String,
    /// How long it took.
    pub took: Duration,
}

/// Gets `path`.
pub fn get(server: SocketAddr, path: &str) -> Result<Reply> {
    let began = Instant::now();
    let mut stream = TcpStream::connect(server)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: test\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let took = began.elapsed();
    let answer = String::from_utf8_lossy(&answer);
    let (head, text) = answer.split_once("\r\n\r\n").context("no HTTP answer")?;
    let status = head.split(' ').nth(1).context("no HTTP status")?.parse()?;
    Ok(Reply {
        status,
        body: serde_json::from_str(text).unwrap_or_default(),
        text: text.to_owned(),
        took,
    })
}

/// Gets all `paths` at once.
pub fn get_all(server: SocketAddr, paths: &[String]) -> Result<Vec<Reply>> {
    std::thread::scope(|scope| {
        let under_way: Vec<_> = paths
            .iter()
            .map(|path| scope.spawn(move || get(server, path)))
            .collect();
        under_way
            .into_iter()
            .map(|thread| match thread.join() {
                Ok(reply) => reply,
                Err(panic) => std::panic::resume_unwind(panic),
            })
            .collect()
    })
}
