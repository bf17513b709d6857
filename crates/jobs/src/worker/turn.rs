//! One turn of the queue: what happens inside its transaction.

use std::sync::Arc;

use quoin_db::{DbError, Tx};
use quoin_kernel::{Rng, Timestamp};
use serde_json::json;

use super::heart::{Pulse, Sign};
use super::schedules::{DueSchedule, Learnt};
use crate::model::{NewJob, Subscriptions, WorkerId};
use crate::store::claims_global::{self, Claimed};
use crate::store::events_global::{self, Happened};
use crate::store::settlements_global::{self, Settlement};
use crate::store::{queue_global, schedules_global};

/// Events that become jobs in one turn, at most.
const EVENTS_PER_TURN: u32 = 500;

/// Everything a turn needs, fixed before its transaction begins.
pub(super) struct Plan {
    pub(super) now: Timestamp,
    pub(super) settlements: Arc<[Settlement]>,
    /// The sign of life that is due.
    pub(super) sign: Option<Sign>,
    /// Who takes jobs.
    pub(super) worker: WorkerId,
    /// The types this process runs, with the end of a lease taken now, as JSON.
    pub(super) types: String,
    /// How many jobs may be taken; 0 takes none and looks for nothing.
    pub(super) limit: u32,
    pub(super) schedules: Vec<DueSchedule>,
    pub(super) subscriptions: Arc<Subscriptions>,
    pub(super) keep_done: bool,
    /// Removes what was done, and what died, before these moments.
    pub(super) purge: Option<(Timestamp, Timestamp)>,
    pub(super) rng: Arc<dyn Rng>,
}

/// What a turn has done.
#[derive(Default)]
pub(super) struct Turned {
    /// How many of the settled leases were still held.
    pub(super) held: u64,
    /// What the sign of life has shown, where one was given.
    pub(super) pulse: Option<Pulse>,
    pub(super) claimed: Vec<Claimed>,
    pub(super) more_events: bool,
    pub(super) schedules: Vec<Learnt>,
    /// Finished jobs were removed; whether that was all of them.
    pub(super) purged: Option<bool>,
    /// When the next job or lease is due, if the queue holds none that is due now.
    pub(super) next_due: Option<Timestamp>,
}

impl Turned {
    /// Tells whether the others did not know of this worker: it is new, or was given up.
    pub(super) fn is_unknown(&self) -> bool {
        self.pulse.as_ref().is_some_and(|pulse| !pulse.was_known)
    }
}

impl Plan {
    /// Runs the turn. It may run again: everything it decides is read anew.
    pub(super) fn turn(&self, tx: &mut Tx<'_>) -> Result<Turned, DbError> {
        let held = settlements_global::settle(tx, &self.settlements, self.now, self.keep_done)?;
        let mut turned = Turned { held, ..Turned::default() };
        turned.pulse = self.sign.as_ref().map(|sign| sign.give(tx, self.now)).transpose()?;
        // Nobody takes jobs before the others know of it: they would take them back.
        if self.limit == 0 || turned.is_unknown() {
            return Ok(turned);
        }
        claims_global::reap(tx, self.now)?;
        turned.more_events = self.fan_out(tx)?;
        for schedule in &self.schedules {
            turned.schedules.push(self.advance(tx, schedule)?);
        }
        turned.claimed = claims_global::claim(tx, &self.types, self.now, i64::from(self.limit), self.worker)?;
        if turned.claimed.len() < self.limit as usize {
            turned.next_due = claims_global::next_due(tx, &self.types)?;
        }
        if let Some((done_before, dead_before)) = self.purge {
            let done = settlements_global::purge(tx, "done", done_before)?;
            let dead = settlements_global::purge(tx, "dead", dead_before)?;
            turned.purged = Some(done && dead);
        }
        Ok(turned)
    }

    /// Turns events into one job per subscriber; tells whether there may be more.
    fn fan_out(&self, tx: &mut Tx<'_>) -> Result<bool, DbError> {
        let events = events_global::consume(tx, i64::from(EVENTS_PER_TURN))?;
        for event in &events {
            for kind in self.subscriptions.of(&event.name) {
                queue_global::insert(tx, &self.job_for(event, kind))?;
            }
        }
        Ok(events.len() >= EVENTS_PER_TURN as usize)
    }

    fn job_for(&self, event: &Happened, kind: &'static str) -> NewJob {
        let payload = json!({
            "event_id": event.id, "name": event.name, "org_id": event.org_id, "at": event.at, "payload": event.payload,
        });
        let job = NewJob::new(self.rng.as_ref(), self.now, kind, payload);
        match event.org_id {
            Some(org_id) => job.in_org(org_id),
            None => job,
        }
    }

    /// Enqueues a schedule's job if it is due and no other worker has done so.
    fn advance(&self, tx: &mut Tx<'_>, schedule: &DueSchedule) -> Result<Learnt, DbError> {
        let last = schedules_global::register(tx, schedule.name, self.now)?;
        let is_due = schedule.calendar.next_after(last).is_some_and(|due| due <= self.now);
        if !is_due {
            return Ok(Learnt { index: schedule.index, last_due: last });
        }
        if schedules_global::advance(tx, schedule.name, last, self.now)? {
            let job = NewJob::new(self.rng.as_ref(), self.now, schedule.job, json!({}));
            queue_global::insert(tx, &job)?;
        }
        Ok(Learnt { index: schedule.index, last_due: self.now })
    }
}
