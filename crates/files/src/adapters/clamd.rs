//! ClamAV's daemon as a scanner: each object is streamed to it (`INSTREAM` of clamd's protocol), and its word counts.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use quoin_kernel::Problem;
use quoin_kernel::port::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::port::{ByteStream, StoreError};
use crate::scan::{Opinion, Scanner, Suspect};

/// How long a connection, or the taking of one piece, may last.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the daemon may think once it has everything; it gives up by itself after two minutes.
const THOUGHT: Duration = Duration::from_mins(3);
/// The largest piece that is sent; the daemon reads them into one buffer.
const PIECE_BYTES: usize = 128 * 1024;
/// How the daemon says that it has found nothing.
const CLEAN: &str = "OK";
/// The most of an answer that is read.
const ANSWER_BYTES: u64 = 4096;

/// A daemon at an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clamd(Address);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Address {
    Tcp(String),
    Unix(PathBuf),
}

/// The address is neither `tcp://host:port` nor `unix:///path`.
#[derive(Debug, thiserror::Error)]
#[error("files.clamd must be tcp://host:port or unix:///path/of/the/socket")]
pub struct InvalidAddress;

trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

impl Clamd {
    /// Reads an address. Nothing is connected before there is something to scan.
    ///
    /// # Errors
    /// [`InvalidAddress`].
    pub fn at(address: &str) -> Result<Self, InvalidAddress> {
        if let Some(path) = address.strip_prefix("unix://").filter(|path| path.starts_with('/')) {
            return Ok(Self(Address::Unix(path.into())));
        }
        let host = address.strip_prefix("tcp://").ok_or(InvalidAddress)?;
        let (name, port) = host.rsplit_once(':').ok_or(InvalidAddress)?;
        if name.is_empty() || port.parse::<u16>().is_err() {
            return Err(InvalidAddress);
        }
        Ok(Self(Address::Tcp(host.to_owned())))
    }

    async fn connect(&self) -> io::Result<Box<dyn Connection>> {
        Ok(match &self.0 {
            Address::Tcp(host) => Box::new(TcpStream::connect(host.as_str()).await?),
            Address::Unix(path) => Box::new(UnixStream::connect(path).await?),
        })
    }

    async fn ask(&self, bytes: ByteStream) -> Result<String, Failure> {
        let mut daemon = within(self.connect()).await?;
        match send(&mut daemon, bytes).await {
            Ok(()) => Ok(hear(&mut daemon).await?),
            // A daemon that has read enough says why and closes, while we still send. It cannot have found all of it clean.
            Err(Failure::Daemon(error)) if error.kind() != io::ErrorKind::TimedOut => {
                let answer = hear(&mut daemon).await?;
                if answer.ends_with(CLEAN) { Err(error.into()) } else { Ok(answer) }
            }
            Err(stopped) => Err(stopped),
        }
    }
}

/// Who failed.
#[derive(Debug)]
enum Failure {
    Daemon(io::Error),
    Store(StoreError),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Daemon(error)
    }
}

impl Scanner for Clamd {
    fn scan<'a>(&'a self, _: &'a Suspect, bytes: ByteStream) -> BoxFuture<'a, Result<Opinion, Problem>> {
        Box::pin(async move {
            match self.ask(bytes).await {
                Ok(answer) => understand(&answer),
                Err(Failure::Store(error)) => Err(error.into()),
                Err(Failure::Daemon(error)) => Err(silent(&format!("{self}: {error}"))),
            }
        })
    }
}

async fn send(daemon: &mut Box<dyn Connection>, mut bytes: ByteStream) -> Result<(), Failure> {
    within(daemon.write_all(b"zINSTREAM\0")).await?;
    while let Some(piece) = bytes.next().await {
        let mut piece: Bytes = piece.map_err(Failure::Store)?;
        while !piece.is_empty() {
            let part = piece.split_to(piece.len().min(PIECE_BYTES));
            let length = u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes();
            within(daemon.write_all(&length)).await?;
            within(daemon.write_all(&part)).await?;
        }
    }
    within(daemon.write_all(&0_u32.to_be_bytes())).await?;
    Ok(within(daemon.flush()).await?)
}

async fn hear(daemon: &mut Box<dyn Connection>) -> io::Result<String> {
    let mut answer = Vec::new();
    let hearing = timeout(THOUGHT, daemon.take(ANSWER_BYTES).read_to_end(&mut answer)).await;
    // A reset after the answer takes nothing away from it.
    match hearing {
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
        Ok(Err(error)) if answer.is_empty() => return Err(error),
        Ok(_) => {}
    }
    Ok(String::from_utf8_lossy(&answer).trim_end_matches(['\0', '\n']).to_owned())
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, work).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads the daemon's word. What is not plainly clean is not clean.
fn understand(answer: &str) -> Result<Opinion, Problem> {
    let word = answer.strip_prefix("stream: ").unwrap_or(answer);
    if word == CLEAN {
        return Ok(Opinion::Clean);
    }
    if let Some(name) = word.strip_suffix(" FOUND") {
        return Ok(Opinion::Refused(format!("ClamAV found {name}.")));
    }
    if word.contains("size limit exceeded") {
        let why = "It is larger than ClamAV reads; its StreamMaxLength says how much that is.";
        return Ok(Opinion::Refused(why.to_owned()));
    }
    Err(silent(&format!("clamd answered {answer:?}")))
}

fn silent(why: &str) -> Problem {
    Problem::unavailable("scanner_unavailable", "ClamAV does not answer now", 5).source(why.to_owned())
}

impl fmt::Display for Clamd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Address::Tcp(host) => write!(f, "tcp://{host}"),
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}
