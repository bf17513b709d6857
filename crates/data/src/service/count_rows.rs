//! Counting rows against the plan of whoever writes them, in the transaction that writes them.

use std::sync::Arc;

use quoin_db::Tx;
use quoin_kernel::billing::Subject;
use quoin_kernel::{OrgId, Timestamp, UserId};
use quoin_policy::model::requester::Requester;
use quoin_policy::session;
use quoin_web::App;
use quoin_web::entitlements::{Entitlements, ROWS, Wish};

use crate::error::DataError;

/// Who is counted, and who knows how many rows they may have.
#[derive(Clone)]
pub(super) struct RowCount {
    plan: Arc<dyn Entitlements>,
    subject: Subject,
    now: Timestamp,
}

impl RowCount {
    /// Looks who is counted for a request; `None` where no plan limits rows, and for the platform's own key.
    pub(super) fn of(app: &App, requester: &Requester) -> Option<Self> {
        let plan = app.entitlements().filter(|plan| plan.is_limited(ROWS))?;
        let subject = match (requester.org_id, requester.user_id) {
            (Some(org_id), _) => Subject::Org(OrgId::from_uuid(org_id)),
            (None, Some(user_id)) => Subject::User(UserId::from_uuid(user_id)),
            (None, None) => return None,
        };
        Some(Self { plan, subject, now: requester.now })
    }

    /// Counts rows that are about to be written, before the transaction takes the requester's role.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    pub(super) fn take(&self, tx: &mut Tx<'_>, rows: u64) -> Result<(), DataError> {
        Ok(self.plan.take(tx, &self.wish(rows))?)
    }

    /// Counts rows that turned out to be new, and takes the transaction out of the requester's role for it.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    pub(super) fn take_after(&self, tx: &mut Tx<'_>, rows: u64) -> Result<(), DataError> {
        if rows == 0 {
            return Ok(());
        }
        session::end(tx)?;
        self.take(tx, rows)
    }

    /// Counts rows that are gone, and takes the transaction out of the requester's role for it.
    pub(super) fn give_back(&self, tx: &mut Tx<'_>, rows: u64) -> Result<(), DataError> {
        if rows == 0 {
            return Ok(());
        }
        session::end(tx)?;
        Ok(self.plan.give_back(tx, &self.wish(rows))?)
    }

    fn wish(&self, rows: u64) -> Wish<'static> {
        let amount = i64::try_from(rows).unwrap_or(i64::MAX);
        Wish { subject: self.subject, meter: ROWS, amount, now: self.now }
    }
}
