//! SQL on `quoin.identity_users`. Whose people somebody is one of is the first thing that an address is looked up by.

use quoin_db::{DbError, Row, Tx, Value, params, statements};
use quoin_kernel::{EmailAddress, OrgId, Timestamp, UserId};

use uuid::Uuid;

use crate::model::{EmailProof, Metadata, Realm, User};
use crate::store::{factors_global, identities_global};

/// The columns that [`read`] reads, in its order.
macro_rules! columns {
    ($alias:literal) => {
        concat!(
            $alias,
            "id, ",
            $alias,
            "email, ",
            $alias,
            "email_confirmed_at, ",
            $alias,
            "password_hash, ",
            $alias,
            "user_metadata, ",
            $alias,
            "app_metadata, ",
            $alias,
            "new_email, ",
            $alias,
            "banned_until, ",
            $alias,
            "invited_at, ",
            $alias,
            "confirmation_sent_at, ",
            $alias,
            "recovery_sent_at, ",
            $alias,
            "email_change_sent_at, ",
            $alias,
            "last_sign_in_at, ",
            $alias,
            "created_at, ",
            $alias,
            "updated_at, ",
            $alias,
            "is_anonymous, ",
            $alias,
            "realm_id, ",
            $alias,
            "email_proof, exists (select 1 from quoin.identity_factors f where f.user_id = ",
            $alias,
            "id) or exists (select 1 from quoin.identity_identities i where i.user_id = ",
            $alias,
            "id)"
        )
    };
}
pub(crate) use columns;

/// How many columns [`columns`] names.
pub(crate) const COLUMNS: usize = 19;

statements! {
    GET = concat!("select ", columns!("u."), " from quoin.identity_users u where u.id = ?1");
    FIND_BY_EMAIL = concat!("select ", columns!("u."), " from quoin.identity_users u where u.realm_id = ?1 and u.email = ?2");
    INSERT = "insert into quoin.identity_users (id, email, email_confirmed_at, password_hash, user_metadata,
        app_metadata, new_email, banned_until, invited_at, confirmation_sent_at, recovery_sent_at,
        email_change_sent_at, last_sign_in_at, created_at, updated_at, is_anonymous, email_proof, realm_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";
    UPDATE = "update quoin.identity_users set email = ?2, email_confirmed_at = ?3, password_hash = ?4,
        user_metadata = ?5, app_metadata = ?6, new_email = ?7, banned_until = ?8, invited_at = ?9,
        confirmation_sent_at = ?10, recovery_sent_at = ?11, email_change_sent_at = ?12, last_sign_in_at = ?13,
        created_at = ?14, updated_at = ?15, is_anonymous = ?16, email_proof = ?17
        where id = ?1 and realm_id = ?18";
    SIGNED_IN = "update quoin.identity_users set last_sign_in_at = ?2 where id = ?1";
    /// A rehash must not undo a change of password that came in between.
    REHASH = "update quoin.identity_users set password_hash = ?3 where id = ?1 and password_hash = ?2";
    DELETE = "delete from quoin.identity_users where id = ?1";
    COUNT = "select count(*) from quoin.identity_users";
    COUNT_OF = "select count(*) from quoin.identity_users where realm_id = ?1";
    LIST_OF = concat!("select ", columns!("u."), " from quoin.identity_users u where u.realm_id = ?3
        order by u.id desc limit ?1 offset ?2");
    LIST_IDS_OF = "select id from quoin.identity_users where realm_id = ?1 order by id limit ?2";
    /// The nil id is the least, so that either question is answered by the first entry of an index.
    IS_ANYBODY_OF = "select realm_id from quoin.identity_users where realm_id = ?1 limit 1";
    IS_ANYBODY_BEYOND = "select realm_id from quoin.identity_users where realm_id > ?1 limit 1";
    LIST_FIRST = concat!("select ", columns!("u."), " from quoin.identity_users u order by u.id limit ?1");
    LIST_AFTER = concat!("select ", columns!("u."), " from quoin.identity_users u where u.id > ?2 order by u.id limit ?1");
    LIST = concat!("select ", columns!("u."), " from quoin.identity_users u order by u.id desc limit ?1 offset ?2");
}

/// Finds a person.
pub(crate) fn find(tx: &mut Tx<'_>, id: UserId) -> Result<Option<User>, DbError> {
    let found = tx.query_opt(&GET, &params![id], |row| read(row, 0))?;
    found.map(|found| found.complete(tx)).transpose()
}

/// Finds the person of a realm whose address this is.
pub(crate) fn find_by_email(
    tx: &mut Tx<'_>,
    realm: Realm,
    email: &EmailAddress,
) -> Result<Option<User>, DbError> {
    let found = tx.query_opt(&FIND_BY_EMAIL, &params![realm.key(), email], |row| read(row, 0))?;
    found.map(|found| found.complete(tx)).transpose()
}

/// Adds a person; [`DbError::Unique`] names `identity_users_email` where the address is taken.
pub(crate) fn insert(tx: &mut Tx<'_>, user: &User) -> Result<(), DbError> {
    tx.execute(&INSERT, &row_of(user)).map(|_| ())
}

/// Writes every column of a person that was read in the same transaction.
pub(crate) fn update(tx: &mut Tx<'_>, user: &User) -> Result<(), DbError> {
    tx.execute(&UPDATE, &row_of(user)).map(|_| ())
}

/// Writes a person in the order of `INSERT`.
fn row_of(user: &User) -> [Value<'_>; 18] {
    params![
        user.id,
        user.email.as_ref(),
        user.email_confirmed_at,
        user.password_hash.as_deref(),
        &user.user_metadata.to_json(),
        &user.app_metadata.to_json(),
        user.new_email.as_ref(),
        user.banned_until,
        user.invited_at,
        user.confirmation_sent_at,
        user.recovery_sent_at,
        user.email_change_sent_at,
        user.last_sign_in_at,
        user.created_at,
        user.updated_at,
        user.is_anonymous,
        user.email_proof.map(EmailProof::as_str),
        user.realm.key(),
    ]
}

/// Notes a sign-in.
pub(crate) fn update_last_sign_in(tx: &mut Tx<'_>, id: UserId, now: Timestamp) -> Result<(), DbError> {
    tx.execute(&SIGNED_IN, &params![id, now]).map(|_| ())
}

/// Replaces a hash by one with present parameters, unless the password was changed in between.
pub(crate) fn update_hash(tx: &mut Tx<'_>, id: UserId, old: &str, new: &str) -> Result<(), DbError> {
    tx.execute(&REHASH, &params![id, old, new]).map(|_| ())
}

/// Removes a person; sessions, links and codes go with them.
pub(crate) fn delete(tx: &mut Tx<'_>, id: UserId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![id])? == 1)
}

/// Lists people, newest first, of one realm or of all.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    realm: Option<Realm>,
    limit: u32,
    offset: i64,
) -> Result<Vec<User>, DbError> {
    let found = match realm {
        Some(realm) => tx.query(&LIST_OF, &params![limit, offset, realm.key()], |row| read(row, 0))?,
        None => tx.query(&LIST, &params![limit, offset], |row| read(row, 0))?,
    };
    found.into_iter().map(|found| found.complete(tx)).collect()
}

/// Lists people in order of their ids, from behind one on.
pub(crate) fn list_after(tx: &mut Tx<'_>, after: Option<Uuid>, limit: u32) -> Result<Vec<User>, DbError> {
    let found = match after {
        Some(after) => tx.query(&LIST_AFTER, &params![limit, after], |row| read(row, 0))?,
        None => tx.query(&LIST_FIRST, &params![limit], |row| read(row, 0))?,
    };
    found.into_iter().map(|found| found.complete(tx)).collect()
}

/// Counts people, of one realm or of all. Only the contract's paged list asks for it.
pub(crate) fn count(tx: &mut Tx<'_>, realm: Option<Realm>) -> Result<i64, DbError> {
    match realm {
        Some(realm) => tx.query_one(&COUNT_OF, &params![realm.key()], |row| row.get(0)),
        None => tx.query_one(&COUNT, &[], |row| row.get(0)),
    }
}

/// Lists some of a realm's people.
pub(crate) fn list_ids_of(tx: &mut Tx<'_>, realm: Realm, limit: u32) -> Result<Vec<UserId>, DbError> {
    tx.query(&LIST_IDS_OF, &params![realm.key(), limit], |row| row.get(0))
}

/// Tells whether anybody is one of the whole instance's people.
pub(crate) fn is_anybody_of_instance(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let found = tx.query_opt(&IS_ANYBODY_OF, &params![Realm::INSTANCE.key()], |row| row.get::<OrgId>(0))?;
    Ok(found.is_some())
}

/// Tells whether anybody is one of an organisation's people.
pub(crate) fn is_anybody_of_organizations(tx: &mut Tx<'_>) -> Result<bool, DbError> {
    let found =
        tx.query_opt(&IS_ANYBODY_BEYOND, &params![Realm::INSTANCE.key()], |row| row.get::<OrgId>(0))?;
    Ok(found.is_some())
}

/// A person's row, which says whether other tables hold more about them: most people cost one look-up.
pub(crate) struct Found {
    user: User,
    has_more: bool,
}

impl Found {
    /// Reads what other tables hold.
    pub(crate) fn complete(mut self, tx: &mut Tx<'_>) -> Result<User, DbError> {
        if self.has_more {
            self.user.factors = factors_global::list(tx, self.user.id)?;
            self.user.identities = identities_global::list(tx, self.user.id)?;
        }
        Ok(self.user)
    }
}

/// Reads a person whose columns begin at `at`.
pub(crate) fn read(row: &Row<'_>, at: usize) -> Result<Found, DbError> {
    let user = User {
        id: row.get(at)?,
        email: email(row, at + 1)?,
        email_confirmed_at: row.get(at + 2)?,
        password_hash: row.get(at + 3)?,
        user_metadata: Metadata::stored(row.get(at + 4)?),
        app_metadata: Metadata::stored(row.get(at + 5)?),
        new_email: email(row, at + 6)?,
        banned_until: row.get(at + 7)?,
        invited_at: row.get(at + 8)?,
        confirmation_sent_at: row.get(at + 9)?,
        recovery_sent_at: row.get(at + 10)?,
        email_change_sent_at: row.get(at + 11)?,
        last_sign_in_at: row.get(at + 12)?,
        created_at: row.get(at + 13)?,
        updated_at: row.get(at + 14)?,
        is_anonymous: row.get(at + 15)?,
        realm: Realm::stored(row.get(at + 16)?),
        email_proof: row.get::<Option<String>>(at + 17)?.as_deref().and_then(EmailProof::parse),
        factors: Vec::new(),
        identities: Vec::new(),
    };
    Ok(Found { user, has_more: row.get(at + 18)? })
}

/// Reads an address that was canonical when it was written.
pub(crate) fn email(row: &Row<'_>, index: usize) -> Result<Option<EmailAddress>, DbError> {
    let text: Option<String> = row.get(index)?;
    Ok(text.map(EmailAddress::from_canonical))
}
