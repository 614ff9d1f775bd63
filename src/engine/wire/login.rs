//! Logging in.

use super::crypto::{caching_sha2, native};
use super::cursor::Cursor;
use super::greeting::{
    Greeting, LONG_PASSWORD, PLUGIN_AUTH, PROTOCOL_41, SALT, SECURE_CONNECTION, TLS, TRANSACTIONS,
    salt,
};
use super::packet::Channel;
use super::{Credentials, Result, WireError, rsa, tls};

const OK: u8 = 0x00;
const MORE: u8 = 0x01;
const SWITCH: u8 = 0xfe;
const KEY_REQUEST: u8 = 0x02;
const KNOWN_ALREADY: u8 = 0x03;
const TELL_IN_FULL: u8 = 0x04;
/// `utf8mb4_general_ci`.
const CHARSET: u8 = 45;
const LARGEST_PACKET: u32 = 16 * 1024 * 1024;
/// Packets of a login after the first, at most; an honest one has five.
const MOST_STEPS: usize = 8;

/// A way to prove who we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plugin {
    Native,
    CachingSha2,
}

impl Plugin {
    fn named(name: &[u8]) -> Option<Self> {
        match name {
            b"mysql_native_password" => Some(Self::Native),
            b"caching_sha2_password" => Some(Self::CachingSha2),
            _ => None,
        }
    }

    fn name(self) -> &'static [u8] {
        match self {
            Self::Native => b"mysql_native_password",
            Self::CachingSha2 => b"caching_sha2_password",
        }
    }

    fn answer(self, password: &str, salt: &[u8; SALT]) -> Vec<u8> {
        match self {
            _ if password.is_empty() => Vec::new(),
            Self::Native => native(password.as_bytes(), salt),
            Self::CachingSha2 => caching_sha2(password.as_bytes(), salt),
        }
    }
}

/// Reads the greeting and logs in.
pub(super) fn log_in(channel: &mut Channel, credentials: Credentials<'_>) -> Result<()> {
    let greeting = Greeting::parse(&channel.receive()?)?;
    let mut capabilities =
        LONG_PASSWORD | PROTOCOL_41 | TRANSACTIONS | SECURE_CONNECTION | PLUGIN_AUTH;
    if let Some((settings, name)) = credentials.tls
        && !channel.is_private()
    {
        if greeting.capabilities & TLS == 0 {
            let text = "TLS is configured, and the server does not have this capability";
            return Err(WireError::Login(text.to_owned()));
        }
        let session = tls::Session::new(settings, name)?;
        capabilities |= TLS;
        channel.send(&opening(capabilities))?;
        channel.encrypt(session)?;
    }
    // A server that names another way says so again, to this account, if it
    // means it.
    let plugin = Plugin::named(&greeting.plugin).unwrap_or(Plugin::Native);
    let mut packet = opening(capabilities);
    packet.extend_from_slice(credentials.user.as_bytes());
    packet.push(0);
    let answer = plugin.answer(credentials.password, &greeting.salt);
    packet.push(answer.len() as u8);
    packet.extend_from_slice(&answer);
    packet.extend_from_slice(plugin.name());
    packet.push(0);
    channel.send(&packet)?;
    prove(channel, credentials.password, plugin, greeting.salt)
}

/// What both the request for TLS and the login itself begin with.
fn opening(capabilities: u32) -> Vec<u8> {
    let mut packet = capabilities.to_le_bytes().to_vec();
    packet.extend_from_slice(&LARGEST_PACKET.to_le_bytes());
    packet.push(CHARSET);
    packet.extend_from_slice(&[0; 23]);
    packet
}

/// Answers what the server asks until it lets us in.
fn prove(
    channel: &mut Channel,
    password: &str,
    mut plugin: Plugin,
    mut challenge: [u8; SALT],
) -> Result<()> {
    let mut switched = false;
    for _ in 0..MOST_STEPS {
        let packet = channel.receive()?;
        let mut fields = Cursor::new(&packet);
        match fields.u8()? {
            OK => return Ok(()),
            SWITCH if !switched => {
                switched = true;
                let name = fields.text();
                plugin = Plugin::named(name).ok_or_else(|| other_way(name))?;
                challenge = salt(fields.rest());
                channel.send(&plugin.answer(password, &challenge))?;
            }
            MORE if plugin == Plugin::CachingSha2 => match fields.u8()? {
                KNOWN_ALREADY => {}
                TELL_IN_FULL => tell(channel, password, &challenge)?,
                _ => return Err(WireError::Protocol("a login that goes on otherwise")),
            },
            _ => return Err(WireError::Protocol("a login that goes on otherwise")),
        }
    }
    Err(WireError::Protocol("a login without end"))
}

/// Gives the password to a server that has not seen it lately, so that nobody
/// on the way can read it.
fn tell(channel: &mut Channel, password: &str, challenge: &[u8; SALT]) -> Result<()> {
    if channel.is_private() {
        let mut clear = password.as_bytes().to_vec();
        clear.push(0);
        return channel.send(&clear);
    }
    channel.send(&[KEY_REQUEST])?;
    let packet = channel.receive()?;
    let mut fields = Cursor::new(&packet);
    if fields.u8()? != MORE {
        return Err(WireError::Protocol("no key where one was asked for"));
    }
    let mut seed = [0; 20];
    rustix::rand::getrandom(&mut seed, rustix::rand::GetRandomFlags::empty())
        .map_err(|error| WireError::Own(format!("no random numbers: {error}")))?;
    channel.send(&rsa::encrypt(
        password.as_bytes(),
        challenge,
        fields.rest(),
        &seed,
    )?)
}

fn other_way(name: &[u8]) -> WireError {
    let name: String = String::from_utf8_lossy(name)
        .chars()
        .take(40)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect();
    WireError::Login(match name.as_str() {
        "" => "the server wants a login of before 4.1".to_owned(),
        name => format!("the server wants a login by {name}"),
    })
}
