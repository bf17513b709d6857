//! One connection: HTTP/1.1 requests one after another.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::head_timer::{HeadClock, HeadTimer};
use super::{Limits, Shutdown};
use crate::front::Front;

/// What a connection needs while it is served.
pub(super) struct Serving {
    pub(super) front: Front,
    pub(super) limits: Arc<Limits>,
    pub(super) shutdown: Shutdown,
    pub(super) peer: SocketAddr,
}

impl Serving {
    /// Serves requests until the client leaves, a time-out ends it, or the shutdown lets the last request finish.
    pub(super) async fn run(self, stream: TcpStream) {
        let clock = HeadClock::default();
        let io = TokioIo::new(HeadTimer::new(stream, clock.clone(), self.limits.head_timeout));
        let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
            clock.head_is_read();
            let front = self.front.clone();
            let clock = clock.clone();
            async move {
                let response = front.handle(request, self.peer).await;
                clock.next_head();
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.idle_timeout)
            .max_headers(self.limits.max_headers)
            .max_buf_size(self.limits.max_head_bytes.max(8192));
        let mut connection = pin!(builder.serve_connection(io, service));
        let ended = tokio::select! {
            ended = connection.as_mut() => ended,
            () = self.shutdown.begun() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = ended {
            tracing::debug!(peer = %self.peer, %error, "a connection ended early");
        }
    }
}

/// Says 503 to a connection for which there is no room, without reading from it.
pub(super) async fn refuse(mut stream: TcpStream) {
    const ANSWER: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n\
        content-type: application/problem+json\r\ncontent-length: 108\r\n\r\n\
        {\"type\":\"urn:quoin:problem:overloaded\",\"title\":\"The server is busy\",\"status\":503,\"code\":\"overloaded\",\"a\":\"\"}";
    // A client that does not take even this is left alone; the socket's buffer takes it otherwise.
    let _ = tokio::time::timeout(Duration::from_millis(50), stream.write_all(ANSWER)).await;
}
