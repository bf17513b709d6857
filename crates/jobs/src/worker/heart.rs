//! Signs of life among workers that share a database, so that what a killed process was running is run again in
//! seconds, and not when its lease ends.
//!
//! No clocks of different machines are compared: a worker counts, and the others watch with their own clock whether
//! the count moves. Whoever cannot count any more stops its tries well before the others give it up.

use std::collections::HashMap;
use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_kernel::Timestamp;
use tokio::time::Instant;

use crate::model::WorkerId;
use crate::store::workers_global;

/// How often signs are given, and what their absence means. Each is much longer than the one before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// From one sign to the next.
    pub(crate) beat: Duration,
    /// Without a sign for this long, a worker stops its own tries.
    pub(crate) yields: Duration,
    /// Without a sign for this long, the others give a worker up.
    pub(crate) gone: Duration,
}

impl Default for Rhythm {
    fn default() -> Self {
        Self { beat: Duration::from_secs(1), yields: Duration::from_secs(6), gone: Duration::from_secs(10) }
    }
}

/// How often a count must have been found standing still, so that a worker which was itself asleep gives nobody up.
const LOOKS: u32 = 5;

/// One worker's own sign of life, and what it knows of the others.
#[derive(Debug)]
pub(super) struct Heart {
    worker: WorkerId,
    rhythm: Rhythm,
    last: Option<Instant>,
    others: HashMap<WorkerId, Seen>,
}

/// What is known of another worker.
#[derive(Debug, Clone, Copy)]
struct Seen {
    beat: i64,
    since: Instant,
    looks: u32,
}

/// A sign of life that is due: the part of a turn that gives it.
#[derive(Debug, Clone)]
pub(super) struct Sign {
    worker: WorkerId,
    /// Workers whose last sign is too old, with that sign.
    silent: Vec<(WorkerId, i64)>,
    at: Instant,
}

/// What giving a sign has shown.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The others believed this worker alive. If not, its tries may have been given to them.
    pub(super) was_known: bool,
    others: Vec<(WorkerId, i64)>,
    at: Instant,
}

impl Heart {
    pub(super) fn new(worker: WorkerId) -> Self {
        Self { worker, rhythm: Rhythm::default(), last: None, others: HashMap::new() }
    }

    #[cfg(test)]
    pub(super) fn with_rhythm(mut self, rhythm: Rhythm) -> Self {
        self.rhythm = rhythm;
        self
    }

    /// Returns the sign to give now, if one is due.
    pub(super) fn due(&self, now: Instant) -> Option<Sign> {
        if self.last.is_some_and(|last| now.duration_since(last) < self.rhythm.beat) {
            return None;
        }
        let too_old = |seen: &Seen| seen.looks >= LOOKS && now.duration_since(seen.since) >= self.rhythm.gone;
        let silent = self.others.iter().filter(|(_, seen)| too_old(seen));
        let silent = silent.map(|(worker, seen)| (*worker, seen.beat)).collect();
        Some(Sign { worker: self.worker, silent, at: now })
    }

    /// Remembers a sign that was given, and how the others stood then.
    pub(super) fn learn(&mut self, pulse: Pulse) {
        self.last = Some(pulse.at);
        let before = std::mem::take(&mut self.others);
        let others = pulse.others.into_iter().filter(|(worker, _)| *worker != self.worker);
        self.others = others
            .map(|(worker, beat)| {
                let seen = match before.get(&worker) {
                    Some(seen) if seen.beat == beat => Seen { looks: seen.looks + 1, ..*seen },
                    _ => Seen { beat, since: pulse.at, looks: 1 },
                };
                (worker, seen)
            })
            .collect();
    }

    /// Returns when this worker must stop its tries, unless it can give a sign of life before.
    pub(super) fn yields_at(&self) -> Option<Instant> {
        self.last.map(|last| last + self.rhythm.yields)
    }

    /// Returns how long a worker may do nothing at most.
    pub(super) fn beat_every(&self) -> Duration {
        self.rhythm.beat
    }

    pub(super) fn worker(&self) -> WorkerId {
        self.worker
    }
}

impl Sign {
    /// Gives the sign, gives up workers whose own has not come, and ends the leases of all who are not on the list.
    pub(super) fn give(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Pulse, DbError> {
        let was_known = workers_global::beat(tx, self.worker)?;
        for (worker, beat) in &self.silent {
            if workers_global::delete_silent(tx, *worker, *beat)? {
                tracing::warn!(%worker, "a worker gives no sign of life; its jobs are taken over");
            }
        }
        workers_global::end_orphaned_leases(tx, now)?;
        Ok(Pulse { was_known, others: workers_global::list(tx)?, at: self.at })
    }
}

#[cfg(test)]
mod tests;
