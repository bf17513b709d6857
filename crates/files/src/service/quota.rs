//! Counting what is kept, in the transaction that changes it.

use std::sync::Arc;

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::Subject;
use quoin_kernel::{Timestamp, UserId};
use quoin_web::entitlements::{Entitlements, STORAGE_BYTES, Wish};

use crate::Files;
use crate::error::{FilesError, OverQuota};
use crate::model::usage::{Change, signed};
use crate::model::{Limits, Object, Owner};
use crate::store::usage;

/// The configuration's limits for those who have none of their own, and whoever knows those of plans.
#[derive(Clone)]
pub(crate) struct Defaults {
    organization: Limits,
    person: Limits,
    plan: Option<Arc<dyn Entitlements>>,
}

/// Who is to be counted: the owner, and the person who stored it, who may be the owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counted {
    owner: Owner,
    person: Option<UserId>,
}

impl Defaults {
    pub(crate) fn of(files: &Files) -> Self {
        let plan = files.app().entitlements().filter(|plan| plan.is_limited(STORAGE_BYTES));
        Self { organization: files.config().org_limits(), person: files.config().person_limits(), plan }
    }

    /// Returns what a subject may keep that has no limits of its own.
    pub(crate) fn limits(&self, subject: Owner) -> Limits {
        match subject {
            Owner::Organization(_) => self.organization,
            Owner::Person(_) => self.person,
            Owner::Platform => Limits::default(),
        }
    }
}

impl Defaults {
    /// Demands that the owner's plan allows what has just been counted or reserved.
    ///
    /// # Errors
    /// 402 `limit_reached`.
    fn demand(
        &self,
        tx: &mut Tx<'_>,
        (counted, subject): (Counted, Owner),
        change: Change,
        now: Timestamp,
    ) -> Result<(), FilesError> {
        let billed = match subject {
            _ if subject != counted.owner => return Ok(()),
            Owner::Organization(id) => Subject::Org(id),
            Owner::Person(id) => Subject::User(id),
            Owner::Platform => return Ok(()),
        };
        let Some(plan) = &self.plan else { return Ok(()) };
        let taken = signed(usage::find(tx, subject)?.unwrap_or_default().taken_bytes());
        let wish = Wish { subject: billed, meter: STORAGE_BYTES, amount: change.bytes, now };
        Ok(plan.check(tx, &wish, taken.saturating_sub(change.bytes))?)
    }
}

impl Counted {
    pub(crate) fn new(owner: Owner, person: Option<UserId>) -> Self {
        Self { owner, person }
    }

    pub(crate) fn of(object: &Object) -> Self {
        Self::new(object.owner, object.created_by)
    }

    /// The owner first: every transaction takes the two in the same order.
    fn subjects(self) -> impl Iterator<Item = Owner> {
        let person = self.person.map(Owner::Person).filter(|person| *person != self.owner);
        [Some(self.owner), person].into_iter().flatten()
    }
}

/// Adds one object's change to everybody who is counted for it.
///
/// # Errors
/// [`FilesError::OverQuota`] where it would exceed a limit.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    counted: Counted,
    change: Change,
    defaults: &Defaults,
    now: Timestamp,
) -> Result<(), FilesError> {
    for subject in counted.subjects() {
        let limits = defaults.limits(subject);
        if usage::change(tx, subject, change, limits, now)? {
            defaults.demand(tx, (counted, subject), change, now)?;
            continue;
        }
        // Nothing was changed: there are no counters yet, or no room.
        if usage::find(tx, subject)?.is_none() {
            usage::begin(tx, subject, now)?;
            if usage::change(tx, subject, change, limits, now)? {
                defaults.demand(tx, (counted, subject), change, now)?;
                continue;
            }
        }
        return Err(refusal(tx, subject, change, limits)?);
    }
    Ok(())
}

/// Keeps room for an announced upload, for everybody who will be counted for it.
///
/// # Errors
/// [`FilesError::OverQuota`] where there is none.
pub(crate) fn reserve(
    tx: &mut Tx<'_>,
    counted: Counted,
    size_bytes: u64,
    defaults: &Defaults,
    now: Timestamp,
) -> Result<(), FilesError> {
    for subject in counted.subjects() {
        let limits = defaults.limits(subject);
        usage::begin(tx, subject, now)?;
        if !usage::reserve(tx, subject, size_bytes, limits.max_bytes, now)? {
            let change = Change { bytes: signed(size_bytes), objects: 0 };
            return Err(refusal(tx, subject, change, limits)?);
        }
        defaults.demand(tx, (counted, subject), Change { bytes: signed(size_bytes), objects: 0 }, now)?;
    }
    Ok(())
}

/// Gives back the room of an upload that has come to its end, one way or the other.
pub(crate) fn release(
    tx: &mut Tx<'_>,
    counted: Counted,
    size_bytes: u64,
    now: Timestamp,
) -> Result<(), DbError> {
    counted.subjects().try_for_each(|subject| usage::release(tx, subject, size_bytes, now))
}

/// Counts an object in place of another one.
pub(crate) fn exchange(
    tx: &mut Tx<'_>,
    (old, new): (&Object, &Object),
    defaults: &Defaults,
    now: Timestamp,
) -> Result<(), FilesError> {
    let (minus, plus) = (Change::minus(old.version.size_bytes), Change::plus(new.version.size_bytes));
    if Counted::of(old) == Counted::of(new) {
        return count(tx, Counted::of(new), minus + plus, defaults, now);
    }
    count(tx, Counted::of(old), minus, defaults, now)?;
    count(tx, Counted::of(new), plus, defaults, now)
}

/// Looks whether a change would fit now, before anything is sent; what counts is [`count`]. Of what is reserved,
/// `own_bytes` are for this very change.
pub(crate) fn foresee(
    tx: &mut Tx<'_>,
    counted: Counted,
    (change, own_bytes): (Change, u64),
    defaults: &Defaults,
) -> Result<(), FilesError> {
    for subject in counted.subjects() {
        let limits = defaults.limits(subject);
        let usage = usage::find(tx, subject)?.unwrap_or_default();
        let limits_now = usage.own_limits.or(limits);
        let exceeds = |used: u64, added: i64, limit: Option<u64>| {
            added > 0 && limit.is_some_and(|limit| used.saturating_add_signed(added) > limit)
        };
        let taken = usage.taken_bytes().saturating_sub(own_bytes);
        if exceeds(taken, change.bytes, limits_now.max_bytes)
            || exceeds(usage.objects, change.objects, limits_now.max_objects)
        {
            return Err(refusal(tx, subject, change, limits)?);
        }
    }
    Ok(())
}

/// Says which limit is in the way.
fn refusal(tx: &mut Tx<'_>, subject: Owner, change: Change, defaults: Limits) -> Result<FilesError, DbError> {
    let usage = usage::find(tx, subject)?.unwrap_or_default();
    let limits = usage.own_limits.or(defaults);
    let objects_are =
        limits.max_objects.filter(|max| usage.objects.saturating_add_signed(change.objects) > *max);
    let (what, limit, used, wanted) = match objects_are {
        Some(limit) if change.objects > 0 => ("objects", limit, usage.objects, change.objects),
        _ => ("bytes", limits.max_bytes.unwrap_or(u64::MAX), usage.taken_bytes(), change.bytes),
    };
    let wanted = u64::try_from(wanted).unwrap_or(0);
    Ok(FilesError::OverQuota(Box::new(OverQuota { subject: subject.kind(), what, limit, used, wanted })))
}
