//! A stream that cuts off clients which are too slow: with a request's head, with the next request, or with taking
//! the answer.
//!
//! hyper's own time-out for the head makes a new timer for every request and cannot tell a slow head from an idle
//! connection. Here one timer per connection serves both, and is touched only when a read has to wait. Bodies have
//! limits of their own (`input::body`).

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;

/// Which part of a request a connection is at, with a count, so that two equal parts can be told apart.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<AtomicU32>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// No byte of the next head has come.
    Idle,
    /// A head has begun.
    Head,
    /// A request is being served; its handler and its body have limits of their own.
    Serving,
}

const PARTS: u32 = 4;

impl Default for Progress {
    /// A new connection is at a head at once: whoever connects has something to say.
    fn default() -> Self {
        Self(Arc::new(AtomicU32::new(Part::Head as u32)))
    }
}

impl Progress {
    /// Notes that a head is complete.
    pub(super) fn request_begins(&self) {
        self.enter(Part::Serving);
    }

    /// Notes that a response is made.
    pub(super) fn request_ends(&self) {
        self.enter(Part::Idle);
    }

    fn enter(&self, part: Part) {
        let steps = self.0.load(Ordering::Relaxed) / PARTS;
        self.0.store(steps.wrapping_add(1).wrapping_mul(PARTS) + part as u32, Ordering::Relaxed);
    }

    fn read(&self) -> (u32, Part) {
        let step = self.0.load(Ordering::Relaxed);
        let part = match step % PARTS {
            0 => Part::Idle,
            1 => Part::Head,
            _ => Part::Serving,
        };
        (step, part)
    }
}

/// A stream under watch.
pub(super) struct Watched {
    stream: TcpStream,
    progress: Progress,
    limits: Arc<Limits>,
    read_deadline: Pin<Box<Sleep>>,
    read_deadline_is_for: Option<u32>,
    write_deadline: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(super) fn new(stream: TcpStream, progress: Progress, limits: Arc<Limits>) -> Self {
        let read_deadline = Box::pin(sleep(limits.head_timeout));
        Self { stream, progress, limits, read_deadline, read_deadline_is_for: None, write_deadline: None }
    }

    /// Ends a read that waits for too long.
    fn poll_read_deadline(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (step, part) = self.progress.read();
        let patience = match part {
            Part::Idle => self.limits.idle_timeout,
            Part::Head => self.limits.head_timeout,
            Part::Serving => return Poll::Pending,
        };
        if self.read_deadline_is_for != Some(step) {
            self.read_deadline.as_mut().reset(Instant::now() + patience);
            self.read_deadline_is_for = Some(step);
        }
        ready!(self.read_deadline.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    /// Passes a write's outcome on, or ends it where the client has taken nothing for too long.
    fn watch_write<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write_deadline = None;
            // An answer that is still being sent is no idling.
            if self.progress.read().1 == Part::Idle {
                self.progress.enter(Part::Idle);
            }
            return written;
        }
        let patience = self.limits.write_timeout;
        ready!(self.write_deadline.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if read.is_pending() {
            return self.poll_read_deadline(cx);
        }
        if buf.filled().len() > before && self.progress.read().1 == Part::Idle {
            self.progress.enter(Part::Head);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
