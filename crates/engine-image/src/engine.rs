//! The threads that do the work.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use quoin_files::images::{ImageEngine, ImageError, Rendered, Transformation};
use quoin_kernel::port::BoxFuture;
use tokio::sync::oneshot;

use crate::picture;

/// How much lower than the server's the priority of these threads is.
const NICENESS: i32 = 10;

/// What a picture may cost.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The most pixels of a picture that is decoded.
    pub max_pixels: u64,
    /// How many threads work; 0 for one for every two cores.
    pub threads: usize,
    /// How many pictures may wait.
    pub queue: usize,
}

/// Renders pictures on threads of its own.
pub struct Engine {
    queue: SyncSender<Task>,
}

struct Task {
    source: Bytes,
    wish: Transformation,
    reply: oneshot::Sender<Result<Rendered, ImageError>>,
}

impl Engine {
    /// Starts the threads.
    ///
    /// # Errors
    /// Where the system starts no thread.
    pub fn start(limits: Limits) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if limits.threads == 0 { cores.div_ceil(2) } else { limits.threads };
        let (queue, waiting) = sync_channel(limits.queue);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..threads {
            let waiting = Arc::clone(&waiting);
            let work = move || serve(&waiting, limits.max_pixels);
            std::thread::Builder::new().name(format!("image-{number}")).spawn(work)?;
        }
        Ok(Self { queue })
    }
}

impl ImageEngine for Engine {
    fn render(&self, source: Bytes, wish: Transformation) -> BoxFuture<'_, Result<Rendered, ImageError>> {
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            self.queue.try_send(Task { source, wish, reply }).map_err(|refused| match refused {
                TrySendError::Full(_) => ImageError::Busy,
                TrySendError::Disconnected(_) => ImageError::Failed("the image threads are gone".into()),
            })?;
            answer.await.unwrap_or_else(|_| Err(ImageError::Failed("the picture was given up".into())))
        })
    }
}

fn serve(waiting: &Mutex<Receiver<Task>>, max_pixels: u64) {
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::warn!(%error, "image threads run at normal priority");
    }
    loop {
        let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Task { source, wish, reply }) = next else { return };
        if reply.is_closed() {
            continue;
        }
        // A decoder that stumbles over a picture must not take the thread with it.
        let rendered = catch_unwind(AssertUnwindSafe(|| picture::render(&source, wish, max_pixels)))
            .unwrap_or_else(|_| Err(ImageError::NotAPicture));
        // A caller that goes away while the work is done loses nothing.
        reply.send(rendered).ok();
    }
}
