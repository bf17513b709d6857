//! One connection: HTTP/1.1 requests one after another.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use quoin_kernel::Problem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::watched::{Part, Patience, Progress, Watched};
use super::{Limits, Shutdown};
use crate::front::Front;

/// hyper takes no smaller buffer, in bytes.
const SMALLEST_BUFFER: usize = 8192;

/// How much of a refused client's request is read and thrown away.
const LINGER_BYTES: u64 = 64 * 1024;

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
        let progress = Progress::default();
        let io = TokioIo::new(Watched::new(stream, progress.clone(), self.front.clone(), self.peer));
        let mut patience = Patience::new(progress.clone(), Arc::clone(&self.limits));
        let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
            progress.request_begins();
            let (front, progress) = (self.front.clone(), progress.clone());
            async move {
                let response = match check_host(&request) {
                    Ok(()) => front.handle(request, self.peer).await,
                    Err(problem) => front.refuse(&problem, self.peer).map(Body::from),
                };
                progress.request_ends();
                Ok::<_, Infallible>(response)
            }
        });
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(None)
            .max_headers(self.limits.max_headers)
            .max_header_size(self.limits.max_head_bytes)
            .max_buf_size(self.limits.max_head_bytes.max(SMALLEST_BUFFER));
        let mut connection = pin!(builder.serve_connection(io, service));
        let mut begun = pin!(self.shutdown.begun());
        let (mut registered, mut ending) = (false, false);
        let ended = poll_fn(|cx| {
            // A task keeps its waker, so registering once is enough; after that a look at a flag replaces a lock.
            if !registered {
                registered = true;
                let _ = begun.as_mut().poll(cx);
            }
            if !ending && self.shutdown.has_begun() {
                ending = true;
                connection.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                return Poll::Ready(Ok(ended));
            }
            patience.poll_exhausted(cx).map(Err)
        });
        match ended.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!(peer = %self.peer, %error, "a connection ended early"),
            Err(part) => {
                let cut_off = &self.front.app().metrics().cut_off;
                let counter = match part {
                    Part::Head => &cut_off.head,
                    Part::Stalled => &cut_off.answer,
                    Part::Idle | Part::Serving => &cut_off.idle,
                };
                counter.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(peer = %self.peer, ?part, "a connection was too slow");
            }
        }
    }
}

/// Refuses a request of HTTP/1.1 that does not say exactly once whom it is for (RFC 9112, section 3.2): proxies and
/// servers that pick different ones are how requests are smuggled.
fn check_host<B>(request: &hyper::Request<B>) -> Result<(), Problem> {
    let hosts = request.headers().get_all(hyper::header::HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == hyper::Version::HTTP_11 {
        return Err(Problem::invalid("A request must have exactly one header Host."));
    }
    Ok(())
}

/// Says 503 to a connection for which there is no room, without reading from it.
pub(super) async fn refuse(mut stream: TcpStream) {
    const ANSWER: &str = concat!(
        "HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\n",
        "content-type: application/problem+json\r\ncontent-length: 132\r\n\r\n",
        r#"{"type":"urn:quoin:problem:overloaded","title":"The server is busy","status":503,"#,
        r#""code":"overloaded","message":"The server is busy"}"#,
    );
    let answered = async {
        stream.write_all(ANSWER.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing with unread bytes would reset the connection, and the client might never see the answer.
        tokio::io::copy(&mut stream.take(LINGER_BYTES), &mut tokio::io::sink()).await
    };
    if let Ok(Err(error)) = tokio::time::timeout(Duration::from_secs(1), answered).await {
        tracing::debug!(%error, "a refused client left");
    }
}
