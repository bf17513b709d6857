//! The socket in the data directory through which commands reach a running server.
//!
//! Whoever may read the directory may use it: the file beside it holds a key that lives as long as the process and is
//! known to no database.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use quoin_identity::Identity;
use quoin_identity::model::api_key::KeyKind;
use quoin_kernel::Secret;
use quoin_web::Front;
use quoin_web::tasks::Tasks;
use tokio::net::{UnixListener, UnixStream};

use crate::boot::CannotStart;
use crate::data_dir::{DataDir, write_private};

/// The socket's name in the data directory.
pub(crate) const SOCKET: &str = "control.sock";
/// The key's name in the data directory.
pub(crate) const KEY: &str = "control.key";

/// The key of this process's commands.
pub(crate) struct ControlKey(Secret<String>);

impl ControlKey {
    /// Makes a key that the room of people knows from now on.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn make(identity: &Identity, data_dir: &DataDir) -> Result<Self, CannotStart> {
        let key = KeyKind::Secret.generate(identity.app().rng());
        identity.adopt_control_key(&key);
        remove(&data_dir.file(KEY))?;
        write_private(&data_dir.file(KEY), key.as_bytes())?;
        Ok(Self(Secret::new(key)))
    }

    /// Makes a key for a process that is its own server.
    pub(crate) fn in_memory(identity: &Identity) -> Self {
        let key = KeyKind::Secret.generate(identity.app().rng());
        identity.adopt_control_key(&key);
        Self(Secret::new(key))
    }

    /// Returns the key.
    pub(crate) fn expose(&self) -> &str {
        self.0.expose()
    }
}

/// An open control socket. Dropping it removes its files.
pub(crate) struct Control {
    files: [PathBuf; 2],
}

impl Control {
    /// Opens the socket, for its owner alone, and serves it until the tasks end.
    ///
    /// # Errors
    /// Where the socket cannot be made.
    pub(crate) fn open(
        data_dir: &DataDir,
        front: Front,
        key: ControlKey,
        tasks: &Tasks,
    ) -> Result<Self, CannotStart> {
        drop(key);
        let path = data_dir.file(SOCKET);
        remove(&path)?;
        let listener = UnixListener::bind(&path).map_err(|error| failed(&path, &error))?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))
            .map_err(|error| failed(&path, &error))?;
        let (serving, stopping) = (tasks.clone(), tasks.clone());
        tasks.spawn("control", async move {
            tokio::select! { () = accept(listener, front, serving) => {}, () = stopping.stopping() => {} }
        });
        Ok(Self { files: [path, data_dir.file(KEY)] })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        for file in &self.files {
            if let Err(error) = remove(file) {
                tracing::warn!(%error, "the control socket was left behind");
            }
        }
    }
}

async fn accept(listener: UnixListener, front: Front, tasks: Tasks) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                let front = front.clone();
                tasks.spawn("control.connection", serve(stream, front));
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket does not accept");
                tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

async fn serve(stream: UnixStream, front: Front) {
    let peer = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
    let service = service_fn(move |request| {
        let front = front.clone();
        async move { Ok::<_, Infallible>(front.handle(request, peer).await) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
        tracing::debug!(%error, "a command went away");
    }
}

fn remove(path: &Path) -> Result<(), CannotStart> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(path, &error)),
        _ => Ok(()),
    }
}

fn failed(path: &Path, error: &io::Error) -> CannotStart {
    CannotStart::Setting(format!("{}: {error}", path.display()))
}
