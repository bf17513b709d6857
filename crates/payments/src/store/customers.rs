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

    /// Finds whose customer it is.
    FIND_SUBJECT = "select subject_kind, subject_id from quoin.payments_customers
        where provider = ?1 and remote_id = ?2";
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

/// Finds whose customer it is.
pub(crate) fn find_subject(
    tx: &mut Tx<'_>,
    provider: &str,
    remote_id: &str,
) -> Result<Option<Subject>, DbError> {
    tx.query_opt(&FIND_SUBJECT, &params![provider, remote_id], |row| super::subject(row, 0, 1))
}
