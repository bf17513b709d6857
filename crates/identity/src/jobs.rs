//! What this room does by itself: it forgets what has ended, and what belonged to an organisation that is gone.

use std::time::Duration;

use quoin_audit::{Actor, Entry};
use quoin_db::{DbError, Tx};
use quoin_kernel::job::{JobError, JobType, Schedule, When};
use quoin_kernel::{OrgId, Timestamp};

use serde::Deserialize as _;
use serde_json::Value;

use crate::Identity;
use crate::model::Realm;
use crate::service::delete_user::erase;
use crate::service::end_sessions::end_session;
use crate::service::upstream::later;
use crate::store::{
    api_keys_global, challenges_global, codes_global, factors_global, links_global, oauth_flows_global,
    sessions_global, users_global,
};

/// The job that removes what has ended.
const PURGE: &str = "identity.purge";
/// The job that hears of organisations that are gone.
pub const FORGET_ORG: &str = "identity.forget_org";
/// The job that takes what was erased out of the database's log.
pub const EMPTY_LOG: &str = "identity.empty_log";
/// How many people are erased in one transaction: nobody else writes meanwhile.
const AT_ONCE: u32 = 25;
/// How long links and codes stay after their use or expiry, so that a person can be told what became of them.
const KEPT: Duration = Duration::from_hours(24);

/// Says when the jobs of this room run.
pub(crate) fn schedules() -> Vec<Schedule> {
    let hourly = When::Every(Duration::from_hours(1));
    vec![
        Schedule { name: PURGE, when: hourly, job: PURGE },
        // Once more for what other rooms remove when an organisation ends, each in its own time.
        Schedule { name: EMPTY_LOG, when: hourly, job: EMPTY_LOG },
    ]
}

/// Describes the jobs of this room.
pub(crate) fn job_types(identity: &Identity) -> Vec<JobType> {
    let (purging, forgetting, emptying) = (identity.clone(), identity.clone(), identity.clone());
    let (ending, carrying, mailing) = (identity.clone(), identity.clone(), identity.clone());
    vec![
        JobType::new(PURGE, 3, Duration::from_mins(1), move |job, _| {
            let identity = purging.clone();
            async move { purge(&identity, job.now).await.map_err(|error| JobError::Retry(Box::new(error))) }
        }),
        JobType::new(FORGET_ORG, 10, Duration::from_mins(1), move |job, news| {
            let identity = forgetting.clone();
            async move { forget_org(&identity, &news, job.now).await }
        }),
        JobType::new(EMPTY_LOG, 20, Duration::from_mins(5), move |_, _| {
            let identity = emptying.clone();
            async move { empty_log(&identity).await }
        }),
        JobType::new(later::END_SESSION, 10, Duration::from_mins(1), move |_, payload| {
            let identity = ending.clone();
            async move { later::run_end_session(&identity, &payload).await }
        }),
        JobType::new(later::CARRY_STANDING, 20, Duration::from_mins(1), move |job, payload| {
            let identity = carrying.clone();
            async move { later::run_carry_standing(&identity, &payload, job.now).await }
        }),
        JobType::new(later::SEND_MAIL, 10, Duration::from_mins(1), move |_, payload| {
            let identity = mailing.clone();
            async move { later::run_send_mail(&identity, &payload).await }
        }),
    ]
}

/// Takes what was erased out of the log, where the pages that held it stand until then.
async fn empty_log(identity: &Identity) -> Result<(), JobError> {
    match identity.db().empty_log().await {
        Ok(true) => Ok(()),
        Ok(false) => Err(JobError::Retry("somebody still reads from the log".into())),
        Err(error) => Err(JobError::Retry(Box::new(error))),
    }
}

/// Removes what this room keeps of an organisation that is gone: its keys, that sessions acted for it, and its people, where
/// people belong to one each.
async fn forget_org(identity: &Identity, news: &Value, now: Timestamp) -> Result<(), JobError> {
    let org_id: OrgId =
        OrgId::deserialize(&news["org_id"]).map_err(|error| JobError::Fail(Box::new(error)))?;
    let inside = identity.clone();
    let forgotten: Result<u64, DbError> = identity
        .db()
        .write("identity.forget_org", move |tx| {
            for id in sessions_global::list_org_ids(tx, org_id)? {
                end_session(tx, &inside, id, now)?;
            }
            Ok(api_keys_global::delete_of_org(tx, org_id)? + sessions_global::forget_org(tx, org_id)?)
        })
        .await;
    forgotten.map_err(|error| JobError::Retry(Box::new(error)))?;
    forget_people(identity, org_id, now).await.map_err(|error| JobError::Retry(Box::new(error)))
}

/// Erases whoever was one of the organisation's people, some at a time; nobody is where people belong to no single one.
async fn forget_people(identity: &Identity, org_id: OrgId, now: Timestamp) -> Result<(), DbError> {
    loop {
        let inside = identity.clone();
        let erased = identity.db().write("identity.forget_people", move |tx| {
            let ids = users_global::list_ids_of(tx, Realm::of(org_id), AT_ONCE)?;
            for id in &ids {
                let Some(user) = users_global::find(tx, *id)? else { continue };
                let actor = Actor::System("identity.forget_org");
                let entry = Entry::new(inside.app().rng(), now, actor, "identity.user.deleted").on(*id);
                erase(tx, &inside, &user, &entry, now)?;
            }
            Ok::<_, DbError>(ids.len())
        });
        if erased.await? == 0 {
            return Ok(());
        }
    }
}

/// Removes links and codes a day after their end, and sessions that nobody has refreshed for too long or that have
/// lived as long as they may.
async fn purge(identity: &Identity, now: Timestamp) -> Result<(), DbError> {
    let removed = identity
        .db()
        .write("identity.purge", move |tx| {
            let links = links_global::delete_ended(tx, now - KEPT)?;
            let codes = codes_global::delete_expired(tx, now - KEPT)?;
            let challenges =
                challenges_global::delete_expired(tx, now)? + oauth_flows_global::delete_expired(tx, now)?;
            let factors = factors_global::delete_unverified(tx, now - KEPT)?;
            Ok::<_, DbError>(links + codes + challenges + factors)
        })
        .await?;
    let sessions = purge_sessions(identity, now).await?;
    tracing::debug!(removed, sessions, "forgot links, codes and sessions that have ended");
    Ok(())
}

/// Removes ended sessions some at a time, so that nobody waits behind all of them.
async fn purge_sessions(identity: &Identity, now: Timestamp) -> Result<u64, DbError> {
    let config = identity.config();
    let ends = (now - Duration::from_secs(config.session_idle_s), config.session_max().map(|max| now - max));
    let mut removed = 0;
    loop {
        let ended = identity
            .db()
            .read("identity.purge.list_sessions", move |tx| sessions_global::list_ended(tx, ends))
            .await?;
        if ended.is_empty() {
            return Ok(removed);
        }
        let delete = move |tx: &mut Tx<'_>| {
            ended.iter().try_fold(0, |sum, id| Ok(sum + sessions_global::delete_ended(tx, *id, ends)?))
        };
        removed += identity.db().write::<u64, DbError, _>("identity.purge.sessions", delete).await?;
    }
}
