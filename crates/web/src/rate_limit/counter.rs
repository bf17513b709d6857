//! Counts of failures, or of mails, per account: kept in the database, each committing by itself.
//!
//! A count never joins the transaction of what it counts: a failure rolls that one back, and the count must stay.

use std::time::Duration;

use quoin_db::{Db, DbError};
use quoin_kernel::hash::sha256;
use quoin_kernel::{Problem, Timestamp};

use super::ip::too_many;
use super::store;

/// Counts what one subject (an account, an address) does within a window of time.
#[derive(Debug, Clone, Copy)]
pub struct Counter {
    /// What is counted, for example `identity.password.failed`.
    pub name: &'static str,
    /// How often it may happen within the window.
    pub limit: u32,
    /// How long the window lasts from the first count.
    pub window: Duration,
}

impl Counter {
    /// Declares a counter.
    pub const fn new(name: &'static str, limit: u32, window: Duration) -> Self {
        Self { name, limit, window }
    }

    /// Refuses a subject that has reached the limit, without counting.
    ///
    /// # Errors
    /// 429 `over_request_rate_limit` with `Retry-After`; the database's own problems.
    pub async fn check(&self, db: &Db, subject: &str, now: Timestamp) -> Result<(), Problem> {
        let (name, subject, since) = (self.name, subject_hash(subject), now - self.window);
        let found = db
            .read::<_, DbError, _>("web.counter.check", move |tx| store::find(tx, name, &subject, since))
            .await?;
        match found {
            Some((count, started)) if count >= i64::from(self.limit) => Err(self.refusal(started, now)),
            _ => Ok(()),
        }
    }

    /// Counts one more, whether or not the limit is reached, and returns the count.
    ///
    /// # Errors
    /// The database's own problems.
    pub async fn add(&self, db: &Db, subject: &str, now: Timestamp) -> Result<i64, Problem> {
        Ok(self.count(db, subject, now).await?.0)
    }

    /// Counts first and refuses beyond the limit: as many as the limit get through, however many try at once.
    ///
    /// # Errors
    /// 429 `over_request_rate_limit` with `Retry-After`; the database's own problems.
    pub async fn spend(&self, db: &Db, subject: &str, now: Timestamp) -> Result<(), Problem> {
        let (count, started) = self.count(db, subject, now).await?;
        if count > i64::from(self.limit) { Err(self.refusal(started, now)) } else { Ok(()) }
    }

    /// Takes back one that was spent and has turned out not to count.
    ///
    /// # Errors
    /// The database's own problems.
    pub async fn give_back(&self, db: &Db, subject: &str, now: Timestamp) -> Result<(), Problem> {
        let (name, subject) = (self.name, subject_hash(subject));
        db.write_read_committed::<_, DbError, _>("web.counter.give_back", move |tx| {
            store::uncount(tx, name, &subject, now)
        })
        .await?;
        Ok(())
    }

    /// Forgets a subject's count, after a success.
    ///
    /// # Errors
    /// The database's own problems.
    pub async fn clear(&self, db: &Db, subject: &str) -> Result<(), Problem> {
        let (name, subject) = (self.name, subject_hash(subject));
        db.write::<_, DbError, _>("web.counter.clear", move |tx| store::delete(tx, name, &subject)).await?;
        Ok(())
    }

    async fn count(&self, db: &Db, subject: &str, now: Timestamp) -> Result<(i64, Timestamp), Problem> {
        let (name, subject, window) = (self.name, subject_hash(subject), self.window);
        // One statement that reads and writes its one row under that row's lock needs no more than READ COMMITTED: whoever
        // waits for the row counts on from what the other committed. SERIALIZABLE would only make all but one of the people
        // behind one address begin again.
        let counted = db.write_read_committed::<_, DbError, _>("web.counter.add", move |tx| {
            store::count(tx, &store::Count { name, subject: &subject, now, window })
        });
        Ok(counted.await?)
    }

    fn refusal(&self, started: Timestamp, now: Timestamp) -> Problem {
        too_many((started + self.window).since(now))
    }
}

/// Subjects are stored as hashes: the table says nothing about who exists.
fn subject_hash(subject: &str) -> [u8; 32] {
    sha256(subject.as_bytes())
}
