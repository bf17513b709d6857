//! Prices of plans.

use std::collections::HashMap;

use quoin_db::{DbError, Row, Tx, params, statements};
use uuid::Uuid;

use super::named;
use crate::model::{Interval, PlanId, Price, PriceId};

statements! {
    /// Adds a price.
    INSERT = "insert into quoin.payments_prices (id, plan_id, billing_interval, interval_count, amount, currency,
        trial_days, per_seat, meter, active, remote_id, created_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

    /// Lists the prices of a plan, in the order in which they were made.
    LIST = "select plan_id, id, billing_interval, interval_count, amount, currency, trial_days, per_seat, meter, active,
        remote_id, created_at from quoin.payments_prices where plan_id = ?1 order by created_at, id";

    /// Lists all prices.
    LIST_ALL = "select plan_id, id, billing_interval, interval_count, amount, currency, trial_days, per_seat, meter,
        active, remote_id, created_at from quoin.payments_prices order by created_at, id";

    /// Finds the price that the provider calls so, with its plan.
    FIND_BY_REMOTE = "select plan_id, id, billing_interval, interval_count, amount, currency, trial_days, per_seat, meter,
        active, remote_id, created_at from quoin.payments_prices where remote_id = ?1";

    /// Notes the price at the provider.
    SET_REMOTE = "update quoin.payments_prices set remote_id = ?2 where id = ?1";

    /// Starts or stops selling it.
    SET_ACTIVE = "update quoin.payments_prices set active = ?2 where id = ?1";
}

/// Adds a price.
pub(crate) fn insert(tx: &mut Tx<'_>, plan: &PlanId, price: &Price) -> Result<(), DbError> {
    let row = params![
        price.id,
        plan.as_str(),
        price.interval.map(Interval::as_str),
        price.interval_count,
        price.amount,
        price.currency.as_str(),
        price.trial_days,
        price.per_seat,
        price.meter.as_deref(),
        price.active,
        price.remote_id.as_deref(),
        price.created_at
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Lists the prices of a plan.
pub(crate) fn list(tx: &mut Tx<'_>, plan: &PlanId) -> Result<Vec<Price>, DbError> {
    tx.query(&LIST, &params![plan.as_str()], |row| Ok(read(row)?.1))
}

/// Lists all prices by plan.
pub(crate) fn list_all(tx: &mut Tx<'_>) -> Result<HashMap<String, Vec<Price>>, DbError> {
    let mut all: HashMap<String, Vec<Price>> = HashMap::new();
    for (plan, price) in tx.query(&LIST_ALL, &[], read)? {
        all.entry(plan).or_default().push(price);
    }
    Ok(all)
}

/// Finds the price that the provider calls so, with its plan.
pub(crate) fn find_by_remote(tx: &mut Tx<'_>, remote_id: &str) -> Result<Option<(PlanId, Price)>, DbError> {
    let found = tx.query_opt(&FIND_BY_REMOTE, &params![remote_id], read)?;
    Ok(found.and_then(|(plan, price)| Some((plan.parse().ok()?, price))))
}

/// Notes the price at the provider.
pub(crate) fn set_remote(tx: &mut Tx<'_>, id: Uuid, remote_id: &str) -> Result<(), DbError> {
    tx.execute(&SET_REMOTE, &params![id, remote_id]).map(|_| ())
}

/// Starts or stops selling a price.
pub(crate) fn set_active(tx: &mut Tx<'_>, id: PriceId, active: bool) -> Result<(), DbError> {
    tx.execute(&SET_ACTIVE, &params![id, active]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<(String, Price), DbError> {
    let interval: Option<String> = row.get(2)?;
    let small = |index: usize| -> Result<u32, DbError> {
        u32::try_from(row.get::<i64>(index)?)
            .map_err(|_| DbError::Column { index, expected: "a small number" })
    };
    let price = Price {
        id: row.get(1)?,
        interval: interval.as_deref().and_then(Interval::parse),
        interval_count: small(3)?,
        amount: row.get(4)?,
        currency: named(row, 5, |text| text.parse().ok())?,
        trial_days: small(6)?,
        per_seat: row.get(7)?,
        meter: row.get(8)?,
        // What is due once opens nothing, so it is not for sale, whatever its row says.
        active: row.get::<bool>(9)? && interval.is_some(),
        remote_id: row.get(10)?,
        created_at: row.get(11)?,
    };
    Ok((row.get(0)?, price))
}
