//! The one syncer: puts what the writer has committed on disk and only then answers, while the writer runs the next batch.
//!
//! The writer's commits append to the log without a sync of their own, so each costs no more than writing. Frames of the
//! log are chained by checksums: what a sync has put on disk is a prefix that recovery finds whole.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::Shared;
use super::writer::Waiting;
use crate::error::DbError;

/// How many commits may wait for their sync before the writer waits too.
const COMMITS_AHEAD: usize = 4;

/// Writes that share one commit.
pub(super) struct Committed {
    pub(super) members: Vec<Box<dyn Waiting>>,
    /// How many of them were kept.
    pub(super) writes: u64,
}

/// Puts the log on disk.
pub(super) type Sync = Box<dyn FnMut() -> io::Result<()> + Send>;

/// What the writer keeps of the syncer. The thread answers what it was given and ends when this is dropped.
pub(super) struct Syncer {
    queue: SyncSender<Committed>,
    stopped: Arc<AtomicBool>,
}

impl Syncer {
    /// Starts the thread.
    pub(super) fn start(shared: Shared, sync: Sync) -> Result<(Self, JoinHandle<()>), DbError> {
        let (queue, committed) = sync_channel(COMMITS_AHEAD);
        let stopped = Arc::<AtomicBool>::default();
        let own = stopped.clone();
        let thread = std::thread::Builder::new()
            .name("sqlite-sync".into())
            .spawn(move || serve(&committed, &shared, &own, sync))
            .map_err(|error| DbError::Unreachable(Box::new(error)))?;
        Ok((Self { queue, stopped }, thread))
    }

    /// Tells whether a sync has failed: what the disk holds is unknown until a restart reads it back.
    pub(super) fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Hands over a commit; its members are answered after the next sync that begins.
    pub(super) fn take(&self, committed: Committed) {
        // The thread ends only when this handle is dropped; a panic there drops the answers, which callers see.
        self.queue.send(committed).ok();
    }
}

/// Syncs the log beside the database file. SQLite makes it with the first commit, which comes before the first sync.
pub(super) fn log_of(path: &Path) -> Sync {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    let mut opened = None;
    Box::new(move || {
        let log = match opened.take() {
            Some(log) => log,
            None => File::open(&name)?,
        };
        log.sync_data()?;
        opened = Some(log);
        Ok(())
    })
}

fn serve(committed: &Receiver<Committed>, shared: &Shared, stopped: &AtomicBool, mut sync: Sync) {
    while let Ok(first) = committed.recv() {
        let mut together = vec![first];
        together.extend(committed.try_iter());
        if !stopped.load(Ordering::Relaxed)
            && let Err(error) = sync()
        {
            tracing::error!(%error, "a sync failed: writes stop until a restart");
            stopped.store(true, Ordering::Release);
        }
        let failed = stopped.load(Ordering::Relaxed);
        for Committed { members, writes } in together {
            if !failed && writes > 0 {
                shared.stats.committed(writes);
            }
            for member in members {
                member.answer(if failed { Err(DbError::WritesStopped) } else { Ok(()) }, shared);
            }
        }
    }
}
