//! The background: webhooks that are due, and objects to which something happens by itself.

use std::time::Duration;

use crate::StripeTwin;
use crate::error::StripeError;
use crate::hooks::{self, DELIVERIES_TOPIC};
use crate::store::objects;
use crate::{due, objects as catalogue};

/// How long it waits at most before it looks again.
const REST: Duration = Duration::from_secs(1);
/// How long it waits after a failure of the database.
const PAUSE: Duration = Duration::from_secs(2);

/// Runs both until the caller stops polling.
pub(crate) async fn run(twin: &StripeTwin) {
    tokio::join!(deliver(twin), happen(twin));
}

/// Delivers webhooks as they come and as their retries fall due.
async fn deliver(twin: &StripeTwin) {
    let topic = twin.db().subscribe(DELIVERIES_TOPIC);
    loop {
        let news = topic.notified();
        match hooks::deliver_due(twin).await {
            Ok(0) => {
                let wait = rest(twin).await;
                tokio::select! { () = news => {}, () = tokio::time::sleep(wait) => {} }
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(%error, "webhooks of the twin could not be delivered");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

async fn rest(twin: &StripeTwin) -> Duration {
    let due = hooks::next_due_ms(twin).await.ok().flatten();
    let until =
        due.map_or(REST, |due| Duration::from_millis(u64::try_from(due - twin.now_ms()).unwrap_or(0)));
    until.clamp(Duration::from_millis(5), REST)
}

/// Lets everything happen whose moment has come, each in a transaction of its own.
async fn happen(twin: &StripeTwin) {
    let topic = twin.db().subscribe(due::TOPIC);
    loop {
        let news = topic.notified();
        match happen_once(twin).await {
            Ok(true) => {}
            Ok(false) => {
                tokio::select! { () = news => {}, () = tokio::time::sleep(REST) => {} }
            }
            Err(error) => {
                tracing::warn!(%error, "something that was due in the twin failed");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Lets everything happen that is due now.
#[cfg(test)]
pub(crate) async fn settle(twin: &StripeTwin) -> Result<(), StripeError> {
    while happen_once(twin).await? {}
    Ok(())
}

/// Lets one thing happen; tells whether there was one.
async fn happen_once(twin: &StripeTwin) -> Result<bool, StripeError> {
    twin.change("stripe_twin.due", |desk| {
        let Some(object) = objects::find_first_due(desk.tx, desk.now)? else { return Ok(false) };
        catalogue::happen(desk, &object)?;
        Ok(true)
    })
    .await
}
