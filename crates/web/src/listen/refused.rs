//! Gives the answers that hyper makes by itself, to heads that it cannot read, the one error body and a request id.
//!
//! hyper writes such an answer before any handler runs and offers no hook. It is known by its exact shape, at a moment
//! when nothing but a head is awaited; where it leaves in one piece with the answer before it, it stays as it is.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::Response;
use quoin_kernel::Problem;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// An answer on its way in place of hyper's.
pub(super) struct Replacement {
    bytes: Vec<u8>,
    sent: usize,
}

/// Says what is wrong, where these bytes are hyper's own refusal of a head and nothing else.
pub(super) fn problem_of(bytes: &[u8]) -> Option<Problem> {
    let text = std::str::from_utf8(bytes).ok()?.strip_prefix("HTTP/1.1 ")?;
    let (line, headers) = text.split_once("\r\n")?;
    let date = headers.strip_prefix("connection: close\r\ncontent-length: 0\r\ndate: ")?;
    if date.strip_suffix("\r\n\r\n")?.contains("\r\n") {
        return None;
    }
    match line.get(..3)? {
        "400" => Some(Problem::invalid("The head of the request cannot be read.")),
        "414" => Some(Problem::new(414, "uri_too_long", "The address of the request is too long")),
        "431" => Some(Problem::new(431, "headers_too_large", "The head of the request is too large")),
        _ => None,
    }
}

impl Replacement {
    /// Writes an answer out as HTTP/1.1 does.
    pub(super) fn of(answer: &Response<String>) -> Self {
        let status = answer.status();
        let mut bytes =
            format!("HTTP/1.1 {} {}\r\n", status.as_str(), status.canonical_reason().unwrap_or_default())
                .into_bytes();
        for (name, value) in answer.headers() {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", answer.body().len()).as_bytes());
        bytes.extend_from_slice(answer.body().as_bytes());
        Self { bytes, sent: 0 }
    }

    /// Sends what is left.
    pub(super) fn poll_send(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.bytes.len() {
            let sent = ready!(Pin::new(&mut *stream).poll_write(cx, &self.bytes[self.sent..]))?;
            if sent == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.sent += sent;
        }
        Poll::Ready(Ok(()))
    }
}
