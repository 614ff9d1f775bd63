//! One conversation, well until the script says otherwise.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::packet;
use super::script::{Fault, Script, Step};
use super::transport::{Stream, readable};
use super::{Shared, lock};

const QUIT: u8 = 0x01;
const QUERY: u8 = 0x03;
const LARGEST: u32 = 0xff_ffff;

/// Talks until the client, the script or the server's end ends it.
pub(super) fn hold(stream: &Stream, script: &Script, shared: &Shared) -> io::Result<()> {
    let mut dialogue = Dialogue {
        stream,
        script,
        shared,
        sequence: 0,
        drip: None,
    };
    let ended = dialogue.run();
    if matches!(script.fault, Fault::Reset) {
        stream.reset_on_close();
    } else {
        stream.shut();
    }
    ended
}

struct Dialogue<'a> {
    stream: &'a Stream,
    script: &'a Script,
    shared: &'a Shared,
    sequence: u8,
    /// Once set, everything goes out a byte in each interval.
    drip: Option<Duration>,
}

fn over<T>() -> io::Result<T> {
    Err(io::ErrorKind::ConnectionAborted.into())
}

impl Dialogue<'_> {
    fn run(&mut self) -> io::Result<()> {
        let lie = match self.script.fault {
            Fault::Lie(lie) => Some(lie),
            _ => None,
        };
        self.say(Step::Greeting, &packet::greeting(lie))?;
        self.receive()?;
        self.login()?;
        loop {
            let command = self.receive()?;
            match command.first() {
                Some(&QUIT) | None => return Ok(()),
                Some(&QUERY) => self.answer(&String::from_utf8_lossy(&command[1..]))?,
                Some(_) => self.send(&packet::ok())?,
            }
        }
    }

    fn login(&mut self) -> io::Result<()> {
        if self.script.step == Step::Login {
            match self.script.fault {
                Fault::Switch(bytes) => {
                    self.send(&[&[0xfe], bytes].concat())?;
                    self.receive()?;
                }
                Fault::SwitchForEver => loop {
                    self.send(b"\xfemysql_native_password\0saltsaltsaltsaltsalt\0")?;
                    self.receive()?;
                },
                _ => {}
            }
        }
        self.say(Step::Login, &packet::ok())
    }

    fn answer(&mut self, query: &str) -> io::Result<()> {
        lock(&self.shared.queries).push(Instant::now());
        let known = lock(&self.shared.answers).to(query).cloned();
        if self.script.step == Step::Answer {
            match self.script.fault {
                Fault::Columns(count) => {
                    let mut body = Vec::new();
                    packet::number(&mut body, count);
                    self.send(&body)?;
                    for _ in 0..count {
                        self.send(&packet::column("c"))?;
                    }
                }
                Fault::AskFile(path) => {
                    self.send(&[&[0xfb], path.as_bytes()].concat())?;
                    self.receive()?;
                }
                _ => {}
            }
        }
        let Some(table) = known else {
            return self.say(Step::Answer, &packet::ok());
        };
        if let Some(number) = table.refused {
            return self.say(Step::Answer, &packet::error(number));
        }
        let mut head = packet::head(&table).into_iter();
        if let Some(first) = head.next() {
            self.say(Step::Answer, &first)?;
        }
        for body in head {
            self.send(&body)?;
        }
        let some: Vec<_> = table.columns.iter().map(|c| Some(c.clone())).collect();
        let rows = if self.script.step == Step::Rows && table.rows.is_empty() {
            vec![some]
        } else {
            table.rows
        };
        for row in rows {
            self.say(Step::Rows, &packet::row(&row))?;
        }
        self.send(&packet::end())
    }

    /// Sends what is due at `step`, or what the script has in its place.
    fn say(&mut self, step: Step, body: &[u8]) -> io::Result<()> {
        if self.script.step != step {
            return self.send(body);
        }
        let whole = packet::framed(self.sequence, body);
        let half = &whole[..whole.len() / 2];
        match &self.script.fault {
            Fault::Silence => self.fall_silent(),
            Fault::Late(by) => {
                self.pause(*by)?;
                self.send(body)
            }
            Fault::Half => {
                self.write(half)?;
                self.fall_silent()
            }
            Fault::Drip(interval) => {
                self.drip = Some(*interval);
                self.send(body)
            }
            Fault::Close | Fault::Reset => over(),
            Fault::HalfClose => {
                self.write(half)?;
                over()
            }
            Fault::Garbage => {
                let mut state = 0x9e37_79b9_7f4a_7c15u64;
                let garbage: Vec<u8> = std::iter::repeat_with(|| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    state as u8
                })
                .take(4_096)
                .collect();
                self.write(&garbage)?;
                self.fall_silent()
            }
            Fault::OtherProtocol => {
                self.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")?;
                self.fall_silent()
            }
            Fault::Empty => self.send(&[]),
            Fault::Huge => {
                let chunk = vec![0x20; 64 * 1024];
                loop {
                    let header = LARGEST.to_le_bytes();
                    self.write(&[header[0], header[1], header[2], self.sequence])?;
                    self.sequence = self.sequence.wrapping_add(1);
                    let mut left = LARGEST as usize;
                    while left > 0 {
                        let part = &chunk[..left.min(chunk.len())];
                        self.write(part)?;
                        left -= part.len();
                    }
                }
            }
            Fault::Endless => loop {
                let mut many = Vec::new();
                while many.len() < 32 * 1024 {
                    many.extend_from_slice(&packet::framed(self.sequence, body));
                    self.sequence = self.sequence.wrapping_add(1);
                }
                self.write(&many)?;
            },
            Fault::Error(number) => self.send(&packet::error(*number)),
            Fault::Switch(_)
            | Fault::SwitchForEver
            | Fault::Columns(_)
            | Fault::AskFile(_)
            | Fault::Lie(_)
            | Fault::None => self.send(body),
        }
    }

    fn send(&mut self, body: &[u8]) -> io::Result<()> {
        let packet = packet::framed(self.sequence, body);
        self.sequence = self.sequence.wrapping_add(1);
        self.write(&packet)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(interval) = self.drip else {
            return self.write_all(bytes);
        };
        for byte in bytes {
            self.write_all(std::slice::from_ref(byte))?;
            self.pause(interval)?;
        }
        Ok(())
    }

    fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let flags = rustix::net::SendFlags::NOSIGNAL;
            match rustix::net::send(self.stream.as_fd(), bytes, flags) {
                Ok(0) => return over(),
                Ok(sent) => bytes = &bytes[sent..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// One packet of the client's, without its header.
    fn receive(&mut self) -> io::Result<Vec<u8>> {
        let mut header = [0; 4];
        self.read(&mut header)?;
        let [a, b, c, sequence] = header;
        self.sequence = sequence.wrapping_add(1);
        let mut body = vec![0; u32::from_le_bytes([a, b, c, 0]) as usize];
        self.read(&mut body)?;
        Ok(body)
    }

    fn read(&self, mut to: &mut [u8]) -> io::Result<()> {
        while !to.is_empty() {
            match rustix::net::recv(
                self.stream.as_fd(),
                &mut *to,
                rustix::net::RecvFlags::empty(),
            ) {
                Ok((0, _)) => return over(),
                Ok((read, _)) => to = &mut to[read..],
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Says nothing more, until the client or the server ends it.
    fn fall_silent(&self) -> io::Result<()> {
        self.pause(Duration::from_secs(24 * 3_600))?;
        over()
    }

    /// Waits; an error if the connection ends meanwhile.
    fn pause(&self, time: Duration) -> io::Result<()> {
        let until = Instant::now() + time;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(());
            }
            if self.shared.stop.load(Ordering::Acquire) || self.stream.is_closed() {
                return over();
            }
            let step = left.min(Duration::from_millis(20));
            // What the client sends meanwhile is left for later.
            if readable(self.stream.as_fd(), step) {
                std::thread::sleep(step);
            }
        }
    }
}
