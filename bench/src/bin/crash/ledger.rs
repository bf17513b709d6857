//! What the server acknowledged, and what it was asked for without an answer.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Whether the server answered, and in which round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Promise {
    pub acknowledged: bool,
    pub round: u32,
}

/// Everything that was ever asked for.
#[derive(Default)]
pub(crate) struct Ledger {
    /// Requests written whose answer has not come.
    pub in_flight: AtomicUsize,
    next: AtomicU64,
    round: AtomicU64,
    rows: Mutex<BTreeMap<u64, Promise>>,
    sign_ups: Mutex<BTreeMap<String, Promise>>,
}

impl Ledger {
    /// Returns a number that was never given out.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Writes down that a row is about to be asked for, or that it was acknowledged.
    pub(crate) fn row(&self, number: u64, acknowledged: bool) {
        locked(&self.rows).insert(number, Promise { acknowledged, round: self.round() });
    }

    /// Writes down that a sign-up is about to be asked for, or that it was acknowledged.
    pub(crate) fn sign_up(&self, email: &str, acknowledged: bool) {
        locked(&self.sign_ups).insert(email.to_owned(), Promise { acknowledged, round: self.round() });
    }

    /// Returns all rows.
    pub(crate) fn rows(&self) -> BTreeMap<u64, Promise> {
        locked(&self.rows).clone()
    }

    /// Returns all sign-ups.
    pub(crate) fn sign_ups(&self) -> BTreeMap<String, Promise> {
        locked(&self.sign_ups).clone()
    }

    /// Returns the number of the round.
    pub(crate) fn round(&self) -> u32 {
        u32::try_from(self.round.load(Ordering::Relaxed)).unwrap_or(u32::MAX)
    }

    /// Starts the next round.
    pub(crate) fn end_round(&self) {
        self.round.fetch_add(1, Ordering::Relaxed);
    }

    /// Describes the round that runs.
    pub(crate) fn last_round(&self) -> String {
        let round = self.round();
        self.described(|promise| promise.round == round)
    }

    /// Describes all rounds.
    pub(crate) fn total(&self) -> String {
        self.described(|_| true)
    }

    fn described(&self, which: impl Fn(&Promise) -> bool) -> String {
        let kept = |promise: &&Promise| promise.acknowledged && which(promise);
        let rows = locked(&self.rows).values().filter(kept).count();
        let sign_ups = locked(&self.sign_ups).values().filter(kept).count();
        format!("{rows} rows and {sign_ups} sign-ups acknowledged")
    }
}

/// A panic elsewhere ends the program anyway; what it left here is still true.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
