//! Reading bodies: bounded in size, and cut off when the client is too slow.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use hyper::body::{Frame, SizeHint};
use quoin_kernel::Problem;
use tokio::time::{Instant, Sleep};

use crate::refusal::Refusal;
use crate::request::RequestInfo;

/// Why a body could not be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// It is larger than the operation takes.
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    /// No byte came for too long, or too few in all.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection broke, or the framing is wrong.
    #[error("the body ended before it was complete")]
    Broken(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<&BodyError> for Problem {
    fn from(error: &BodyError) -> Self {
        match error {
            BodyError::TooLarge(limit) => Self::new(413, "payload_too_large", "The body is too large")
                .detail(format!("This operation takes at most {limit} bytes.")),
            BodyError::TooSlow => Self::new(408, "request_timeout", "The body came too slowly"),
            BodyError::Broken(_) => Self::invalid("The body ended before it was complete."),
        }
    }
}

/// The rate below which a body is too slow, once its first seconds are over.
const MIN_BYTES_PER_S: u64 = 1024;

/// Guards a body: its size, its pauses and its rate.
pub(crate) struct GuardedBody<B> {
    inner: B,
    info: Arc<RequestInfo>,
    received: u64,
    started: Instant,
    max_pause: Duration,
    // Made only when a read has to wait, so that bodies that come in one piece cost no timer.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> GuardedBody<B> {
    pub(crate) fn new(inner: B, info: Arc<RequestInfo>, max_pause: Duration) -> Self {
        Self { inner, info, received: 0, started: Instant::now(), max_pause, deadline: None }
    }

    /// The moment at which waiting ends: after a pause, or once the rate since the start has become too low.
    fn next_deadline(&self) -> Instant {
        let earned = Duration::from_secs(self.received / MIN_BYTES_PER_S);
        (Instant::now() + self.max_pause).min(self.started + 2 * self.max_pause + earned)
    }
}

impl<B> HttpBody for GuardedBody<B>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => {
                self.received += frame.data_ref().map_or(0, |data| data.len() as u64);
                self.deadline = None;
                let limit = self.info.body_limit_bytes();
                if self.received > limit as u64 {
                    return Poll::Ready(Some(Err(BodyError::TooLarge(limit))));
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => Poll::Ready(Some(Err(BodyError::Broken(error.into())))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                let until = self.next_deadline();
                let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(until)));
                deadline.as_mut().poll(cx).map(|()| Some(Err(BodyError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// Reads the whole body of a request.
///
/// # Errors
/// 413, 408 or 400 as [`BodyError`] says.
pub(crate) async fn read(request: Request) -> Result<Bytes, Problem> {
    let (parts, body) = request.into_parts();
    read_body(RequestInfo::of(&parts.extensions)?, body).await
}

/// Reads a whole body, as far as the operation's limit goes.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_body(info: &RequestInfo, mut body: Body) -> Result<Bytes, Problem> {
    let limit = info.body_limit_bytes();
    if body.size_hint().lower() > limit as u64 {
        return Err(Problem::from(&BodyError::TooLarge(limit)));
    }
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    let mut whole = BytesMut::new();
    let mut first = Bytes::new();
    while let Some(frame) = body.frame().await {
        let Ok(piece) = frame.map_err(|error| problem_of_body(&error))?.into_data() else { continue };
        info.hold(piece.len())?;
        // Most bodies come in one piece, which is then not copied.
        if first.is_empty() && whole.is_empty() {
            first = piece;
        } else {
            whole.extend_from_slice(&std::mem::take(&mut first));
            whole.extend_from_slice(&piece);
        }
    }
    Ok(if whole.is_empty() { first } else { whole.freeze() })
}

/// Says why a body stopped, to whoever reads it piece by piece: finds the [`BodyError`] below the wrappers that bodies
/// pass through.
pub fn problem_of_body(error: &(dyn std::error::Error + 'static)) -> Problem {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<BodyError>() {
            return Problem::from(error);
        }
        cause = error.source();
    }
    Problem::invalid("The body ended before it was complete.")
}

/// Takes the body as it came.
#[derive(Debug, Clone)]
pub struct ValidBytes(pub Bytes);

impl<S: Send + Sync> FromRequest<S> for ValidBytes {
    type Rejection = Refusal;

    async fn from_request(request: Request, _: &S) -> Result<Self, Refusal> {
        Ok(Self(read(request).await?))
    }
}
