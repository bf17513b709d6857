//! SQL on the queue. A job may belong to an organisation, but the queue is the platform's: hence `_global`.

pub(crate) mod admin_global;
pub(crate) mod claims_global;
pub(crate) mod events_global;
pub(crate) mod queue_global;
pub(crate) mod schedules_global;
pub(crate) mod settlements_global;
pub(crate) mod workers_global;
