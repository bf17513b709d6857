//! What passes on its way into a piece: counted, hashed, and ended rather than lost where the sender is cut off.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::Stream;
use quoin_kernel::hash::Sha256;

use crate::port::{ByteStream, StoreError};

/// A stream that ends where its source fails, and remembers why.
pub(super) struct Passing {
    bytes: ByteStream,
    most: u64,
    seen: Seen,
}

/// What has passed; shared, because the store keeps the stream.
#[derive(Clone)]
pub(super) struct Seen(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    count: u64,
    hash: Sha256,
    check: Option<Check>,
    cut: Option<StoreError>,
    too_many: bool,
}

/// A checksum of the sender's that is followed along.
pub(super) struct Check {
    pub(super) context: aws_lc_rs::digest::Context,
    pub(super) expected: Vec<u8>,
}

/// How a piece has ended.
pub(super) struct Ended {
    /// Its SHA-256.
    pub(super) sha256: [u8; 32],
    /// Why the sender stopped before the end of the request, where it did.
    pub(super) cut: Option<StoreError>,
    /// Whether more came than was announced.
    pub(super) too_many: bool,
    /// Whether the bytes are those of the sender's checksum, where there is one.
    pub(super) fits: bool,
}

impl Passing {
    /// Lets `most` bytes pass.
    pub(super) fn new(bytes: ByteStream, most: u64, check: Option<Check>) -> (Self, Seen) {
        let seen = Seen(Arc::new(Mutex::new(State { check, ..State::default() })));
        (Self { bytes, most, seen: seen.clone() }, seen)
    }
}

impl Seen {
    /// Returns how it ended.
    pub(super) fn end(&self) -> Ended {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = state.check.take().is_none_or(|check| check.context.finish().as_ref() == check.expected);
        Ended {
            sha256: std::mem::take(&mut state.hash).finish(),
            cut: state.cut.take(),
            too_many: state.too_many,
            fits,
        }
    }
}

impl Stream for Passing {
    type Item = Result<Bytes, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.bytes.as_mut().poll_next(cx);
        let mut state = self.seen.0.lock().unwrap_or_else(PoisonError::into_inner);
        match polled {
            Poll::Ready(Some(Ok(piece))) => {
                state.count += piece.len() as u64;
                if state.count > self.most {
                    state.too_many = true;
                    return Poll::Ready(None);
                }
                state.hash.update(&piece);
                if let Some(check) = &mut state.check {
                    check.context.update(&piece);
                }
                Poll::Ready(Some(Ok(piece)))
            }
            Poll::Ready(Some(Err(error))) => {
                state.cut = Some(error);
                Poll::Ready(None)
            }
            other => other,
        }
    }
}
