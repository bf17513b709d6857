//! A durable queue in the same database as everything else, schedules, and events on their way to subscribers.
//!
//! A domain calls [`enqueue`] inside its own transaction; the job exists if and only if that transaction commits, and
//! the commit itself wakes the [`Worker`], so nobody can forget to. Invariants:
//!
//! - A job is run at least once and its ending is written once: every ending carries the fence of its lease, and a
//!   worker that lost the lease changes nothing.
//! - A try never outlives its lease, so leases need no renewal.
//! - A job that has used up its tries stays as a dead letter until somebody retries or deletes it.
//! - Where several processes share the queue, a worker that gives no sign of life loses its leases within seconds; one
//!   that cannot give any stops its tries before that.
//! - A worker takes only types it knows, so that processes may serve different rooms on one database.
//! - A schedule fires once per due time among all nodes, and once after a pause, however long.
//! - An event becomes exactly one job per subscriber: it is consumed in the transaction that enqueues them.
//!
//! Reading order: [`model`], `store`, [`service`], [`worker`], `http`.

pub mod config;
mod error;
mod http;
pub mod model;
pub mod service;
mod store;
pub mod worker;

pub use config::JobsConfig;
pub use error::JobsError;
pub use model::{NewJob, Subscriptions};
pub use service::{enqueue, publish, take_over};
pub use worker::{Worker, WorkerParts};

/// Describes this room to `server`.
pub fn module(app: &quoin_web::App) -> quoin_web::Module {
    quoin_web::Module { ..quoin_web::Module::new("jobs", http::routes(app.clone())) }
}

/// Starts a worker that takes no more jobs once `stop` ends, and shows its counters among the metrics.
pub fn start(app: &quoin_web::App, worker: Worker, stop: impl Future<Output = ()> + Send + 'static) {
    let stats = worker.stats();
    app.metrics().collect_from(move |text| {
        let counted = stats.snapshot();
        let help = "Tries of jobs by how they ended.";
        text.counter("quoin_job_tries_total", help, &[("ending", "done")], counted.done);
        text.counter("quoin_job_tries_total", help, &[("ending", "retried")], counted.retried);
        text.counter("quoin_job_tries_total", help, &[("ending", "dead")], counted.dead);
        text.counter("quoin_job_tries_total", help, &[("ending", "lost")], counted.lost);
        text.counter("quoin_jobs_claimed_total", "Tries of jobs that have begun.", &[], counted.claimed);
    });
    app.tasks().spawn("jobs.worker", worker.run(stop));
}

/// The queue's migrations, in order.
pub static MIGRATIONS: &[quoin_db::Migration] = quoin_db::migrations!("jobs", "0001_queue", "0002_workers");

/// Every statement of this room.
pub static STATEMENTS: &[&[&quoin_db::Statement]] = &[
    store::admin_global::ALL,
    store::claims_global::ALL,
    store::events_global::ALL,
    store::queue_global::ALL,
    store::schedules_global::ALL,
    store::settlements_global::ALL,
    store::workers_global::ALL,
];

#[cfg(test)]
mod tests;
