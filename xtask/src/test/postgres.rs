//! A PostgreSQL of our own: found or installed, started on a free port, gone at the end.

use std::ffi::OsStr;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::certificates;
use crate::process::Running;
use crate::workspace::Workspace;
use crate::{Outcome, process};

/// Whether commits wait for the disk. Killing our server does not need it, measuring it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// `fsync = off`: a test's databases are thrown away.
    Fast,
    /// As shipped.
    Durable,
}

/// A running server of PostgreSQL, owned by an unprivileged account where we are root.
pub(crate) struct Postgres {
    programs: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    port: u16,
    server: Option<Running>,
}

impl Postgres {
    /// Makes a new cluster and starts it.
    pub(crate) fn start(workspace: &Workspace, durability: Durability) -> Outcome<Self> {
        let programs = programs()?;
        let place = place(&workspace.target)?;
        let (data, sockets) = (place.join("data"), place.join("sockets"));
        std::fs::create_dir_all(&sockets)?;
        certificates::make(&place)?;
        give_away(&place)?;
        let mut init = unprivileged(programs.join("initdb"));
        init.arg("-D").arg(&data).args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]);
        process::quiet(&mut init)?;
        let port = free_port()?;
        let mut server = unprivileged(programs.join("postgres"));
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]).args(settings(durability, &place));
        let log = std::fs::File::create(place.join("log"))?;
        server.stdout(log.try_clone()?).stderr(log);
        let server = Some(Running::start(&mut server)?);
        let mut postgres = Self { programs, data, sockets, port, server };
        postgres.wait_until_ready(&place.join("log"))?;
        println!("PostgreSQL {} on port {port}", postgres.version()?);
        Ok(postgres)
    }

    /// Returns the address of a database over TCP.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    /// Returns the address of a database over the Unix socket.
    pub(crate) fn socket_url(&self, database: &str) -> String {
        let folder = self.sockets.display();
        format!("postgres://postgres@/{database}?host={folder}&port={}", self.port)
    }

    /// Returns the address of a database over TLS, the certificate and its name checked.
    pub(crate) fn tls_url(&self, database: &str) -> String {
        let authority = self.sockets.with_file_name("authority.crt");
        let address = format!("postgres://postgres@localhost:{}/{database}", self.port);
        format!("{address}?sslmode=verify-full&sslrootcert={}", authority.display())
    }

    /// Returns the process id of the server.
    pub(crate) fn id(&self) -> u32 {
        self.server.as_ref().map_or(0, Running::id)
    }

    /// Returns the folder of its programs.
    pub(crate) fn programs(&self) -> &Path {
        &self.programs
    }

    /// Makes an empty database, in place of one of that name, and returns its address over TCP.
    pub(crate) fn create_database(&self, name: &str) -> Outcome<String> {
        self.query("postgres", &format!("drop database if exists \"{name}\" with (force)"))?;
        self.query("postgres", &format!("create database \"{name}\""))?;
        Ok(self.url(name))
    }

    /// Runs SQL and returns what it answers, one line per row.
    pub(crate) fn query(&self, database: &str, sql: &str) -> Outcome<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-d", &self.url(database), "-c", sql]);
        Ok(process::output(&mut psql)?.trim().to_owned())
    }

    fn version(&self) -> Outcome<String> {
        self.query("postgres", "show server_version")
    }

    fn wait_until_ready(&mut self, log: &Path) -> Outcome {
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut ready = Command::new(self.programs.join("pg_isready"));
        ready.args(["-q", "-h", "127.0.0.1", "-p", &self.port.to_string()]);
        while process::quiet(&mut ready).is_err() {
            let ended = self.server.as_mut().is_none_or(Running::ended);
            if ended || Instant::now() > deadline {
                return Err(format!("PostgreSQL does not start:\n{}", std::fs::read_to_string(log)?).into());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let mut stop = unprivileged(self.programs.join("pg_ctl"));
        stop.arg("-D").arg(&self.data).args(["stop", "-m", "immediate", "-w"]);
        if let Err(error) = process::quiet(&mut stop) {
            eprintln!("{error}");
        }
        drop(self.server.take());
        // The folder is the operating system's to clean where we may not.
        let _ = self.data.parent().map(std::fs::remove_dir_all);
    }
}

fn settings(durability: Durability, place: &Path) -> Vec<String> {
    let file = |name: &str| place.join(name).display().to_string();
    let mut settings = vec![
        "listen_addresses=127.0.0.1".to_owned(),
        "max_connections=300".to_owned(),
        format!("unix_socket_directories={}", file("sockets")),
        "ssl=on".to_owned(),
        format!("ssl_cert_file={}", file("server.crt")),
        format!("ssl_key_file={}", file("server.key")),
    ];
    if durability == Durability::Fast {
        let fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"];
        settings.extend(fast.map(str::to_owned));
    }
    settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]).collect()
}

/// Finds the folder with `initdb` and `postgres`, newest version first; installs them where that is possible.
fn programs() -> Outcome<PathBuf> {
    let found = || {
        let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = installed.map(|version| version.path().join("bin")).collect();
        folders.sort();
        let in_path =
            process::find("initdb").and_then(|file| file.canonicalize().ok()?.parent().map(Path::to_owned));
        let complete =
            |folder: &PathBuf| ["initdb", "postgres", "psql"].iter().all(|name| folder.join(name).exists());
        folders.into_iter().rev().chain(in_path).find(complete)
    };
    if let Some(folder) = found() {
        return Ok(folder);
    }
    process::apt_install(&["postgresql"])?;
    found().ok_or_else(|| "PostgreSQL was installed but is not in /usr/lib/postgresql".into())
}

/// Makes a private folder that the unprivileged account can reach: below `target`, or else among temporary files.
fn place(target: &Path) -> Outcome<PathBuf> {
    let name = format!("quoin-postgres-{}", std::process::id());
    // A socket's path may have 107 bytes at most.
    let short = target.as_os_str().len() < 60;
    let reachable = short && process::quiet(unprivileged("test").arg("-x").arg(target)).is_ok();
    let place = if reachable { target.join(&name) } else { std::env::temp_dir().join(&name) };
    std::fs::create_dir_all(&place)?;
    Ok(place)
}

fn give_away(place: &Path) -> Outcome {
    if process::is_root() {
        process::quiet(Command::new("chown").args(["-R", account()]).arg(place))
    } else {
        Ok(())
    }
}

/// The account that PostgreSQL's package makes, or the one that every system has.
fn account() -> &'static str {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    if accounts.lines().any(|line| line.starts_with("postgres:")) { "postgres" } else { "nobody" }
}

/// Returns a command that runs without root's rights, and that a kill of ours stops in good order.
fn unprivileged(program: impl AsRef<OsStr>) -> Command {
    if !process::is_root() {
        return process::dies_with_us(program, "INT");
    }
    let mut command = Command::new("setpriv");
    let account = account();
    command.args(["--reuid", account, "--regid"]).arg(group(account));
    command
        .args(["--init-groups", "--pdeathsig", "INT", "--"])
        .arg(program)
        .stdin(std::process::Stdio::null());
    command
}

fn group(account: &str) -> String {
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let line = accounts.lines().find(|line| line.split(':').next() == Some(account)).unwrap_or_default();
    line.split(':').nth(3).unwrap_or("65534").to_owned()
}

/// Asks the system for a port that nobody listens on.
pub(crate) fn free_port() -> Outcome<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
