//! Probes log in to a real server over TCP, a Unix socket and TLS, and learn
//! what it is; a login that is refused is said loudly and bans nobody.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use amm_rig::galera::{APP, Galera, Node, Options};
use amm_rig::php::{Php, PhpOptions};
use amm_rig::process::{self, Process, User};
use amm_rig::run_dir::RunDir;
use anyhow::{Context, Result, ensure};
use mysql::prelude::Queryable;
use serde_json::{Value, json};
use support::agent::{Agent, node};
use support::{extension, ms, until};

const PATIENCE: Duration = Duration::from_secs(5);
/// Users and passwords that occur nowhere else.
const ACCOUNTS: [(&str, &str, &str); 6] = [
    ("zq_tcp@'%'", "pw-tcp-4711", ""),
    ("zq_local@localhost", "pw-local-4712", ""),
    ("zq_tls@'%'", "pw-tls-4713", "REQUIRE SSL"),
    ("zq_mutual@'%'", "pw-mutual-4714", "REQUIRE X509"),
    ("zq_super@'%'", "pw-super-4715", ""),
    ("zq_admin@'%'", "pw-admin-4716", ""),
];
const WRONG_PASSWORD: &str = "pw-wrong-4717";

/// A place to try logins from.
struct Stage {
    run: Arc<RunDir>,
    php: Php,
    id: String,
    server_socket: PathBuf,
    agents: usize,
    /// Everything that status, dumps and logs have said so far.
    said: String,
}

/// A way to log in.
struct Login {
    name: &'static str,
    node: Value,
    account: usize,
    password: Option<&'static str>,
    tls: Option<Value>,
}

impl Login {
    fn plain(name: &'static str, node: &str, account: usize) -> Self {
        Self {
            name,
            node: json!(node),
            account,
            password: None,
            tls: None,
        }
    }

    fn with_tls(name: &'static str, node: &str, account: usize, tls: Value) -> Self {
        Self {
            tls: Some(tls),
            ..Self::plain(name, node, account)
        }
    }
}

impl Stage {
    fn agent(&mut self, login: &Login, flavour: &str) -> Result<Agent> {
        let (user, password, _) = ACCOUNTS[login.account];
        let mut config = json!({
            "flavour": flavour,
            "nodes": [login.node],
            "username": user.split('@').next(),
            "password": login.password.unwrap_or(password),
            "probe_interval": "200ms",
            // The application comes by the server's own socket whatever the probes do.
            "app": { "dsn": format!("mysql:unix_socket={};dbname=shop", self.server_socket.display()) },
        });
        if let Some(tls) = &login.tls {
            config["tls"] = tls.clone();
        }
        self.agents += 1;
        let name = format!("{}-{}", self.agents, login.name.replace(' ', "-"));
        let log = [("amm.log_level", "debug")];
        let mut agent = Agent::start_apart(&self.run, &self.php, &name, &name, &config, &log)?;
        // The first choice starts the monitor.
        agent.connect("k", "first")?;
        Ok(agent)
    }

    fn id<'a>(&'a self, login: &'a Login) -> &'a str {
        match login.node.as_str() {
            Some(id) => id,
            None => &self.id,
        }
    }

    /// The login works; gives the round trip in µs and the flavour found.
    fn succeeds(&mut self, login: &Login, flavour: &str) -> Result<(u64, String)> {
        let mut agent = self.agent(login, flavour)?;
        let id = self.id(login).to_owned();
        let (status, _) = until(PATIENCE, login.name, || {
            let status = agent.status()?;
            let seen = node(&status, &id)?;
            let good = seen.role == "writer" && seen.probe == "answered";
            Ok(if good {
                Ok(status)
            } else {
                Err(format!("{seen:?}"))
            })
        })?;
        let seen = node(&status, &id)?;
        assert_eq!(
            (seen.health.as_str(), seen.writable),
            ("up", true),
            "{}",
            login.name
        );
        assert_eq!(seen.role_reason, None);
        assert_eq!(warning(&status, "login is refused"), None);
        assert_eq!(warning(&status, "read-only servers"), None);
        let rtt = seen.rtt_us.context("no round trip")?;
        assert!(rtt > 0 && rtt < 500_000, "{rtt} µs");
        self.listen(agent)?;
        Ok((rtt, status["flavour"].as_str().unwrap_or_default().into()))
    }

    /// The login is refused for this reason, as the log says, and changes
    /// nothing else.
    fn is_refused(&mut self, login: &Login, flavour: &str, why: &str) -> Result<()> {
        let mut agent = self.agent(login, flavour)?;
        let id = self.id(login).to_owned();
        let (status, _) = until(PATIENCE, login.name, || {
            let status = agent.status()?;
            let seen = node(&status, &id)?;
            let refused = seen.probe == "login refused";
            Ok(if refused {
                Ok(status)
            } else {
                Err(format!("{seen:?}"))
            })
        })?;
        let told = warning(&status, "login is refused").context("no warning")?;
        assert!(told.contains(&id), "{told}");
        // Three more probes: none of them moves anything.
        let watched = agent.ask(json!({ "do": "watch", "ms": 700 }))?;
        let still = json!([{ &id: {
            "role": "unknown", "health": "up", "breaker": "closed", "writable": true, "epoch": 0,
        } }]);
        assert_eq!(watched["seen"], still, "{}", login.name);
        let connected = agent.connect("k", "again")?;
        assert_eq!((connected.node.as_str(), connected.epoch), (id.as_str(), 0));
        assert!(agent.is_current("first")?, "{}", login.name);
        assert_eq!(agent.node(&id)?.failures, 0);
        let log = self.listen(agent)?;
        assert!(log.contains(why), "{} is not for {why}: {log}", login.name);
        Ok(())
    }

    /// Takes down all that an agent said; gives its log.
    fn listen(&mut self, mut agent: Agent) -> Result<String> {
        let status = agent.status()?;
        let dump = agent.ask(json!({ "do": "dump" }))?;
        let log = agent.finish()?;
        self.said += &format!("{status}\n{dump}\n{log}\n");
        Ok(log)
    }
}

fn warning(status: &Value, part: &str) -> Option<String> {
    let all = status["warnings"].as_array()?;
    all.iter()
        .filter_map(Value::as_str)
        .find(|text| text.contains(part))
        .map(str::to_owned)
}

/// A CA of its own and what it signs.
struct Authority<'a> {
    run: &'a RunDir,
    folder: &'a Path,
    name: &'static str,
}

impl<'a> Authority<'a> {
    fn create(run: &'a RunDir, folder: &'a Path, name: &'static str) -> Result<Self> {
        let mut command = Command::new(process::program("openssl")?);
        command
            .current_dir(folder)
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "2", "-subj", &format!("/CN={name}")])
            .args(["-addext", "basicConstraints=critical,CA:TRUE"])
            .args([
                "-keyout",
                &format!("{name}.key"),
                "-out",
                &format!("{name}.pem"),
            ]);
        process::output(run, "making a CA", command)?;
        Ok(Self { run, folder, name })
    }

    fn certificate(&self) -> String {
        self.folder
            .join(format!("{}.pem", self.name))
            .display()
            .to_string()
    }

    /// A certificate for `subject` in `file`.pem with its key in `file`.key,
    /// which only `owner` reads.
    fn sign(&self, file: &str, subject: &str, owner: &User) -> Result<()> {
        let ca = self.name;
        let mut request = Command::new(process::program("openssl")?);
        request
            .current_dir(self.folder)
            .args([
                "req",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
            ])
            .args([
                "-subj",
                &format!("/CN={file}"),
                "-addext",
                &format!("subjectAltName={subject}"),
            ])
            .args([
                "-keyout",
                &format!("{file}.key"),
                "-out",
                &format!("{file}.csr"),
            ]);
        process::output(self.run, "asking for a certificate", request)?;
        let mut sign = Command::new(process::program("openssl")?);
        sign.current_dir(self.folder)
            .args(["x509", "-req", "-days", "1", "-copy_extensions", "copy"])
            .args(["-in", &format!("{file}.csr"), "-CA", &format!("{ca}.pem")])
            .args([
                "-CAkey",
                &format!("{ca}.key"),
                "-out",
                &format!("{file}.pem"),
            ]);
        process::output(self.run, "signing a certificate", sign)?;
        let key = self.folder.join(format!("{file}.key"));
        std::os::unix::fs::chown(&key, Some(owner.uid), Some(owner.gid))?;
        Ok(())
    }

    fn path(&self, file: &str) -> String {
        self.folder.join(file).display().to_string()
    }
}

/// A server without any Galera, TLS or replication on a node's data.
fn plain_server(run: &RunDir, galera: &Node) -> Result<Process> {
    galera.shutdown()?;
    let base = galera.data().parent().context("no folder")?.to_owned();
    let program = process::program("mariadbd")?;
    let mut command = process::as_user(&program.to_string_lossy(), &User::named("mysql")?);
    command
        .current_dir(&base)
        .arg("--no-defaults")
        .arg(format!("--datadir={}", galera.data().display()))
        .arg(format!("--socket={}", galera.socket().display()))
        .arg(format!("--tmpdir={}", base.join("tmp").display()))
        .arg(format!("--pid-file={}", base.join("plain.pid").display()))
        .arg(format!("--bind-address={}", galera.host()))
        .arg(format!("--port={}", galera.port()))
        .args(["--innodb-log-file-size=16M", "--skip-name-resolve"]);
    let log = base.join("plain.log");
    let server = Process::spawn(run, "plain server", command, libc::SIGKILL, &log)?;
    until(Duration::from_secs(30), "the plain server answers", || {
        ensure!(server.ended()?.is_none(), "{}", fs::read_to_string(&log)?);
        Ok(galera.root().map(drop).map_err(|error| error.to_string()))
    })?;
    Ok(server)
}

#[test]
fn probes_log_in_by_every_transport_and_a_refused_login_bans_nobody() -> Result<()> {
    let began = Instant::now();
    let run = RunDir::create()?;
    let (server_user, pool_user) = (User::named("mysql")?, User::named(amm_rig::php::POOL_USER)?);
    let folder = run.folder("tls", &server_user)?;
    let ours = Authority::create(&run, &folder, "our-ca")?;
    let others = Authority::create(&run, &folder, "other-ca")?;
    ours.sign("server", "DNS:elsewhere.example", &server_user)?;
    ours.sign("client", "DNS:client.example", &pool_user)?;
    let cluster = Galera::start_in(
        run.clone(),
        Options {
            nodes: 1,
            extra: vec![
                format!("--ssl-ca={}", ours.certificate()),
                format!("--ssl-cert={}", ours.path("server.pem")),
                format!("--ssl-key={}", ours.path("server.key")),
            ],
            ..Options::default()
        },
    )?;
    let server = cluster.node(0);
    for (user, password, terms) in ACCOUNTS {
        let create = format!("CREATE USER {user} IDENTIFIED BY '{password}' {terms}");
        cluster.execute(&[&create])?;
    }
    cluster.execute(&[
        "GRANT SUPER ON *.* TO zq_super@'%'",
        "GRANT READ ONLY ADMIN ON *.* TO zq_admin@'%'",
    ])?;
    let options = PhpOptions {
        extension: Some(extension()),
        ..PhpOptions::default()
    };
    let mut stage = Stage {
        php: Php::prepare(&run, options)?,
        run: run.clone(),
        id: server.id(),
        server_socket: server.socket(),
        agents: 0,
        said: String::new(),
    };
    let id = server.id();
    let socket = server.socket().display().to_string();
    eprintln!("started after {:?}", began.elapsed());

    // Each account can log in by its own transport only.
    let tcp = Login::plain("tcp", &id, 0);
    let (tcp_us, _) = stage.succeeds(&tcp, "galera")?;
    let local = Login::plain("socket", &socket, 1);
    let (socket_us, _) = stage.succeeds(&local, "galera")?;
    let both = Login {
        node: json!({ "host": server.host(), "port": server.port(), "socket": socket }),
        ..Login::plain("host and socket", &id, 1)
    };
    stage.succeeds(&both, "galera")?;
    let (_, found) = stage.succeeds(&tcp, "auto")?;
    assert_eq!(found, "galera");

    // TLS: the name on the certificate, who signed it, and our own.
    let trusting = json!({ "ca": ours.certificate() });
    let tls = Login::with_tls("tls", &id, 2, trusting.clone());
    let wrong_name = Login::with_tls("tls other name", &id, 2, trusting.clone());
    stage.is_refused(&wrong_name, "galera", "not valid for name")?;
    ours.sign("server", &format!("IP:{}", server.host()), &server_user)?;
    server.root()?.query_drop("FLUSH SSL")?;
    let (tls_us, _) = stage.succeeds(&tls, "galera")?;
    let (other, absent) = (others.certificate(), ours.path("absent.pem"));
    for (name, account, terms, why) in [
        ("tls no CA of ours", 2, json!({}), "UnknownIssuer"),
        ("tls other CA", 2, json!({ "ca": other }), "UnknownIssuer"),
        ("tls no such CA", 2, json!({ "ca": absent }), "No such file"),
        ("tls no certificate of ours", 3, trusting.clone(), "1045"),
    ] {
        stage.is_refused(&Login::with_tls(name, &id, account, terms), "galera", why)?;
    }
    let unverified = json!({ "ca": others.certificate(), "verify": false });
    stage.succeeds(
        &Login::with_tls("tls unverified", &id, 2, unverified),
        "galera",
    )?;
    let mutual = json!({
        "ca": ours.certificate(),
        "cert": ours.path("client.pem"),
        "key": ours.path("client.key"),
    });
    stage.succeeds(&Login::with_tls("tls mutual", &id, 3, mutual), "galera")?;

    // Plain logins where TLS is a must, for the account or for all.
    stage.is_refused(
        &Login::plain("tls account in the clear", &id, 2),
        "galera",
        "1045",
    )?;
    server
        .root()?
        .query_drop("SET GLOBAL require_secure_transport = 1")?;
    stage.is_refused(
        &Login::plain("secure transport required", &id, 0),
        "galera",
        "1045",
    )?;
    stage.succeeds(&tls, "galera")?;
    server
        .root()?
        .query_drop("SET GLOBAL require_secure_transport = 0")?;

    let wrong_password = Login {
        password: Some(WRONG_PASSWORD),
        ..Login::plain("wrong password", &id, 0)
    };
    stage.is_refused(&wrong_password, "galera", "1045")?;
    password_changed_under_way(&mut stage, server)?;

    // The same data under a server without Galera, and without TLS.
    let plain = plain_server(&run, server)?;
    stage.is_refused(
        &Login::with_tls("tls not offered", &id, 0, json!({})),
        "read_only",
        "does not have this capability",
    )?;
    let (_, found) = stage.succeeds(&tcp, "auto")?;
    assert_eq!(found, "read_only");
    let (reader_ms, writer_ms) = read_only_moves_the_role(&mut stage, server, &tcp)?;
    for account in [4, 5] {
        let login = Login::plain("write through", &id, account);
        let mut agent = stage.agent(&login, "read_only")?;
        until(PATIENCE, "the privilege is told", || {
            let status = agent.status()?;
            Ok(warning(&status, "read-only servers").ok_or_else(|| status.to_string()))
        })?;
        stage.listen(agent)?;
    }
    drop(plain);

    for (user, password, _) in ACCOUNTS {
        let user = user.split('@').next().unwrap_or(user);
        for secret in [user, password, WRONG_PASSWORD] {
            let told: Vec<&str> = stage.said.lines().filter(|l| l.contains(secret)).collect();
            assert!(told.is_empty(), "{secret} is told: {told:?}");
        }
    }
    println!(
        "probe_transports: logins={} rtt_us tcp={tcp_us} socket={socket_us} tls={tls_us} \
         read_only_seen_ms={reader_ms} writer_seen_ms={writer_ms} leaks=0 seconds={}",
        stage.agents,
        began.elapsed().as_secs()
    );
    Ok(())
}

/// A password that changes under a running monitor: what is known stays.
fn password_changed_under_way(stage: &mut Stage, server: &Node) -> Result<()> {
    let id = stage.id.clone();
    let mut agent = stage.agent(&Login::plain("password changes", &id, 0), "galera")?;
    let outcome = |agent: &mut Agent, wanted: &str| {
        until(PATIENCE, wanted, || {
            let seen = agent.node(&id)?;
            Ok(if seen.probe == wanted {
                Ok(seen)
            } else {
                Err(format!("{seen:?}"))
            })
        })
    };
    let (before, _) = outcome(&mut agent, "answered")?;
    let mut root = server.root()?;
    let (user, password, _) = ACCOUNTS[0];
    root.query_drop(format!("ALTER USER {user} IDENTIFIED BY 'pw-next-4718'"))?;
    root.query_drop("KILL USER zq_tcp")?;
    let (refused, _) = outcome(&mut agent, "login refused")?;
    assert_eq!((refused.epoch, refused.writable), (before.epoch, true));
    assert_eq!(refused.breaker, "closed");
    assert!(agent.is_current("first")?);
    root.query_drop(format!("ALTER USER {user} IDENTIFIED BY '{password}'"))?;
    let (after, _) = outcome(&mut agent, "answered")?;
    assert_eq!((after.epoch, after.role.as_str()), (before.epoch, "writer"));
    let log = stage.listen(agent)?;
    assert!(log.contains("1045"), "{log}");
    Ok(())
}

/// Milliseconds until a demotion and a promotion are seen.
fn read_only_moves_the_role(stage: &mut Stage, server: &Node, tcp: &Login) -> Result<(u64, u64)> {
    let id = stage.id.clone();
    let mut agent = stage.agent(tcp, "read_only")?;
    let role = |agent: &mut Agent, wanted: &str| {
        until(PATIENCE, wanted, || {
            let seen = agent.node(&id)?;
            Ok(if seen.role == wanted {
                Ok(seen)
            } else {
                Err(format!("{seen:?}"))
            })
        })
    };
    let (before, _) = role(&mut agent, "writer")?;
    server.set_read_only(true)?;
    let (demoted, to_reader) = role(&mut agent, "reader")?;
    assert_eq!(demoted.role_reason.as_deref(), Some("read_only is on"));
    assert!(!demoted.writable && demoted.epoch > before.epoch);
    assert_eq!(demoted.health, "up");
    assert!(!agent.is_current("first")?);
    let refused = agent.try_ask(&json!({ "do": "connect", "key": "k" }))?;
    assert_eq!(refused["class"], "Amm\\Exception\\NoWriterAvailable");
    let why = refused["message"].as_str().unwrap_or_default();
    assert!(why.contains(&id) && why.contains("reader"), "{why}");
    let written = server
        .connect(APP, PATIENCE)?
        .query_drop("CREATE TABLE never (id INT)");
    assert!(written.is_err(), "the server takes writes");
    server.set_read_only(false)?;
    let (_, to_writer) = role(&mut agent, "writer")?;
    // Held down, but the only one there is: it gets the traffic at once.
    assert_eq!(agent.connect("k", "second")?.node, id);
    stage.listen(agent)?;
    Ok((ms(to_reader), ms(to_writer)))
}
