//! What a server sends to a probe, byte for byte: it is over at once, and the
//! server is judged or given up.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};

use amm_core::config::{Settings, Value};
use amm_engine::definition::Definition;
use amm_engine::probe::{self, Finding};

/// Milliseconds within which a probe of a server that has hung up is over.
const AT_ONCE_MS: u64 = 5_000;

const SECRET: &str = "first-of-secrets";

thread_local! {
    static SERVER: Server = Server::start();
}

struct Server {
    says: Sender<Vec<u8>>,
    path: PathBuf,
    definition: Definition,
}

/// The server says these bytes, whatever it is told, and hangs up.
pub(crate) fn answer(data: &[u8]) {
    SERVER.with(|server| {
        if server.says.send(data.to_vec()).is_err() {
            return;
        }
        let result = probe::ask(&server.definition, 0, AT_ONCE_MS);
        // It can only have been let in by a server that greets.
        assert!(!matches!(result.finding, Finding::Answered(_)) || data.len() > 40);
        if let Some(detail) = result.detail {
            // What the server says may be repeated, and it may guess.
            let guessed = data.windows(SECRET.len()).any(|w| w == SECRET.as_bytes());
            assert!(guessed || !detail.contains(SECRET));
            assert_ne!(detail, "no answer within the time given");
        }
    });
}

impl Server {
    #[allow(clippy::expect_used)]
    fn start() -> Self {
        let name = format!(
            "amm-fuzz-{}-{:?}",
            std::process::id(),
            std::thread::current().id()
        );
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path).expect("a socket in the temporary folder");
        let (says, heard) = channel();
        std::thread::spawn(move || serve(&listener, &heard));
        let map = vec![
            ("flavour".to_owned(), "auto".into()),
            (
                "nodes".to_owned(),
                Value::List(vec![Value::from(path.to_string_lossy().as_ref())]),
            ),
            ("username".to_owned(), "amm".into()),
            ("password".to_owned(), SECRET.into()),
            ("probe_timeout".to_owned(), "5s".into()),
            ("probe_interval".to_owned(), "10s".into()),
        ];
        let settings = Settings::try_from_value(&Value::Map(map)).expect("is valid");
        Self {
            says,
            path,
            definition: Definition::new(settings, None),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn serve(listener: &UnixListener, says: &Receiver<Vec<u8>>) {
    for bytes in says {
        let Ok((stream, _)) = listener.accept() else {
            return;
        };
        say(stream, &bytes);
    }
}

fn say(mut stream: UnixStream, bytes: &[u8]) {
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let mut heard = [0; 4096];
    while stream.read(&mut heard).is_ok_and(|read| read > 0) {}
}
