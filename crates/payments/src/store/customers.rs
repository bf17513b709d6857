//! Who is billed, as the provider knows them.

use quoin_db::{DbError, Tx, params, statements};
use quoin_kernel::billing::Subject;
use quoin_kernel::{Timestamp, UserId};

statements! {
    /// Notes that somebody is billed by a provider.
    INSERT = "insert into quoin.payments_customers (subject_id, subject_kind, provider, created_at)
        values (?1, ?2, ?3, ?4) on conflict (subject_id, provider) do nothing";

    /// Finds the customer of a subject.
    FIND = "select remote_id from quoin.payments_customers where subject_id = ?1 and provider = ?2";

    /// Notes the customer at the provider.
    SET_REMOTE = "update quoin.payments_customers set remote_id = ?3 where subject_id = ?1 and provider = ?2";

    /// Notes who looks after it.
    SET_CONTACT = "update quoin.payments_customers set contact_id = ?2, contact_email = ?3, contact_language = ?4
        where subject_id = ?1";

    /// Finds who looks after it.
    FIND_CONTACT = "select contact_email, contact_language from quoin.payments_customers
        where subject_id = ?1 and contact_email is not null order by provider limit 1";

    /// Forgets a person who looked after something.
    FORGET_CONTACT = "update quoin.payments_customers set contact_id = null, contact_email = null, contact_language = null
        where contact_id = ?1";

    /// Finds whose customer it is, and whether they were erased.
    FIND_OWNER = "select subject_kind, subject_id, erased_at from quoin.payments_customers
        where provider = ?1 and remote_id = ?2
        union all
        select f.subject_kind, f.subject_id, c.erased_at from quoin.payments_former_customers f
        join quoin.payments_customers c on c.subject_id = f.subject_id and c.provider = f.provider
        where f.provider = ?1 and f.remote_id = ?2";

    /// Takes the customer away from its subject, where it is that one.
    UNSET_REMOTE = "update quoin.payments_customers set remote_id = null
        where subject_id = ?1 and provider = ?2 and remote_id = ?3";

    /// Keeps whose customer it was.
    INSERT_FORMER = "insert into quoin.payments_former_customers (subject_id, provider, remote_id, subject_kind, deleted_at)
        values (?1, ?2, ?3, ?4, ?5)";

    /// Marks that the subject was erased.
    ERASE = "update quoin.payments_customers set erased_at = coalesce(erased_at, ?2), contact_id = null,
        contact_email = null, contact_language = null where subject_id = ?1";

    /// Counts the marks that the subject was erased.
    COUNT_ERASED = "select count(*) from quoin.payments_customers where subject_id = ?1 and erased_at is not null";

    /// Lists the customers of a subject, each with its provider.
    LIST = "select provider, remote_id from quoin.payments_customers
        where subject_id = ?1 and remote_id is not null order by provider";
}

/// Notes that the subject is billed by a provider.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    subject: Subject,
    provider: &str,
    now: Timestamp,
) -> Result<(), DbError> {
    tx.execute(&INSERT, &params![subject.uuid(), subject.kind(), provider, now]).map(|_| ())
}

/// Finds the subject's customer at a provider.
pub(crate) fn find(tx: &mut Tx<'_>, subject: Subject, provider: &str) -> Result<Option<String>, DbError> {
    let found =
        tx.query_opt(&FIND, &params![subject.uuid(), provider], |row| row.get::<Option<String>>(0))?;
    Ok(found.flatten())
}

/// Notes the customer at the provider.
pub(crate) fn set_remote(
    tx: &mut Tx<'_>,
    subject: Subject,
    provider: &str,
    remote_id: &str,
) -> Result<(), DbError> {
    tx.execute(&SET_REMOTE, &params![subject.uuid(), provider, remote_id]).map(|_| ())
}

/// Notes who looks after the subject's money, and their language.
pub(crate) fn set_contact(
    tx: &mut Tx<'_>,
    subject: Subject,
    contact: UserId,
    (email, language): (&str, &str),
) -> Result<(), DbError> {
    tx.execute(&SET_CONTACT, &params![subject.uuid(), contact, email, language]).map(|_| ())
}

/// Finds the address and language of whoever looks after the subject's money.
pub(crate) fn find_contact(tx: &mut Tx<'_>, subject: Subject) -> Result<Option<(String, String)>, DbError> {
    tx.query_opt(&FIND_CONTACT, &params![subject.uuid()], |row| {
        Ok((row.get(0)?, row.get::<Option<String>>(1)?.unwrap_or_else(|| "en".to_owned())))
    })
}

/// Forgets a person who looked after somebody's money.
pub(crate) fn forget_contact_global(tx: &mut Tx<'_>, person: UserId) -> Result<u64, DbError> {
    tx.execute(&FORGET_CONTACT, &params![person])
}

/// Marks that the subject was erased, and forgets who looked after its money.
pub(crate) fn erase(tx: &mut Tx<'_>, subject: Subject, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&ERASE, &params![subject.uuid(), now]).map(|_| ())
}

/// Tells whether the subject was erased.
pub(crate) fn is_erased(tx: &mut Tx<'_>, subject: Subject) -> Result<bool, DbError> {
    tx.query_one(&COUNT_ERASED, &params![subject.uuid()], |row| Ok(row.get::<i64>(0)? > 0))
}

/// Lists the subject's customers, each after its provider.
pub(crate) fn list(tx: &mut Tx<'_>, subject: Subject) -> Result<Vec<(String, String)>, DbError> {
    tx.query(&LIST, &params![subject.uuid()], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// Whose customer it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Who is billed.
    pub(crate) subject: Subject,
    /// Whether they were erased: then nothing new begins.
    pub(crate) is_erased: bool,
}

/// Notes that the subject's customer is gone at the provider; `false` where it is not theirs any more.
pub(crate) fn retire(
    tx: &mut Tx<'_>,
    subject: Subject,
    (provider, customer): (&str, &str),
    now: Timestamp,
) -> Result<bool, DbError> {
    if tx.execute(&UNSET_REMOTE, &params![subject.uuid(), provider, customer])? == 0 {
        return Ok(false);
    }
    let row = params![subject.uuid(), provider, customer, subject.kind(), now];
    tx.execute(&INSERT_FORMER, &row)?;
    Ok(true)
}

/// Finds whose customer it is, or was.
pub(crate) fn find_owner(tx: &mut Tx<'_>, provider: &str, remote_id: &str) -> Result<Option<Owner>, DbError> {
    tx.query_opt(&FIND_OWNER, &params![provider, remote_id], |row| {
        let is_erased = row.get::<Option<Timestamp>>(2)?.is_some();
        Ok(Owner { subject: super::subject(row, 0, 1)?, is_erased })
    })
}
