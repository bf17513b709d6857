//! What this room does by itself: it fetches what it heard of, compares with the provider, publishes plans, reminds people
//! of missing payments, reports use, and forgets.

use std::time::Duration;

use quoin_db::{DbError, Tx};
use quoin_jobs::NewJob;
use quoin_kernel::billing::Subject;
use quoin_kernel::job::{JobError, JobType, Schedule, When};
use quoin_kernel::{Rng, Timestamp};
use serde_json::{Value, json};

use crate::config::PaymentsConfig;
use crate::error::PaymentsError;
use crate::model::{ObjectKind, ObjectRef, PlanId};
use crate::service::carry_out::read_subject;
use crate::service::fetch_object::Fetch;
use crate::service::reconcile::Reach;
use crate::store::objects_global;
use crate::{Payments, service};

const FETCH: &str = "payments.fetch";
const PUBLISH: &str = "payments.publish";
const RECONCILE: &str = "payments.reconcile";
const CATCH_UP: &str = "payments.catch_up";
const RESUME: &str = "payments.resume";
const DUN: &str = "payments.dun";
const REPORT: &str = "payments.report_usage";
const SEATS: &str = "payments.follow_seats";
const PURGE: &str = "payments.purge";
/// How long one piece of a comparison takes; with its last page well inside the lease.
const RECONCILE_TIME: Duration = Duration::from_mins(10);
/// What becomes of an organisation that is gone.
pub const FORGET_ORG: &str = "payments.forget_organization";
/// What becomes of a person who is gone.
pub const FORGET_PERSON: &str = "payments.forget_person";

/// Notes news of an object in the caller's transaction, and schedules a fetch unless one is.
pub(crate) fn hear(
    rng: &dyn Rng,
    tx: &mut Tx<'_>,
    provider: &str,
    (object, cause): (&ObjectRef, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    if objects_global::hear(tx, provider, object, cause, now)? {
        schedule_fetch(rng, tx, provider, object, now)?;
    }
    Ok(())
}

/// Schedules a fetch in the caller's transaction.
pub(crate) fn schedule_fetch(
    rng: &dyn Rng,
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    now: Timestamp,
) -> Result<(), DbError> {
    let payload = json!({"provider": provider, "kind": object.kind, "id": object.id});
    quoin_jobs::enqueue(tx, &NewJob::new(rng, now, FETCH, payload)).map(|_| ())
}

/// Schedules a fetch in the caller's transaction, unless one that was scheduled so waits or runs already: however long the
/// provider is down, an object never has more of these than one.
pub(crate) fn schedule_fetch_once(
    payments: &Payments,
    tx: &mut Tx<'_>,
    provider: &str,
    object: &ObjectRef,
    now: Timestamp,
) -> Result<(), DbError> {
    let payload = json!({"provider": provider, "kind": object.kind, "id": object.id});
    let job = NewJob::new(payments.app().rng(), now, FETCH, payload);
    let job = job.unique(format!("{provider}:{}:{}", object.kind.as_str(), object.id));
    quoin_jobs::enqueue(tx, &job).map(|_| ())
}

/// Schedules the publication of a plan in the caller's transaction.
pub(crate) fn schedule_publication(
    payments: &Payments,
    tx: &mut Tx<'_>,
    plan: &PlanId,
    now: Timestamp,
) -> Result<(), DbError> {
    let job = NewJob::new(payments.app().rng(), now, PUBLISH, json!({"plan": plan}));
    quoin_jobs::enqueue(tx, &job).map(|_| ())
}

/// Schedules that the seats at the provider follow the members, in the caller's transaction.
pub(crate) fn schedule_seats(
    rng: &dyn Rng,
    tx: &mut Tx<'_>,
    subject: Subject,
    now: Timestamp,
) -> Result<(), DbError> {
    let job = NewJob::new(rng, now, SEATS, json!({"subject": subject.to_string()}));
    quoin_jobs::enqueue(tx, &job).map(|_| ())
}

/// Schedules that what a pause left unpaid is made good, in the caller's transaction.
pub(crate) fn schedule_resumption(
    payments: &Payments,
    tx: &mut Tx<'_>,
    (provider, subscription): (&str, &str),
    now: Timestamp,
) -> Result<(), DbError> {
    let payload = json!({"provider": provider, "subscription": subscription});
    let job = NewJob::new(payments.app().rng(), now, RESUME, payload);
    quoin_jobs::enqueue(tx, &job.unique(format!("{provider}:{subscription}"))).map(|_| ())
}

/// Describes the jobs of this room.
pub(crate) fn types(payments: &Payments) -> Vec<JobType> {
    vec![
        job(payments, FETCH, 20, Duration::from_mins(1), fetch),
        job(payments, PUBLISH, 20, Duration::from_mins(2), publish),
        job(payments, RECONCILE, 3, Duration::from_mins(30), reconcile),
        job(payments, CATCH_UP, 3, Duration::from_mins(10), catch_up),
        job(payments, RESUME, 20, Duration::from_mins(2), resume),
        job(payments, DUN, 3, Duration::from_mins(10), dun),
        job(payments, REPORT, 3, Duration::from_mins(10), report),
        job(payments, SEATS, 20, Duration::from_mins(1), follow_seats),
        job(payments, PURGE, 3, Duration::from_mins(5), purge),
        job(payments, FORGET_ORG, 20, Duration::from_mins(2), forget_org),
        job(payments, FORGET_PERSON, 20, Duration::from_mins(2), forget_person),
    ]
}

/// Says when they run.
pub(crate) fn schedules(config: &PaymentsConfig) -> Vec<Schedule> {
    let every = |name, after| Schedule { name, when: When::Every(after), job: name };
    let minutes = |minutes: u32| Duration::from_secs(u64::from(minutes) * 60);
    vec![
        every(RECONCILE, minutes(config.reconcile_minutes)),
        every(CATCH_UP, Duration::from_mins(2)),
        every(DUN, Duration::from_mins(10)),
        every(REPORT, Duration::from_mins(5)),
        every(PURGE, Duration::from_hours(6)),
    ]
}

fn job<F, Fut>(payments: &Payments, name: &'static str, tries: u32, lease: Duration, run: F) -> JobType
where
    F: Fn(Payments, Value) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<(), PaymentsError>> + Send + 'static,
{
    let payments = payments.clone();
    let run = std::sync::Arc::new(run);
    JobType::new(name, tries, lease, move |_, payload| {
        let (payments, run) = (payments.clone(), run.clone());
        async move { run(payments, payload).await.map_err(sort) }
    })
}

/// Tries again what may succeed later.
fn sort(error: PaymentsError) -> JobError {
    match error {
        PaymentsError::NoSuch(_) | PaymentsError::NoSuchPlan | PaymentsError::Document(_) => {
            JobError::Fail(Box::new(error))
        }
        other => JobError::Retry(Box::new(other)),
    }
}

async fn fetch(payments: Payments, payload: Value) -> Result<(), PaymentsError> {
    let text = |name: &str| payload[name].as_str().ok_or(PaymentsError::NoSuch("object"));
    let kind = ObjectKind::parse(text("kind")?).ok_or(PaymentsError::NoSuch("object"))?;
    let object = ObjectRef::new(kind, text("id")?);
    let provider = payments.provider_named(text("provider")?)?;
    match payments.fetch_object(&provider, &object).await? {
        Fetch::Busy => Err(PaymentsError::InProgress),
        Fetch::Done(_) => Ok(()),
    }
}

async fn publish(payments: Payments, payload: Value) -> Result<(), PaymentsError> {
    let plan: PlanId =
        payload["plan"].as_str().and_then(|id| id.parse().ok()).ok_or(PaymentsError::NoSuchPlan)?;
    service::publish_plan::publish(&payments, &plan).await
}

async fn reconcile(payments: Payments, _: Value) -> Result<(), PaymentsError> {
    let report = match payments.reconcile_within(Reach::Lately, RECONCILE_TIME).await {
        // The one that began before goes on by itself.
        Err(PaymentsError::InProgress) => return Ok(()),
        report => report?,
    };
    let (repaired, checked) = (report.repaired.len(), report.checked);
    if repaired > 0 {
        tracing::warn!(repaired, "reconciliation found differences from the provider");
    }
    if let Some(at) = report.at {
        tracing::info!(checked, repaired, at, "reconciliation goes on from here");
        let (room, now) = (payments.clone(), payments.now());
        let go_on = move |tx: &mut Tx<'_>| {
            let job = NewJob::new(room.app().rng(), now, RECONCILE, Value::Null);
            quoin_jobs::enqueue(tx, &job).map(|_| ())
        };
        let scheduled: Result<(), DbError> = payments.db().write("payments.reconcile.go_on", go_on).await;
        scheduled?;
    }
    Ok(())
}

async fn catch_up(payments: Payments, _: Value) -> Result<(), PaymentsError> {
    payments.resume_intents().await?;
    payments.check_scheduled_changes().await?;
    payments.manual().advance(payments.now()).await?;
    payments.resume_due().await?;
    payments.catch_up().await
}

async fn resume(payments: Payments, payload: Value) -> Result<(), PaymentsError> {
    let text = |name: &str| payload[name].as_str().ok_or(PaymentsError::NoSuch("subscription"));
    payments.resume_remote(text("provider")?, text("subscription")?).await
}

async fn dun(payments: Payments, _: Value) -> Result<(), PaymentsError> {
    payments.dun().await
}

async fn report(payments: Payments, _: Value) -> Result<(), PaymentsError> {
    payments.report_to_provider().await
}

async fn follow_seats(payments: Payments, payload: Value) -> Result<(), PaymentsError> {
    let subject = read_subject(payload["subject"].as_str().unwrap_or_default())?;
    payments.follow_seats(subject).await
}

async fn purge(payments: Payments, _: Value) -> Result<(), PaymentsError> {
    payments.purge().await
}

async fn forget_org(payments: Payments, event: Value) -> Result<(), PaymentsError> {
    let org_id = event["payload"]["org_id"].as_str().and_then(|id| id.parse().ok());
    payments.forget(Subject::Org(org_id.ok_or(PaymentsError::NoSuch("organisation"))?)).await
}

async fn forget_person(payments: Payments, event: Value) -> Result<(), PaymentsError> {
    let user_id = event["payload"]["user_id"].as_str().and_then(|id| id.parse().ok());
    let user_id = user_id.ok_or(PaymentsError::NoSuch("person"))?;
    payments.forget_contact(user_id).await?;
    payments.forget(Subject::User(user_id)).await
}
