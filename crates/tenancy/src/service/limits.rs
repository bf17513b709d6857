//! What a plan allows of members and organisations, asked in the transaction that would add one.

use std::sync::Arc;

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{OrgId, Timestamp, UserId};
use quoin_web::App;
use quoin_web::entitlements::{Entitlements, ORGANIZATIONS, SEATS, Wish};

use crate::error::TenancyError;
use crate::store::{invitations, memberships};

/// Asks whoever knows what plans allow; without anybody who does, nothing is limited.
#[derive(Clone, Default)]
pub struct Limits(Option<Arc<dyn Entitlements>>);

impl Limits {
    /// Takes whoever knows from the app.
    pub fn of(app: &App) -> Self {
        Self(app.entitlements())
    }

    /// Makes sure of a seat for somebody who joins now.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    pub(super) fn take_seat(
        &self,
        tx: &mut Tx<'_>,
        org_id: OrgId,
        now: Timestamp,
    ) -> Result<(), TenancyError> {
        let Some(plan) = self.on(SEATS) else { return Ok(()) };
        Ok(plan.take(tx, &seats(org_id, 1, now))?)
    }

    /// Makes sure of a seat for somebody who is about to be invited, beside those who are invited already.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    pub(super) fn foresee_seat(
        &self,
        tx: &mut Tx<'_>,
        org_id: OrgId,
        now: Timestamp,
    ) -> Result<(), TenancyError> {
        let Some(plan) = self.on(SEATS) else { return Ok(()) };
        let invited = invitations::count_open(tx, org_id, now)?;
        Ok(plan.take(tx, &seats(org_id, invited.saturating_add(1), now))?)
    }

    /// Lets the seats that are paid for follow a member who has gone.
    pub(super) fn leave_seat(&self, tx: &mut Tx<'_>, org_id: OrgId, now: Timestamp) -> Result<(), DbError> {
        let Some(plan) = self.on(SEATS) else { return Ok(()) };
        plan.give_back(tx, &seats(org_id, 0, now))
    }

    /// Makes sure that somebody may own one more organisation, by the plan of the subject for which they act.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    pub(super) fn take_organization(
        &self,
        tx: &mut Tx<'_>,
        (subject, owner): (Subject, UserId),
        now: Timestamp,
    ) -> Result<(), TenancyError> {
        let Some(plan) = self.on(ORGANIZATIONS) else { return Ok(()) };
        let used = memberships::count_owned(tx, owner)?;
        Ok(plan.check(tx, &Wish { subject, meter: ORGANIZATIONS, amount: 1, now }, used)?)
    }

    /// Returns whoever knows, where any plan limits this.
    fn on(&self, meter: &str) -> Option<&Arc<dyn Entitlements>> {
        self.0.as_ref().filter(|plan| plan.is_limited(meter))
    }
}

fn seats(org_id: OrgId, amount: i64, now: Timestamp) -> Wish<'static> {
    Wish { subject: Subject::Org(org_id), meter: SEATS, amount, now }
}
