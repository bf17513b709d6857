//! Checkouts that were begun.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::Timestamp;
use quoin_kernel::billing::Subject;
use uuid::Uuid;

use super::named;
use crate::model::{PlanId, PriceId};

statements! {
    /// Adds an open checkout.
    INSERT = "insert into quoin.payments_checkouts (subject_id, id, subject_kind, plan_id, plan_version, price_id,
        quantity, wish_hash, state, expires_at, created_at, provider)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'open', ?9, ?10, ?11)";

    /// Finds the open checkout of a subject.
    FIND_OPEN = "select id, plan_id, plan_version, price_id, quantity, wish_hash, remote_id, url, expires_at, state,
        provider from quoin.payments_checkouts where subject_id = ?1 and state = 'open'";

    /// Finds a checkout of a subject.
    FIND = "select id, plan_id, plan_version, price_id, quantity, wish_hash, remote_id, url, expires_at, state,
        provider from quoin.payments_checkouts where subject_id = ?1 and id = ?2";

    /// Notes the session at the provider.
    SET_REMOTE = "update quoin.payments_checkouts set remote_id = ?3, url = ?4 where subject_id = ?1 and id = ?2";

    /// Closes a checkout.
    CLOSE = "update quoin.payments_checkouts set state = ?3, problem = ?4, closed_at = ?5, url = null
        where subject_id = ?1 and id = ?2 and state = 'open'";

    /// Corrects how a closed checkout ended: only the provider knows.
    CORRECT = "update quoin.payments_checkouts set state = ?3, problem = ?4 where subject_id = ?1 and id = ?2";
}

/// A checkout as it stands.
#[derive(Debug, Clone)]
pub(crate) struct Checkout {
    pub(crate) id: Uuid,
    pub(crate) plan: (PlanId, i64),
    pub(crate) price_id: PriceId,
    pub(crate) quantity: i64,
    pub(crate) wish_hash: Vec<u8>,
    pub(crate) remote_id: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) expires_at: Timestamp,
    pub(crate) state: String,
    /// Who opened the session; `None` where that was not written down.
    pub(crate) provider: Option<String>,
}

/// Adds an open checkout; the index refuses a second one of the same subject.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    subject: Subject,
    checkout: &Checkout,
    now: Timestamp,
) -> Result<(), DbError> {
    let row = params![
        subject.uuid(),
        checkout.id,
        subject.kind(),
        checkout.plan.0.as_str(),
        checkout.plan.1,
        checkout.price_id,
        checkout.quantity,
        checkout.wish_hash.as_slice(),
        checkout.expires_at,
        now,
        checkout.provider.as_deref()
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Finds the subject's open checkout.
pub(crate) fn find_open(tx: &mut Tx<'_>, subject: Subject) -> Result<Option<Checkout>, DbError> {
    tx.query_opt(&FIND_OPEN, &params![subject.uuid()], read)
}

/// Finds a checkout of the subject.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Subject, id: Uuid) -> Result<Option<Checkout>, DbError> {
    tx.query_opt(&FIND, &params![subject.uuid(), id], read)
}

/// Notes the session at the provider and where it is paid.
pub(crate) fn set_remote(
    tx: &mut Tx<'_>,
    subject: Subject,
    id: Uuid,
    remote_id: &str,
    url: &str,
) -> Result<(), DbError> {
    tx.execute(&SET_REMOTE, &params![subject.uuid(), id, remote_id, url]).map(|_| ())
}

/// Closes an open checkout; `false` where it was closed before.
pub(crate) fn close(
    tx: &mut Tx<'_>,
    subject: Subject,
    id: Uuid,
    (state, problem): (&str, Option<&str>),
    now: Timestamp,
) -> Result<bool, DbError> {
    Ok(tx.execute(&CLOSE, &params![subject.uuid(), id, state, problem, now])? == 1)
}

/// Corrects how a closed checkout ended.
pub(crate) fn correct(
    tx: &mut Tx<'_>,
    subject: Subject,
    id: Uuid,
    (state, problem): (&str, Option<&str>),
) -> Result<(), DbError> {
    tx.execute(&CORRECT, &params![subject.uuid(), id, state, problem]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<Checkout, DbError> {
    Ok(Checkout {
        id: row.get(0)?,
        plan: (named(row, 1, |text| text.parse().ok())?, row.get(2)?),
        price_id: row.get(3)?,
        quantity: row.get(4)?,
        wish_hash: row.get(5)?,
        remote_id: row.get(6)?,
        url: row.get(7)?,
        expires_at: row.get(8)?,
        state: row.get(9)?,
        provider: row.get(10)?,
    })
}
