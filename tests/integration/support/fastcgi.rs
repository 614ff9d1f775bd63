//! A web server's part of FastCGI, one request a connection: what fails here
//! failed in php-fpm, and nothing in between tried again.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::http::Reply;

const BEGIN: u8 = 1;
const END: u8 = 3;
const PARAMS: u8 = 4;
const STDIN: u8 = 5;
const STDOUT: u8 = 6;
const STDERR: u8 = 7;
const LONGEST: Duration = Duration::from_secs(30);

/// Has the pool that listens on `socket` run `script`.
pub fn get(socket: &Path, script: &Path, query: &str) -> Result<Reply> {
    let began = Instant::now();
    let mut stream = UnixStream::connect(socket).context("cannot connect to php-fpm")?;
    stream.set_read_timeout(Some(LONGEST))?;
    let script = script.display().to_string();
    let mut request = record(BEGIN, &[0, 1, 0, 0, 0, 0, 0, 0]);
    let mut params = Vec::new();
    for (name, value) in [
        ("SCRIPT_FILENAME", script.as_str()),
        ("SCRIPT_NAME", "/index.php"),
        ("REQUEST_METHOD", "GET"),
        ("REQUEST_URI", "/"),
        ("QUERY_STRING", query),
        ("SERVER_PROTOCOL", "HTTP/1.1"),
    ] {
        params.extend((name.len() as u32 | 1 << 31).to_be_bytes());
        params.extend((value.len() as u32 | 1 << 31).to_be_bytes());
        params.extend(name.as_bytes());
        params.extend(value.as_bytes());
    }
    for (kind, body) in [(PARAMS, &params[..]), (PARAMS, &[]), (STDIN, &[])] {
        request.extend(record(kind, body));
    }
    stream.write_all(&request)?;
    let mut said = Vec::new();
    loop {
        let mut header = [0; 8];
        stream
            .read_exact(&mut header)
            .with_context(|| format!("php-fpm hung up after {} ms", began.elapsed().as_millis()))?;
        let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
        let mut body = vec![0; length + usize::from(header[6])];
        stream.read_exact(&mut body)?;
        body.truncate(length);
        match header[1] {
            STDOUT => said.extend(body),
            STDERR => {}
            END => break,
            other => bail!("a record of kind {other}"),
        }
    }
    let text = String::from_utf8_lossy(&said);
    let (head, body) = text.split_once("\r\n\r\n").context("no headers")?;
    let status = head.lines().find_map(|line| line.strip_prefix("Status: "));
    let status = match status {
        Some(text) => text.split(' ').next().context("no status")?.parse()?,
        None => 200,
    };
    ensure!(head.to_ascii_lowercase().contains("content-type"), "{head}");
    Ok(Reply {
        status,
        body: serde_json::from_str(body).unwrap_or_default(),
        text: body.to_owned(),
        took: began.elapsed(),
    })
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    let mut all = vec![1, kind, 0, 1, length[0], length[1], 0, 0];
    all.extend(body);
    all
}
