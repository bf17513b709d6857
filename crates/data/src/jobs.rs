//! What this room does by itself: it removes the rows of organisations that are gone.

use std::time::Duration;

use quoin_kernel::OrgId;
use quoin_kernel::job::{JobError, JobType};
use serde::Deserialize as _;
use serde_json::Value;

use crate::error::DataError;
use crate::service::Data;

/// The job that hears of organisations that are gone.
pub const FORGET_ORG: &str = "data.forget_org";

/// Describes the jobs of this room.
pub(crate) fn types(data: &Data) -> Vec<JobType> {
    let data = data.clone();
    vec![JobType::new(FORGET_ORG, 10, Duration::from_mins(10), move |_, news| {
        let data = data.clone();
        async move { forget_org(&data, &news).await }
    })]
}

async fn forget_org(data: &Data, news: &Value) -> Result<(), JobError> {
    let org_id = OrgId::deserialize(&news["org_id"]).map_err(|error| JobError::Fail(Box::new(error)))?;
    let removed: Result<u64, DataError> = data.forget_org(org_id).await;
    let rows = removed.map_err(|error| JobError::Retry(Box::new(error)))?;
    // A log that somebody reads from is emptied by the hour.
    data.db().empty_log().await.map_err(|error| JobError::Retry(Box::new(error)))?;
    tracing::info!(%org_id, rows, "removed the rows of an organisation that is gone");
    Ok(())
}
