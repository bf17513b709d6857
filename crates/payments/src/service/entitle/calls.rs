//! Calls of the API counted against a plan, without a write to the database for each.
//!
//! A node takes a block of calls at a time out of the row that holds limit and use, so that what all nodes together let
//! through never passes the limit: a call that no block covers is refused. Blocks shrink as the limit comes near. What is
//! left of one is given back before the next is taken, when it has lain for a while, and when the process ends; a crash
//! loses what was left, a block at most, and never the other way round.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use quoin_db::{DbError, Engine, Tx};
use quoin_kernel::billing::{LimitReached, Subject};
use quoin_kernel::port::{BoxFuture, CallMeter};
use quoin_kernel::{Problem, Timestamp};
use quoin_web::entitlements::{API_CALLS, Denied, Entitlements as _, Wish};

use super::Entitled;
use crate::model::use_of::next_reset;
use crate::store::entitlements::{self, Granted};

/// The largest block.
const MOST: i64 = 200;
/// The share of what is left that one block takes.
const SHARE: i64 = 10;
/// How long a node believes its block on PostgreSQL, where other nodes may change a plan.
const BELIEVED: Duration = Duration::from_secs(1);
/// How long a block may lie unused.
const IDLE: Duration = Duration::from_mins(1);
/// Calls of whoever is not limited, until a plan changes.
const UNCOUNTED: i64 = i64::MAX / 2;

/// The blocks of this node.
#[derive(Default)]
pub(super) struct Blocks(RwLock<HashMap<Subject, Arc<Block>>>);

/// What this node may let through for one subject.
#[derive(Default)]
struct Block {
    left: AtomicI64,
    /// Until when it is believed, microseconds.
    until: AtomicI64,
    /// The version of the topic of limits that it was taken under.
    version: AtomicU64,
    last_used: AtomicI64,
    known: Mutex<Known>,
    /// One at a time asks for more.
    gate: tokio::sync::Mutex<()>,
}

/// What was learnt with a block.
#[derive(Debug, Clone, Default)]
struct Known {
    /// Whether calls are counted at all.
    counted: bool,
    /// When the row that it came from begins anew.
    resets_at: Option<Timestamp>,
    /// Why there is nothing left.
    reached: Option<LimitReached>,
}

/// What a node asked for, and got.
struct Taken {
    amount: i64,
    known: Known,
}

impl Blocks {
    fn find(&self, subject: Subject) -> Option<Arc<Block>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).get(&subject).cloned()
    }

    /// Returns how many calls are held in reserve for a subject.
    pub(super) fn held(&self, subject: Subject) -> i64 {
        let block = self.find(subject).filter(|block| block.known().counted);
        block.map_or(0, |block| block.left.load(Ordering::Acquire).max(0))
    }

    fn find_or_insert(&self, subject: Subject) -> Arc<Block> {
        let mut blocks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        blocks.entry(subject).or_default().clone()
    }

    /// Tells whether a block is still the subject's; whoever waited at its gate may find that it was removed meanwhile.
    fn holds(&self, subject: Subject, block: &Arc<Block>) -> bool {
        self.find(subject).is_some_and(|found| Arc::ptr_eq(&found, block))
    }

    /// Removes a block; to be called within its gate.
    fn remove(&self, subject: Subject, block: &Arc<Block>) {
        let mut blocks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if blocks.get(&subject).is_some_and(|found| Arc::ptr_eq(found, block)) {
            blocks.remove(&subject);
        }
    }
}

impl Block {
    /// Takes one call; `None` where the block is not believed any more, or empty without a reason that still holds.
    fn count(&self, version: u64, now: Timestamp) -> Option<Result<(), LimitReached>> {
        let believed = self.version.load(Ordering::Acquire) == version
            && now.as_micros() < self.until.load(Ordering::Acquire);
        if !believed {
            return None;
        }
        self.last_used.store(now.as_micros(), Ordering::Relaxed);
        let one_less = |left: i64| (left > 0).then(|| left - 1);
        if self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less).is_ok() {
            return Some(Ok(()));
        }
        self.known().reached.map(Err)
    }

    fn known(&self) -> Known {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Empties it and says what is to be given back, and to which period.
    fn empty(&self) -> (i64, Option<Timestamp>) {
        let (left, known) = (self.left.swap(0, Ordering::AcqRel), self.known());
        (if known.counted { left } else { 0 }, known.resets_at)
    }

    /// Puts back what was emptied out of it, where the database did not take it.
    fn put_back(&self, (amount, _): (i64, Option<Timestamp>)) {
        self.left.fetch_add(amount, Ordering::AcqRel);
    }

    fn fill(&self, taken: &Taken, version: u64, until: Timestamp) {
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = taken.known.clone();
        self.left.store(taken.amount, Ordering::Release);
        self.version.store(version, Ordering::Release);
        self.until.store(until.as_micros(), Ordering::Release);
    }
}

impl CallMeter for Entitled {
    fn is_limited(&self) -> bool {
        self.counts_calls()
    }

    fn count(&self, subject: Subject, now: Timestamp) -> Option<Result<(), LimitReached>> {
        self.blocks().find(subject)?.count(self.limits_version(), now)
    }

    fn reserve(&self, subject: Subject, now: Timestamp) -> BoxFuture<'_, Result<(), Problem>> {
        Box::pin(async move { self.count_anew(subject, now).await.map_err(Problem::from) })
    }
}

impl Entitled {
    /// Gives back what is left, takes the next block, and counts one call out of it.
    async fn count_anew(&self, subject: Subject, now: Timestamp) -> Result<(), Denied> {
        loop {
            let block = self.blocks().find_or_insert(subject);
            let _one_at_a_time = block.gate.lock().await;
            // A block that nobody finds any more would be filled for nobody.
            if self.blocks().holds(subject, &block) {
                return self.count_within(&block, subject, now).await;
            }
        }
    }

    /// Does so within the gate of the subject's block.
    async fn count_within(&self, block: &Block, subject: Subject, now: Timestamp) -> Result<(), Denied> {
        if let Some(counted) = block.count(self.limits_version(), now) {
            return Ok(counted?);
        }
        // Read before the row: a change that comes in between is seen with the next call.
        let version = self.limits_version();
        let (room, back) = (self.clone(), block.empty());
        let taken = self.db().write("payments.calls.reserve", move |tx| {
            give_back(tx, subject, back, now)?;
            room.take_block(tx, subject, now)
        });
        let mut taken = match taken.await {
            Ok(taken) => taken,
            Err(error) => {
                if is_undone(&error) {
                    block.put_back(back);
                }
                return Err(error.into());
            }
        };
        let reached = taken.known.reached.clone();
        if reached.is_none() {
            taken.amount -= 1;
        }
        let until = match (self.db().engine(), taken.known.resets_at) {
            (Engine::Postgres, resets_at) => resets_at.map_or(now + BELIEVED, |at| at.min(now + BELIEVED)),
            (_, Some(at)) => at,
            (_, None) => Timestamp::from_micros(i64::MAX),
        };
        block.last_used.store(now.as_micros(), Ordering::Relaxed);
        block.fill(&taken, version, until);
        reached.map_or(Ok(()), |reached| Err(reached.into()))
    }

    /// Takes a block out of the subject's row.
    fn take_block(&self, tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<Taken, DbError> {
        let uncounted = Taken { amount: UNCOUNTED, known: Known::default() };
        let Some(mut row) = self.row(tx, subject, API_CALLS, now)? else { return Ok(uncounted) };
        if let (Some(per), Some(resets_at)) = (row.per, row.resets_at)
            && resets_at <= now
        {
            entitlements::reset(tx, subject, API_CALLS, (next_reset(per, now), now))?;
            row = self.row(tx, subject, API_CALLS, now)?.unwrap_or(row);
        }
        if row.mode == "flag" {
            return Ok(uncounted);
        }
        let amount = block_of(&row);
        let known = Known { counted: true, resets_at: row.resets_at, reached: None };
        match self.take(tx, &Wish { subject, meter: API_CALLS, amount, now }) {
            Ok(()) => Ok(Taken { amount, known }),
            Err(Denied::Limit(reached)) => {
                Ok(Taken { amount: 0, known: Known { reached: Some(reached), ..known } })
            }
            Err(Denied::Db(error)) => Err(error),
        }
    }

    /// Gives back what has lain unused for a while.
    pub(super) async fn give_back_idle_calls(&self, now: Timestamp) -> Result<(), DbError> {
        let before = (now - IDLE).as_micros();
        self.give_back_calls(now, |block| block.last_used.load(Ordering::Relaxed) <= before).await
    }

    /// Gives back everything, before the process ends.
    pub async fn give_back_all_calls(&self, now: Timestamp) -> Result<(), DbError> {
        self.give_back_calls(now, |_| true).await
    }

    async fn give_back_calls(&self, now: Timestamp, which: impl Fn(&Block) -> bool) -> Result<(), DbError> {
        let all: Vec<(Subject, Arc<Block>)> = {
            let blocks = self.blocks().0.read().unwrap_or_else(PoisonError::into_inner);
            blocks.iter().map(|(subject, block)| (*subject, block.clone())).collect()
        };
        let mut failed = Ok(());
        for (subject, block) in all.into_iter().filter(|(_, block)| which(block)) {
            let _one_at_a_time = block.gate.lock().await;
            block.until.store(0, Ordering::Release);
            let back = block.empty();
            if back.0 > 0 {
                let give = move |tx: &mut Tx<'_>| give_back(tx, subject, back, now);
                if let Err(error) = self.db().write("payments.calls.give_back", give).await {
                    if is_undone(&error) {
                        block.put_back(back);
                    }
                    failed = Err(error);
                    continue;
                }
            }
            self.blocks().remove(subject, &block);
        }
        failed
    }
}

/// Tells whether a failed write has surely written nothing. Where that is unknown, as on a dead line, calls are rather lost
/// than let through twice.
const fn is_undone(error: &DbError) -> bool {
    !matches!(error, DbError::Unreachable(_) | DbError::WritesStopped)
}

/// Gives calls back to the period that they were taken from; where that is over they are worth nothing.
fn give_back(
    tx: &mut Tx<'_>,
    subject: Subject,
    (amount, resets_at): (i64, Option<Timestamp>),
    now: Timestamp,
) -> Result<(), DbError> {
    if amount <= 0 || resets_at.is_some_and(|at| at <= now) {
        return Ok(());
    }
    match entitlements::find(tx, subject, API_CALLS)? {
        Some(row) if row.resets_at == resets_at => entitlements::give_back(tx, subject, API_CALLS, amount),
        _ => Ok(()),
    }
}

/// Says how large the next block is: a share of what is left, so that near the limit no node holds much of it.
fn block_of(row: &Granted) -> i64 {
    match row.allowed {
        Some(allowed) if row.mode == "hard" || row.mode == "grace" => {
            ((allowed - row.used) / SHARE).clamp(1, MOST)
        }
        _ => MOST,
    }
}
