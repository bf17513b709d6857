//! The program as a person starts it: on an empty folder, its keys preset, its log kept.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::postgres::free_port;
use crate::process::Running;
use crate::{Outcome, process};

/// Preset, so that drivers know them without reading the server's output.
pub(crate) const PUBLISHABLE_KEY: &str = "quoin_pub_0123456789abcdef0123456789abcdef";
/// See [`PUBLISHABLE_KEY`].
pub(crate) const SECRET_KEY: &str = "quoin_sec_fedcba9876543210fedcba9876543210";

/// How to start one process.
pub(crate) struct Start<'a> {
    /// The binary.
    pub quoin: &'a Path,
    /// Where it keeps its data and we its log; emptied by [`fresh_folder`].
    pub folder: &'a Path,
    /// Settings beyond the listener, the folder and the keys, as `QUOIN_…` and value.
    pub settings: &'a [(&'a str, &'a str)],
}

/// A running server.
pub(crate) struct Server {
    address: SocketAddr,
    log: PathBuf,
    process: Running,
}

impl Start<'_> {
    /// Starts the process and waits until it is ready.
    pub(crate) fn start(&self) -> Outcome<Server> {
        self.start_at(free_address()?)
    }

    /// Starts the process at an address that others know already.
    pub(crate) fn start_at(&self, address: SocketAddr) -> Outcome<Server> {
        std::fs::create_dir_all(self.folder)?;
        let log = self.folder.join("log");
        let mut command = process::dies_with_us(self.quoin, "KILL");
        self.give_settings(command.arg("serve"), address);
        let file = std::fs::File::create(&log)?;
        command.stdout(file.try_clone()?).stderr(file);
        let mut server = Server { address, log, process: Running::start(&mut command)? };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// Gives a command these settings and nothing else of our environment but the search path.
    pub(crate) fn give_settings(&self, command: &mut Command, address: SocketAddr) {
        command.env_clear().current_dir(self.folder);
        command.envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        command.env("QUOIN_LISTEN", address.to_string()).env("QUOIN_DATA_DIR", self.folder.join("data"));
        command.env("QUOIN_PUBLISHABLE_KEY", PUBLISHABLE_KEY).env("QUOIN_SECRET_KEY", SECRET_KEY);
        command.envs(self.settings.iter().copied());
    }
}

impl Server {
    /// Returns the URL it answers at.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the process id.
    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Returns the last lines of its log.
    pub(crate) fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    fn wait_until_ready(&mut self) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(20);
        while !is_ready(self.address) {
            if self.process.ended() || Instant::now() > deadline {
                return Err(format!("the server does not get ready:\n{}", self.last_words()).into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Picks an address of this machine that nobody listens at.
pub(crate) fn free_address() -> Outcome<SocketAddr> {
    Ok(SocketAddr::from(([127, 0, 0, 1], free_port()?)))
}

/// Empties the folder in which a step keeps what it makes.
pub(crate) fn fresh_folder(target: &Path, name: &str) -> Outcome<PathBuf> {
    let folder = target.join("xtask").join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn is_ready(address: SocketAddr) -> bool {
    let ask = || -> std::io::Result<bool> {
        let mut stream = TcpStream::connect_timeout(&address, Duration::from_millis(200))?;
        stream.set_read_timeout(Some(Duration::from_secs(2)))?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")?;
        let mut answer = [0; 12];
        stream.read_exact(&mut answer)?;
        Ok(&answer == b"HTTP/1.1 200")
    };
    ask().unwrap_or(false)
}
