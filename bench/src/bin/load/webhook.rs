//! Scenario 7: events as Stripe sends them, each with an id and a signature of its own.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use bench::Outcome;
use quoin_db::{Db, Options as Place, PostgresOptions, SqliteOptions, Statement};
use quoin_kernel::hash::hmac_sha256;
use serde_json::{Value, json};

use crate::options::Options;
use crate::stage::CONNECTIONS;

/// With what the server is told to believe events.
pub(crate) const SECRET: &str = "whsec_of_the_measurement";

static COUNT: Statement = Statement::new("COUNT", "select count(*) from quoin.payments_events");

/// Counts events, so that no two are the same one.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Returns an event that was never sent before, and its signature. Many of them are news of the same few subscriptions, as in
/// the storm after an outage.
pub(crate) fn event() -> (Value, String) {
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let subscription = format!("sub_bench_{}", number % CONNECTIONS as u64);
    let body = json!({
        "id": format!("evt_bench_{now}_{number}"), "object": "event", "type": "customer.subscription.updated",
        "api_version": "2026-10-28.endive", "created": now, "livemode": false, "pending_webhooks": 1,
        "request": {"id": "req_bench", "idempotency_key": null},
        "data": {"object": {
            "id": subscription, "object": "subscription", "customer": "cus_bench", "status": "active", "created": now,
            "items": {"object": "list", "data": [{"id": "si_bench", "object": "subscription_item", "quantity": 3,
                "current_period_start": now, "current_period_end": now + 2_592_000, "price": {"id": "price_bench",
                "object": "price", "unit_amount": 1900, "currency": "usd", "product": "prod_bench"}}]},
            "metadata": {"quoin_plan": "pro"},
        }},
    });
    let mac = hmac_sha256(SECRET.as_bytes(), format!("{now}.{body}").as_bytes());
    let mut signature = format!("t={now},v1=");
    for byte in mac {
        // Writing into a String cannot fail.
        let _ = write!(signature, "{byte:02x}");
    }
    (body, signature)
}

/// Makes sure that every event that was answered is kept.
pub(crate) async fn count(options: &Options, answered: u64) -> Outcome {
    let place = match &options.database_url {
        Some(url) => Place::Postgres(PostgresOptions { connections: 1, ..PostgresOptions::at(url.clone()) }),
        None => Place::Sqlite(SqliteOptions::at(options.folder.join("data/quoin.db"))),
    };
    let db = Db::open(&place)?;
    let kept: i64 = db.read("bench.events.count", |tx| tx.query_one(&COUNT, &[], |row| row.get(0))).await?;
    db.close();
    println!("  {answered} were answered, {kept} are kept (one more was the sample)");
    let expected = i64::try_from(answered)? + 1;
    if kept == expected { Ok(()) } else { Err(format!("{kept} events are kept, not {expected}").into()) }
}
