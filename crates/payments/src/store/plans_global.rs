//! Plans and their versions: the platform's, seen by everybody.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;

use super::{document, json, named, prices_global};
use crate::model::{Entitlements, Plan, PlanId, PlanRules, PlanSource};

statements! {
    /// Adds a plan.
    INSERT = "insert into quoin.payments_plans (id, uuid, version, name, description, entitlements, rules, source,
        active, remote_id, published_at, created_at, updated_at, changed_there)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

    /// Changes a plan.
    UPDATE = "update quoin.payments_plans set version = ?2, name = ?3, description = ?4, entitlements = ?5, rules = ?6,
        source = ?7, active = ?8, published_at = ?9, updated_at = ?10, changed_there = ?11 where id = ?1";

    /// Keeps what a version gives.
    INSERT_VERSION = "insert into quoin.payments_plan_versions (plan_id, version, entitlements, rules, created_at)
        values (?1, ?2, ?3, ?4, ?5)";

    /// Changes what a version gives, for everybody who bought it.
    UPDATE_VERSIONS = "update quoin.payments_plan_versions set entitlements = ?2, rules = ?3 where plan_id = ?1";

    /// Reads what a version gives.
    FIND_VERSION = "select entitlements, rules from quoin.payments_plan_versions where plan_id = ?1 and version = ?2";

    /// Lists what versions give that are sold no more.
    LIST_FORMER = "select v.plan_id, v.version, v.entitlements from quoin.payments_plan_versions v
        join quoin.payments_plans p on p.id = v.plan_id where v.version <> p.version order by v.plan_id, v.version";

    /// Finds the version that was sold at a moment: the last one made by then, else the first.
    VERSION_AT = "select version from quoin.payments_plan_versions where plan_id = ?1
        order by case when created_at <= ?2 then 0 else 1 end,
            case when created_at <= ?2 then -version else version end limit 1";

    /// Lists all plans.
    LIST = "select id, uuid, version, name, description, entitlements, rules, source, active, remote_id, published_at,
        created_at, updated_at, changed_there from quoin.payments_plans order by created_at, id";

    /// Finds a plan.
    FIND = "select id, uuid, version, name, description, entitlements, rules, source, active, remote_id, published_at,
        created_at, updated_at, changed_there from quoin.payments_plans where id = ?1";

    /// Finds the plan of a product.
    FIND_BY_REMOTE = "select id, uuid, version, name, description, entitlements, rules, source, active, remote_id,
        published_at, created_at, updated_at, changed_there from quoin.payments_plans where remote_id = ?1";

    /// Notes the product at the provider.
    SET_REMOTE = "update quoin.payments_plans set remote_id = ?2 where id = ?1";

    /// Notes that the provider knows all of it, unless it has changed since.
    SET_PUBLISHED = "update quoin.payments_plans set published_at = ?2 where id = ?1 and updated_at = ?3";
}

/// Adds a plan and its first version; its prices are added apart.
pub(crate) fn insert(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), DbError> {
    let (entitlements, rules) = (json(&plan.entitlements)?, json(&plan.rules)?);
    tx.execute(
        &INSERT,
        &params![
            plan.id.as_str(),
            plan.uuid,
            plan.version,
            &plan.name,
            plan.description.as_deref(),
            &entitlements,
            &rules,
            plan.source.as_str(),
            plan.active,
            plan.remote_id.as_deref(),
            plan.published_at,
            plan.created_at,
            plan.updated_at,
            plan.changed_there
        ],
    )?;
    insert_version(tx, plan, plan.created_at)
}

/// Keeps what the plan's present version gives.
pub(crate) fn insert_version(tx: &mut Tx<'_>, plan: &Plan, now: Timestamp) -> Result<(), DbError> {
    let (entitlements, rules) = (json(&plan.entitlements)?, json(&plan.rules)?);
    let row = params![plan.id.as_str(), plan.version, &entitlements, &rules, now];
    tx.execute(&INSERT_VERSION, &row).map(|_| ())
}

/// Lets every version of the plan give what the present one gives.
pub(crate) fn update_versions(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), DbError> {
    let (entitlements, rules) = (json(&plan.entitlements)?, json(&plan.rules)?);
    tx.execute(&UPDATE_VERSIONS, &params![plan.id.as_str(), &entitlements, &rules]).map(|_| ())
}

/// Writes a plan's changed fields.
pub(crate) fn update(tx: &mut Tx<'_>, plan: &Plan) -> Result<(), DbError> {
    let (entitlements, rules) = (json(&plan.entitlements)?, json(&plan.rules)?);
    let row = params![
        plan.id.as_str(),
        plan.version,
        &plan.name,
        plan.description.as_deref(),
        &entitlements,
        &rules,
        plan.source.as_str(),
        plan.active,
        plan.published_at,
        plan.updated_at,
        plan.changed_there
    ];
    tx.execute(&UPDATE, &row).map(|_| ())
}

/// Lists all plans with their prices, oldest first.
pub(crate) fn list(tx: &mut Tx<'_>) -> Result<Vec<Plan>, DbError> {
    let mut plans = tx.query(&LIST, &[], read)?;
    let mut prices = prices_global::list_all(tx)?;
    for plan in &mut plans {
        plan.prices = prices.remove(plan.id.as_str()).unwrap_or_default();
    }
    Ok(plans)
}

/// Finds a plan with its prices.
pub(crate) fn find(tx: &mut Tx<'_>, id: &PlanId) -> Result<Option<Plan>, DbError> {
    let found = tx.query_opt(&FIND, &params![id.as_str()], read)?;
    with_prices(tx, found)
}

/// Finds the plan of a product with its prices.
pub(crate) fn find_by_remote(tx: &mut Tx<'_>, product: &str) -> Result<Option<Plan>, DbError> {
    let found = tx.query_opt(&FIND_BY_REMOTE, &params![product], read)?;
    with_prices(tx, found)
}

fn with_prices(tx: &mut Tx<'_>, plan: Option<Plan>) -> Result<Option<Plan>, DbError> {
    let Some(mut plan) = plan else { return Ok(None) };
    plan.prices = prices_global::list(tx, &plan.id)?;
    Ok(Some(plan))
}

/// A version of a plan, and what it gives.
type Version = ((PlanId, i64), Entitlements);

/// Lists what versions of plans give that are sold no more.
pub(crate) fn list_former(tx: &mut Tx<'_>) -> Result<Vec<Version>, DbError> {
    tx.query(&LIST_FORMER, &[], |row| {
        Ok(((named(row, 0, |text| text.parse().ok())?, row.get(1)?), document(row, 2)?))
    })
}

/// Reads what a version of a plan gives.
pub(crate) fn find_version(
    tx: &mut Tx<'_>,
    (plan, version): &(PlanId, i64),
) -> Result<Option<(Entitlements, PlanRules)>, DbError> {
    tx.query_opt(&FIND_VERSION, &params![plan.as_str(), *version], |row| {
        Ok((document(row, 0)?, document(row, 1)?))
    })
}

/// Finds the version that was sold at a moment.
pub(crate) fn version_at(tx: &mut Tx<'_>, plan: &PlanId, at: Timestamp) -> Result<Option<i64>, DbError> {
    tx.query_opt(&VERSION_AT, &params![plan.as_str(), at], |row| row.get(0))
}

/// Notes the product at the provider.
pub(crate) fn set_remote(tx: &mut Tx<'_>, plan: &PlanId, product: &str) -> Result<(), DbError> {
    tx.execute(&SET_REMOTE, &params![plan.as_str(), product]).map(|_| ())
}

/// Notes that the provider knows the plan as it was at `updated_at`; `false` where it has changed since.
pub(crate) fn set_published(
    tx: &mut Tx<'_>,
    plan: &PlanId,
    now: Timestamp,
    updated_at: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&SET_PUBLISHED, &params![plan.as_str(), now, updated_at])? == 1)
}

fn read(row: &Row<'_>) -> Result<Plan, DbError> {
    Ok(Plan {
        id: named(row, 0, |text| text.parse().ok())?,
        uuid: row.get(1)?,
        version: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        prices: Vec::new(),
        entitlements: document(row, 5)?,
        rules: document(row, 6)?,
        source: named(row, 7, PlanSource::parse)?,
        active: row.get(8)?,
        remote_id: row.get(9)?,
        published_at: row.get(10)?,
        created_at: row.get(11)?,
        updated_at: row.get(12)?,
        changed_there: row.get::<Option<bool>>(13)?.unwrap_or_default(),
    })
}
