//! Cuts off clients that are too slow: with a request's head, with the next request, or with taking the answer.
//!
//! hyper's own time-out for the head makes a new timer for every request and cannot tell a slow head from an idle
//! connection. Here a stream notes which part of a request it is at, and one timer per connection, touched only when
//! that part changes, gives each its own patience. Bodies of requests have limits of their own (`input::body`).

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use super::Limits;
use super::refused::{self, Replacement};
use crate::front::Front;

/// Which part of a request a connection is at, with a count, so that two equal parts can be told apart.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<AtomicU32>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// No byte of the next head has come. An answer that is a stream counts as idle between two pieces.
    Idle = 0,
    /// A head has begun.
    Head = 1,
    /// A request is being served; its handler and its body have limits of their own.
    Serving = 2,
    /// The client does not take what is to be sent.
    Stalled = 3,
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
            2 => Part::Serving,
            _ => Part::Stalled,
        };
        (step, part)
    }
}

/// The timer of one connection.
pub(super) struct Patience {
    progress: Progress,
    limits: Arc<Limits>,
    deadline: Pin<Box<Sleep>>,
    set_for: Option<u32>,
}

impl Patience {
    pub(super) fn new(progress: Progress, limits: Arc<Limits>) -> Self {
        let deadline = Box::pin(sleep(limits.head_timeout));
        Self { progress, limits, deadline, set_for: None }
    }

    /// Is ready once the client has been too slow, with the part it was at. Polled whenever the connection has been polled and waits.
    pub(super) fn poll_exhausted(&mut self, cx: &mut Context<'_>) -> Poll<Part> {
        let (step, part) = self.progress.read();
        let patience = match part {
            Part::Idle => self.limits.idle_timeout,
            Part::Head => self.limits.head_timeout,
            Part::Stalled => self.limits.write_timeout,
            Part::Serving => return Poll::Pending,
        };
        if self.set_for != Some(step) {
            self.deadline.as_mut().reset(Instant::now() + patience);
            self.set_for = Some(step);
        }
        self.deadline.as_mut().poll(cx).map(|()| part)
    }
}

/// A stream that notes its progress.
pub(super) struct Watched {
    stream: TcpStream,
    progress: Progress,
    front: Front,
    peer: SocketAddr,
    replacement: Option<Replacement>,
}

impl Watched {
    pub(super) const fn new(stream: TcpStream, progress: Progress, front: Front, peer: SocketAddr) -> Self {
        Self { stream, progress, front, peer, replacement: None }
    }

    /// Sends our own answer where hyper would send its bare one; `None` where `bytes` are to be sent as they are.
    fn poll_replaced(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.replacement.is_none() && self.progress.read().1 == Part::Head {
            let problem = refused::problem_of(bytes)?;
            self.replacement = Some(Replacement::of(&self.front.refuse(&problem, self.peer)));
        }
        let sent = self.replacement.as_mut()?.poll_send(&mut self.stream, cx);
        Some(sent.map_ok(|()| bytes.len()))
    }

    fn note_write<T>(&self, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match (written.is_pending(), self.progress.read().1) {
            (true, Part::Idle | Part::Serving) => self.progress.enter(Part::Stalled),
            // Each piece of an answer that goes out begins the idle time anew.
            (false, Part::Stalled | Part::Idle) => self.progress.enter(Part::Idle),
            _ => {}
        }
        written
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
        if buf.filled().len() > before && self.progress.read().1 == Part::Idle {
            self.progress.enter(Part::Head);
        }
        read
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(replaced) = self.poll_replaced(cx, buf) {
            return replaced;
        }
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.note_write(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if let [only] = bufs
            && let Some(replaced) = self.poll_replaced(cx, only)
        {
            return replaced;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.note_write(written)
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
