//! What a way of sending must do.

use std::error::Error;

use quoin_kernel::port::BoxFuture;

use crate::model::Message;

/// Hands messages over to whoever delivers them.
pub trait Transport: Send + Sync {
    /// Sends one message. `Ok` means that somebody else has taken it over.
    ///
    /// Nobody can do that exactly once: when the answer is lost on its way, the message has been sent and is sent again,
    /// with the same `Message-ID`.
    fn send<'a>(&'a self, message: &'a Message) -> BoxFuture<'a, Result<(), SendError>>;
}

/// Why a message was not taken.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// Another try may succeed: a 4xx answer, a time-out, a server that is down or set up wrongly.
    #[error("the mail was not taken, another try may succeed")]
    Temporary(#[source] Box<dyn Error + Send + Sync>),
    /// No further try can succeed: a 5xx answer to this message.
    #[error("the mail was refused for good")]
    Permanent(#[source] Box<dyn Error + Send + Sync>),
}
