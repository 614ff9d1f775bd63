//! nginx before php-fpm, on an address of the run's own block.

use std::fs;
use std::net::{SocketAddr, SocketAddrV4, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::address::Block;
use crate::fpm::Fpm;
use crate::php::POOL_USER;
use crate::process::{self, Process, User};
use crate::run_dir::RunDir;

/// The block's address for the web server.
const HOST: u8 = 10;

/// A running nginx. Dropping it ends it.
#[derive(Debug)]
pub struct Nginx {
    address: SocketAddr,
    _process: Process,
}

impl Nginx {
    /// Serves `entry` (an application's `index.php`) for every path.
    pub fn start(run: &RunDir, block: &Block, fpm: &Fpm, entry: &Path) -> Result<Self> {
        let user = User::named(POOL_USER)?;
        let folder = run.folder("nginx", &user)?;
        let address = SocketAddrV4::new(block.address(HOST), block.free_port(HOST)?);
        let config = folder.join("nginx.conf");
        fs::write(
            &config,
            configuration(&folder, address, fpm.socket(), entry),
        )?;
        let mut command = Command::new(process::program("nginx")?);
        command.arg("-c").arg(&config).arg("-p").arg(&folder);
        command.arg("-e").arg(folder.join("error.log"));
        let log = folder.join("error.log");
        let process = Process::spawn(run, "nginx", command, libc::SIGTERM, &log)?;
        let nginx = Self {
            address: address.into(),
            _process: process,
        };
        nginx.wait_ready(&log)?;
        Ok(nginx)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    fn wait_ready(&self, log: &Path) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(self.address).is_err() {
            if let Some(status) = self._process.ended()? {
                let said = fs::read_to_string(log).unwrap_or_default();
                bail!("nginx ended with {}:\n{said}", process::describe(status));
            }
            if Instant::now() > deadline {
                bail!("nginx does not listen on {}", self.address);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Nothing in it gives up or tries again: what the application does is what
/// the client sees.
fn configuration(folder: &Path, address: SocketAddrV4, fpm: &Path, entry: &Path) -> String {
    let folder = folder.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("    {name}_temp_path {folder}/{name};\n"))
        .collect();
    format!(
        "user {POOL_USER};\n\
         daemon off;\n\
         worker_processes 1;\n\
         worker_rlimit_nofile 20000;\n\
         pid {folder}/nginx.pid;\n\
         events {{ worker_connections 18000; }}\n\
         http {{\n\
         {temporary}\
         access_log off;\n\
         keepalive_requests 1000000;\n\
         server {{\n\
         listen {address} backlog=4096;\n\
         location / {{\n\
         fastcgi_pass unix:{fpm};\n\
         fastcgi_next_upstream off;\n\
         fastcgi_connect_timeout 60s;\n\
         fastcgi_read_timeout 120s;\n\
         fastcgi_param SCRIPT_FILENAME {entry};\n\
         fastcgi_param SCRIPT_NAME /index.php;\n\
         fastcgi_param DOCUMENT_ROOT {root};\n\
         fastcgi_param REQUEST_METHOD $request_method;\n\
         fastcgi_param REQUEST_URI $request_uri;\n\
         fastcgi_param QUERY_STRING $query_string;\n\
         fastcgi_param CONTENT_TYPE $content_type;\n\
         fastcgi_param CONTENT_LENGTH $content_length;\n\
         fastcgi_param SERVER_PROTOCOL $server_protocol;\n\
         fastcgi_param SERVER_NAME $host;\n\
         fastcgi_param SERVER_ADDR $server_addr;\n\
         fastcgi_param SERVER_PORT $server_port;\n\
         fastcgi_param REMOTE_ADDR $remote_addr;\n\
         }}\n\
         }}\n\
         }}\n",
        fpm = fpm.display(),
        entry = entry.display(),
        root = entry.parent().unwrap_or(entry).display(),
    )
}
