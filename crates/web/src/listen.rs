//! The accept loop: sockets, their limits and time-outs, and the end of it all.
//!
//! `server` runs one current-thread runtime per core, each with a listener of its own on the same port
//! (`SO_REUSEPORT`), so that a request stays on one core from its first byte to its last.

mod connection;
mod refused;
#[cfg(test)]
mod tests;
mod watched;

use std::io;
use std::net::{SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::front::Front;

/// Limits of connections.
#[derive(Debug, Clone)]
pub struct Limits {
    /// How many connections are served at a time, on all cores together; more get 503 and are closed.
    pub max_connections: usize,
    /// How long a request's head may take from its first byte.
    pub head_timeout: Duration,
    /// How long a connection may wait for its next request.
    pub idle_timeout: Duration,
    /// How long a client may take nothing of its answer.
    pub write_timeout: Duration,
    /// How large a request's head may be, in bytes.
    pub max_head_bytes: usize,
    /// How many headers a request may have.
    pub max_headers: usize,
    /// How long requests in work may take to finish once the shutdown has begun.
    pub drain_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: 10_000,
            head_timeout: Duration::from_secs(10),
            idle_timeout: Duration::from_secs(75),
            write_timeout: Duration::from_secs(30),
            max_head_bytes: 32 * 1024,
            max_headers: 100,
            drain_timeout: Duration::from_secs(25),
        }
    }
}

/// How many clients at a time are told on each core that there is no room.
const MAX_REFUSALS: usize = 256;

/// Tells all accept loops to end.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    sender: watch::Sender<bool>,
    // The same, cheap enough to be looked at on every wake of every connection.
    begun: Arc<AtomicBool>,
}

impl Shutdown {
    /// Begins the end: no more connections, and the open ones close after the request they are at.
    pub fn begin(&self) {
        self.begun.store(true, Ordering::Release);
        self.sender.send_replace(true);
    }

    /// Waits until it begins.
    pub async fn begun(&self) {
        // The sender lives as long as `self`, so waiting cannot fail.
        let _ = self.sender.subscribe().wait_for(|begun| *begun).await;
    }

    fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Acquire)
    }
}

/// Counts the connections of all cores.
#[derive(Debug, Clone, Default)]
pub struct Connections(Arc<AtomicUsize>);

/// A bound socket that does not accept yet.
#[derive(Debug)]
pub struct Listener(StdListener);

impl Listener {
    /// Binds one socket.
    pub fn bind(address: SocketAddr) -> io::Result<Self> {
        bind(address, false).map(Self)
    }

    /// Binds `cores` sockets to one address, between which the kernel distributes connections.
    pub fn bind_for_cores(address: SocketAddr, cores: usize) -> io::Result<Vec<Self>> {
        if cores <= 1 {
            return Ok(vec![Self::bind(address)?]);
        }
        let first = bind(address, true)?;
        // Port 0 means any: the others must take the one that the first has got.
        let bound = first.local_addr()?;
        let mut listeners = vec![Self(first)];
        for _ in 1..cores {
            listeners.push(Self(bind(bound, true)?));
        }
        Ok(listeners)
    }

    /// Returns the bound address, with the port that was chosen where 0 was asked for.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Accepts connections on the present runtime until the shutdown, then lets the open ones finish.
    ///
    /// # Errors
    /// Where the socket cannot be registered with the runtime.
    pub async fn serve(
        self,
        front: Front,
        limits: Limits,
        connections: Connections,
        shutdown: Shutdown,
    ) -> io::Result<()> {
        let listener = TcpListener::from_std(self.0)?;
        let (limits, mut open, mut refused) = (Arc::new(limits), JoinSet::new(), JoinSet::new());
        loop {
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                Some(_) = open.join_next() => {}
                Some(_) = refused.join_next() => {}
                accepted = listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let Some(place) = connections.take(&front, limits.max_connections) else {
                            // Beyond these, clients are refused by closing alone.
                            if refused.len() < MAX_REFUSALS {
                                refused.spawn(connection::refuse(stream));
                            }
                            continue;
                        };
                        let serving = connection::Serving {
                            front: front.clone(), limits: Arc::clone(&limits), shutdown: shutdown.clone(), peer,
                        };
                        prepare(&stream);
                        open.spawn(async move {
                            serving.run(stream).await;
                            drop(place);
                        });
                    }
                    Err(error) => pause_after(&error).await,
                }
            }
        }
        drop(listener);
        drain(open, limits.drain_timeout).await;
        Ok(())
    }
}

/// Waits for open connections; what is not finished in time is cut off.
async fn drain(mut open: JoinSet<()>, patience: Duration) {
    let all_closed = async { while open.join_next().await.is_some() {} };
    if tokio::time::timeout(patience, all_closed).await.is_err() {
        tracing::warn!(connections = open.len(), "requests did not finish in time and are cut off");
        open.shutdown().await;
    }
}

/// A connection's place among those that are served.
struct Place {
    connections: Connections,
    front: Front,
}

impl Connections {
    fn take(&self, front: &Front, max: usize) -> Option<Place> {
        let metrics = front.app().metrics();
        if self.0.fetch_add(1, Ordering::Relaxed) >= max {
            self.0.fetch_sub(1, Ordering::Relaxed);
            metrics.shed.fetch_add(1, Ordering::Relaxed);
            return None;
        }
        metrics.connections.fetch_add(1, Ordering::Relaxed);
        Some(Place { connections: self.clone(), front: front.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.0.fetch_sub(1, Ordering::Relaxed);
        self.front.app().metrics().connections.fetch_sub(1, Ordering::Relaxed);
    }
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<StdListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(4096)?;
    Ok(socket.into())
}

fn prepare(stream: &TcpStream) {
    // Without it, small answers wait for the client's delayed acknowledgement.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
}

/// Rests where the process has no descriptors left: accepting at once again would only burn the core.
async fn pause_after(error: &io::Error) {
    tracing::warn!(%error, "a connection could not be accepted");
    if !matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
