//! The queue as administrators see it.

use quoin_audit::{Actor, Entry};
use quoin_kernel::page::{Listed, PageIn};
use quoin_kernel::{JobId, Problem};
use quoin_web::{
    App, Ctx, Json, Operation, PlatformKey, Refusal, Routes, StatusCode, ValidPath, ValidQuery, Who,
};
use serde::Deserialize;

use crate::model::{QueuedJob, State};
use crate::service;

/// The scope that a key needs here.
const SCOPE: &str = "jobs";

/// Which jobs to list.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct ListIn {
    /// Only jobs in this state.
    state: Option<State>,
    /// Only jobs of this type.
    #[serde(rename = "type")]
    kind: Option<String>,
    /// How many jobs, 1 to 1000; 50 by default.
    limit: Option<u32>,
    /// The `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Names a job in the path.
#[derive(Debug, Deserialize, schemars::JsonSchema)]
struct JobPath {
    /// The job.
    id: JobId,
}

/// Declares this room's operations.
pub(crate) fn routes(app: App) -> Routes {
    Routes::new(app)
        .add(
            Operation::get("/jobs/v1/jobs", "jobs.jobs.list")
                .summary("Lists jobs, newest first.")
                .caller(Who::PlatformKey)
                .query::<ListIn>()
                .gives::<Listed<QueuedJob>>(200),
            list,
        )
        .add(
            Operation::post("/jobs/v1/jobs/{id}/retry", "jobs.jobs.retry")
                .summary("Gives a dead job all its tries again, at once.")
                .caller(Who::PlatformKey)
                .gives_nothing(204),
            retry,
        )
        .add(
            Operation::delete("/jobs/v1/jobs/{id}", "jobs.jobs.delete")
                .summary("Removes a job that is not running.")
                .caller(Who::PlatformKey)
                .gives_nothing(204),
            delete,
        )
        .done()
}

async fn list(
    ctx: Ctx<PlatformKey>,
    ValidQuery(input): ValidQuery<ListIn>,
) -> Result<Json<Listed<QueuedJob>>, Refusal> {
    ctx.who.demand(SCOPE)?;
    let ListIn { state, kind, limit, cursor } = input;
    let page = PageIn { limit, cursor }.check().map_err(|error| Problem::invalid(error.to_string()))?;
    Ok(Json(service::list(ctx.db().system(), state, kind, page).await?))
}

async fn retry(ctx: Ctx<PlatformKey>, ValidPath(path): ValidPath<JobPath>) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = entry(&ctx, "jobs.job.retried", path.id);
    service::retry(ctx.db().system(), path.id, ctx.now(), entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete(ctx: Ctx<PlatformKey>, ValidPath(path): ValidPath<JobPath>) -> Result<StatusCode, Refusal> {
    ctx.who.demand(SCOPE)?;
    let entry = entry(&ctx, "jobs.job.deleted", path.id);
    service::delete(ctx.db().system(), path.id, entry).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn entry(ctx: &Ctx<PlatformKey>, action: &'static str, id: JobId) -> Entry {
    let actor = Actor::ApiKey(ctx.who.key.key_id);
    Entry::new(ctx.app.rng(), ctx.now(), actor, action).from(&ctx.origin).on(id)
}
