//! Which schedules may be due. The row in the database decides; this only spares looking at it.

use quoin_kernel::Timestamp;
use quoin_kernel::job::Schedule;

use crate::model::{Calendar, InvalidSchedule};

/// The schedules of this process.
pub(super) struct Schedules(Vec<Known>);

struct Known {
    name: &'static str,
    calendar: Calendar,
    job: &'static str,
    next: Next,
}

/// When a schedule is due next, as far as this process knows.
#[derive(Clone, Copy)]
enum Next {
    /// Its row has not been looked at yet.
    Unknown,
    At(Timestamp),
    Never,
}

/// A schedule that may be due: its row must be looked at.
pub(super) struct DueSchedule {
    pub(super) index: usize,
    pub(super) name: &'static str,
    pub(super) calendar: Calendar,
    pub(super) job: &'static str,
}

/// What a look at a schedule's row has shown.
pub(super) struct Learnt {
    pub(super) index: usize,
    pub(super) last_due: Timestamp,
}

impl Schedules {
    pub(super) fn new(schedules: Vec<Schedule>) -> Result<Self, InvalidSchedule> {
        let known = schedules.into_iter().map(|schedule| {
            let calendar = Calendar::of(&schedule)?;
            Ok(Known { name: schedule.name, calendar, job: schedule.job, next: Next::Unknown })
        });
        known.collect::<Result<_, _>>().map(Self)
    }

    /// Returns the schedules whose rows must be looked at.
    pub(super) fn due(&self, now: Timestamp) -> Vec<DueSchedule> {
        let may_be_due = |known: &Known| match known.next {
            Next::Unknown => true,
            Next::At(due) => due <= now,
            Next::Never => false,
        };
        let due = self.0.iter().enumerate().filter(|(_, known)| may_be_due(known));
        due.map(|(index, known)| DueSchedule {
            index,
            name: known.name,
            calendar: known.calendar.clone(),
            job: known.job,
        })
        .collect()
    }

    /// Remembers what the rows said.
    pub(super) fn learn(&mut self, learnt: Vec<Learnt>) {
        for Learnt { index, last_due } in learnt {
            let known = &mut self.0[index];
            known.next = known.calendar.next_after(last_due).map_or(Next::Never, Next::At);
        }
    }

    /// Returns when the next schedule is due.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        let times = self.0.iter().filter_map(|known| match known.next {
            Next::At(due) => Some(due),
            Next::Unknown | Next::Never => None,
        });
        times.min()
    }
}
