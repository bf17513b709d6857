//! How far comparisons with the providers have come.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::Timestamp;

statements! {
    /// Takes the lease, where nobody holds it; the row begins with the first comparison.
    CLAIM = "insert into quoin.payments_reconciliations as r (reach, checked, repaired, started_at, updated_at, lease_until)
        values (?1, 0, 0, ?2, ?2, ?3)
        on conflict (reach) do update set lease_until = excluded.lease_until
        where r.lease_until is null or r.lease_until <= ?2
        returning step, place, checked, repaired, started_at";

    /// Writes down how far it has come, for as long as the lease is the one that was taken: no two leases end at one moment.
    KEEP = "update quoin.payments_reconciliations set step = ?2, place = ?3, checked = ?4, repaired = ?5, started_at = ?6,
        updated_at = ?7, lease_until = ?8 where reach = ?1 and lease_until = ?9";

    /// Gives every lease back.
    RELEASE_ALL = "update quoin.payments_reconciliations set lease_until = null where lease_until is not null";
}

/// How far a comparison has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// What is compared next; `None` where it begins.
    pub(crate) step: Option<String>,
    /// After which object of that.
    pub(crate) place: Option<String>,
    /// How many objects it has compared so far.
    pub(crate) checked: i64,
    /// How many of them it has repaired.
    pub(crate) repaired: i64,
    /// When it began.
    pub(crate) started_at: Timestamp,
}

impl Progress {
    /// Begins.
    pub(crate) const fn begin(now: Timestamp) -> Self {
        Self { step: None, place: None, checked: 0, repaired: 0, started_at: now }
    }

    /// Adds what one piece has found.
    pub(crate) fn counting(&self, checked: u64, repaired: usize) -> Self {
        let added = |sum: i64, more: Option<i64>| sum.saturating_add(more.unwrap_or(i64::MAX));
        Self {
            checked: added(self.checked, i64::try_from(checked).ok()),
            repaired: added(self.repaired, i64::try_from(repaired).ok()),
            ..self.clone()
        }
    }

    /// Says that the next comparison begins anew.
    pub(crate) fn ended(self) -> Self {
        Self { step: None, place: None, ..self }
    }
}

/// Takes the lease and says where to go on; `None` while somebody else compares.
pub(crate) fn claim(
    tx: &mut Tx<'_>,
    reach: &str,
    (now, until): (Timestamp, Timestamp),
) -> Result<Option<Progress>, DbError> {
    let found = tx.query_opt(&CLAIM, &params![reach, now, until], |row| {
        Ok(Progress {
            step: row.get(0)?,
            place: row.get(1)?,
            checked: row.get(2)?,
            repaired: row.get(3)?,
            started_at: row.get(4)?,
        })
    })?;
    Ok(found.map(|found| if found.step.is_some() { found } else { Progress::begin(now) }))
}

/// Writes down how far it has come, and until when it goes on; `false` where the lease that was held is somebody else's.
pub(crate) fn keep(
    tx: &mut Tx<'_>,
    reach: &str,
    progress: &Progress,
    held: Timestamp,
    (now, lease_until): (Timestamp, Option<Timestamp>),
) -> Result<bool, DbError> {
    let row = params![
        reach,
        progress.step.as_deref(),
        progress.place.as_deref(),
        progress.checked,
        progress.repaired,
        progress.started_at,
        now,
        lease_until,
        held
    ];
    Ok(tx.execute(&KEEP, &row)? == 1)
}

/// Gives back what a process that is no more was comparing.
pub(crate) fn release_all(tx: &mut Tx<'_>) -> Result<u64, DbError> {
    tx.execute(&RELEASE_ALL, &[])
}
