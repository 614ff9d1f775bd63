//! What goes wrong, and when.

use std::fmt;
use std::time::Duration;

/// A moment of a conversation at which the server is to send something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The first packet, before the client has said anything.
    Greeting,
    /// The answer to the login.
    Login,
    /// The first packet of a query's answer.
    Answer,
    /// The rows of a query's answer.
    Rows,
}

/// What happens in place of the packet that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing, for ever; the connection stays.
    Silence,
    /// The packet, but so much later.
    Late(Duration),
    /// The first half of the packet, then nothing.
    Half,
    /// The packet and all that follows, one byte in each interval.
    Drip(Duration),
    /// The connection is closed in order.
    Close,
    /// The connection is reset.
    Reset,
    /// Half of the packet, then the connection is closed.
    HalfClose,
    /// Bytes without sense, then nothing.
    Garbage,
    /// A line of another protocol, then nothing.
    OtherProtocol,
    /// A packet of length zero.
    Empty,
    /// Packets of the greatest length, one after the other, for ever.
    Huge,
    /// The packet that is due, again and again, for ever. At [`Step::Rows`]
    /// an answer without end.
    Endless,
    /// An error with this number.
    Error(u16),
    /// At the login: a request to prove oneself otherwise, in these bytes
    /// after the header `0xfe`.
    Switch(&'static [u8]),
    /// At the login: requests to prove oneself otherwise, for ever.
    SwitchForEver,
    /// At the answer: says that so many columns follow.
    Columns(u64),
    /// At the answer: asks the client for a file of its own.
    AskFile(&'static str),
    /// In the greeting: something that is not so.
    Lie(Lie),
    /// None: the server behaves.
    None,
}

/// What a greeting may lie about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// The version, any bytes but NUL.
    Version(&'static [u8]),
    /// The version of the protocol; there is only 10.
    Protocol(u8),
    /// What the server can do.
    Capabilities(u32),
    /// The number of its character set.
    Charset(u8),
    /// The name of the way to prove oneself.
    Plugin(&'static [u8]),
    /// The challenge is cut off here.
    ShortSalt(usize),
}

/// One way to misbehave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// When.
    pub step: Step,
    /// How.
    pub fault: Fault,
}

/// A query's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Names of the columns.
    pub columns: Vec<String>,
    /// Values, `None` for NULL.
    pub rows: Vec<Vec<Option<String>>>,
    /// The number of the error that comes in place of all this.
    pub refused: Option<u16>,
}

/// What queries are answered with: the first table whose key occurs in the
/// query, upper and lower case alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers(pub Vec<(String, Table)>);

impl Script {
    /// `fault` strikes at `step`.
    pub const fn new(step: Step, fault: Fault) -> Self {
        Self { step, fault }
    }

    /// A server that behaves.
    pub const fn healthy() -> Self {
        Self::new(Step::Greeting, Fault::None)
    }

    /// Everything worth trying that ends no conversation well. A drip gives
    /// one byte in `drip`, a late greeting comes after `late`.
    pub fn all(drip: Duration, late: Duration) -> Vec<Self> {
        let everywhere = [
            Fault::Silence,
            Fault::Half,
            Fault::Drip(drip),
            Fault::Close,
            Fault::Reset,
            Fault::HalfClose,
            Fault::Garbage,
            Fault::OtherProtocol,
            Fault::Empty,
            Fault::Huge,
            Fault::Endless,
            Fault::Late(late),
        ];
        let steps = [Step::Greeting, Step::Login, Step::Answer, Step::Rows];
        let mut all: Vec<Self> = steps
            .iter()
            .flat_map(|step| everywhere.iter().map(|f| Self::new(*step, f.clone())))
            .collect();
        all.extend(
            [
                // A name without its end, no name at all, ways unknown, given up, or of another vendor.
                &b"mysql_native_passw"[..],
                b"\0",
                b"no_such_plugin\0saltsaltsaltsaltsalt\0",
                b"mysql_old_password\0saltsalt\0",
                b"mysql_clear_password\0",
                b"client_ed25519\0saltsaltsaltsaltsaltsaltsaltsalt",
                b"parsec\0saltsaltsaltsaltsaltsaltsaltsalt",
                b"sha256_password\0saltsaltsaltsaltsalt\0",
                b"\xff\xff\xff\0\xff\xff",
            ]
            .map(|bytes| Self::new(Step::Login, Fault::Switch(bytes))),
        );
        all.push(Self::new(Step::Login, Fault::SwitchForEver));
        all.extend(
            [1 << 16, 1 << 40, u64::MAX]
                .map(|columns| Self::new(Step::Answer, Fault::Columns(columns))),
        );
        all.push(Self::new(Step::Answer, Fault::AskFile("/etc/passwd")));
        all.extend(
            [Lie::Protocol(9), Lie::Protocol(255), Lie::Capabilities(0)]
                .map(|lie| Self::new(Step::Greeting, Fault::Lie(lie))),
        );
        all
    }

    /// Lies that a client need not mind.
    pub fn harmless_lies() -> Vec<Self> {
        [
            Lie::Version(b""),
            Lie::Version(b"\xff\xfe not a version \x01"),
            Lie::Version(b"99999999999999999999.4294967296.-1"),
            Lie::Version(b"5.5.5-10.999.999-MariaDB"),
            Lie::Version(&[b'8'; 4_000]),
            Lie::Capabilities(0xffff_ffff),
            Lie::Capabilities(0xffff_f7ff),
            Lie::Charset(0),
            Lie::Charset(255),
            Lie::Plugin(b"no_such_plugin"),
            Lie::Plugin(b""),
        ]
        .map(|lie| Self::new(Step::Greeting, Fault::Lie(lie)))
        .into()
    }
}

impl fmt::Display for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {:?}", self.fault, self.step)
    }
}

impl Answers {
    /// A server of no cluster that takes writes.
    pub fn writer() -> Self {
        Self::read_only(false)
    }

    /// A server of no cluster that takes writes or not.
    pub fn read_only(read_only: bool) -> Self {
        let switch = if read_only { "ON" } else { "OFF" };
        let variables = Table::new(&["Variable_name", "Value"], &[&["read_only", switch]]);
        let one = Table::new(&["1"], &[&["1"]]);
        Self(vec![
            ("variables".into(), variables),
            (
                "global status".into(),
                Table::new(&["Variable_name", "Value"], &[]),
            ),
            ("select 1".into(), one),
        ])
    }

    pub(super) fn to(&self, query: &str) -> Option<&Table> {
        let query = query.to_ascii_lowercase();
        let known = self
            .0
            .iter()
            .find(|(key, _)| query.contains(&key.to_ascii_lowercase()));
        known.map(|(_, table)| table)
    }
}

impl Table {
    /// A table of text.
    pub fn new(columns: &[&str], rows: &[&[&str]]) -> Self {
        Self {
            columns: columns.iter().map(|&name| name.into()).collect(),
            rows: rows
                .iter()
                .map(|row| row.iter().map(|&value| Some(value.into())).collect())
                .collect(),
            refused: None,
        }
    }

    /// An error in place of a table.
    pub fn refused(errno: u16) -> Self {
        Self {
            refused: Some(errno),
            ..Self::default()
        }
    }
}
