//! Panics in handlers: caught, logged once with the request's id and the place, answered with 500.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::pin::pin;

thread_local! {
    /// True while this thread runs a handler, whose panic will be logged with its request.
    static IN_HANDLER: Cell<bool> = const { Cell::new(false) };
    /// Where this thread's handler has panicked.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// A panic, as the source of a problem.
#[derive(Debug, thiserror::Error)]
#[error("a handler panicked: {message} ({place})")]
pub(crate) struct Panicked {
    message: String,
    place: String,
}

/// Sends panics to the log rather than to the standard error stream: those of handlers once, with their request.
pub fn log_through_tracing() {
    std::panic::set_hook(Box::new(|panic: &PanicHookInfo<'_>| {
        let place = panic.location().map_or_else(|| "unknown place".to_owned(), ToString::to_string);
        if IN_HANDLER.get() {
            PLACE.with_borrow_mut(|known| *known = Some(place));
        } else {
            let thread = std::thread::current();
            let thread = thread.name().unwrap_or("unnamed");
            tracing::error!(thread, place, message = message(panic.payload()), "a thread panicked");
        }
    }));
}

/// Turns a panic of a future into an error.
pub(crate) async fn catch_panic<F: Future>(future: F) -> Result<F::Output, Panicked> {
    let mut future = pin!(future);
    poll_fn(|cx| {
        IN_HANDLER.set(true);
        // After a panic the future is not polled again, so its broken state is never seen.
        let polled = catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx)));
        IN_HANDLER.set(false);
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(payload) => std::task::Poll::Ready(Err(Panicked {
                message: message(payload.as_ref()),
                place: PLACE.with_borrow_mut(Option::take).unwrap_or_else(|| "place not recorded".to_owned()),
            })),
        }
    })
    .await
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message").to_owned()
}
