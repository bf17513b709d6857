//! Cuts off clients that send a request's head too slowly.
//!
//! hyper has one time-out for the head, which also runs while a connection idles. Here it serves as the idle time-out,
//! and this wrapper keeps the shorter one, which begins with the head's first byte.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

/// No byte of the next head has come.
const IDLE: u8 = 0;
/// A head has begun.
const HEAD: u8 = 1;
/// The head is read; what comes now is a body, which has limits of its own.
const SERVING: u8 = 2;

/// Says at which part of a request the connection is.
#[derive(Debug, Clone, Default)]
pub(super) struct HeadClock(Arc<AtomicU8>);

impl HeadClock {
    pub(super) fn head_is_read(&self) {
        self.0.store(SERVING, Ordering::Relaxed);
    }

    pub(super) fn next_head(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }
}

/// A stream that fails once a head takes too long.
pub(super) struct HeadTimer {
    stream: TcpStream,
    clock: HeadClock,
    limit: Duration,
    // Made only when a head comes in more than one piece.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl HeadTimer {
    pub(super) const fn new(stream: TcpStream, clock: HeadClock, limit: Duration) -> Self {
        Self { stream, clock, limit, deadline: None }
    }
}

impl AsyncRead for HeadTimer {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        let state = self.clock.0.load(Ordering::Relaxed);
        if buf.filled().len() > before && state == IDLE {
            self.clock.0.store(HEAD, Ordering::Relaxed);
        }
        if read.is_ready() {
            return read;
        }
        if state != HEAD {
            self.deadline = None;
            return Poll::Pending;
        }
        let limit = self.limit;
        ready!(self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(limit))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncWrite for HeadTimer {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
