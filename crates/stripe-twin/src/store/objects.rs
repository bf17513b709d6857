//! Objects and the other names under which they are found.

use quoin_db::params;
use quoin_db::{DbError, Row, Tx, statements};

use crate::object::Object;

statements! {
    FIND = "select body from quoin.stripe_twin_objects where id = ?1";
    FIND_BY_ALIAS = "select o.body from quoin.stripe_twin_objects o
        join quoin.stripe_twin_aliases a on a.object_id = o.id where a.alias = ?1";
    FIND_SEQ = "select seq from quoin.stripe_twin_objects where id = ?1";
    INSERT = "insert into quoin.stripe_twin_objects (id, seq, kind, customer, parent, clock, due_at, body)
        select ?1, coalesce(max(seq), 0) + 1, ?2, ?3, ?4, ?5, ?6, ?7 from quoin.stripe_twin_objects";
    UPDATE = "update quoin.stripe_twin_objects set customer = ?2, parent = ?3, clock = ?4, due_at = ?5, body = ?6
        where id = ?1";
    DELETE = "delete from quoin.stripe_twin_objects where id = ?1";
    PUT_ALIAS = "insert into quoin.stripe_twin_aliases (alias, object_id) values (?1, ?2)
        on conflict (alias) do update set object_id = excluded.object_id";
    DELETE_ALIASES = "delete from quoin.stripe_twin_aliases where object_id = ?1";
    LIST_BEFORE = "select seq, body from quoin.stripe_twin_objects where kind = ?1 and (customer = ?2 or ?2 is null)
        and (parent = ?3 or ?3 is null) and seq < ?4 order by seq desc limit ?5";
    LIST_AFTER = "select seq, body from quoin.stripe_twin_objects where kind = ?1 and (customer = ?2 or ?2 is null)
        and (parent = ?3 or ?3 is null) and seq > ?4 order by seq limit ?5";
    LIST_OF_CLOCK = "select body from quoin.stripe_twin_objects where clock = ?1 order by seq";
    FIRST_DUE = "select body from quoin.stripe_twin_objects where clock is null and due_at <= ?1
        order by due_at, seq limit 1";
    FIRST_DUE_OF_CLOCK = "select body from quoin.stripe_twin_objects where clock = ?1 and due_at <= ?2
        order by due_at, seq limit 1";
    COUNT = "select kind, count(*) from quoin.stripe_twin_objects group by kind order by kind";
}

/// The columns beside a document.
#[derive(Debug, Default)]
pub(crate) struct Columns<'a> {
    pub(crate) customer: Option<&'a str>,
    pub(crate) parent: Option<&'a str>,
    pub(crate) clock: Option<&'a str>,
    pub(crate) due_at: Option<i64>,
}

/// Which objects of a kind are listed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Listed<'a> {
    pub(crate) kind: &'a str,
    pub(crate) customer: Option<&'a str>,
    pub(crate) parent: Option<&'a str>,
}

fn body(row: &Row<'_>) -> Result<Object, DbError> {
    row.get(0).map(Object::new)
}

fn numbered(row: &Row<'_>) -> Result<(i64, Object), DbError> {
    Ok((row.get(0)?, Object::new(row.get(1)?)))
}

/// Finds an object by its id.
pub(crate) fn find(tx: &mut Tx<'_>, id: &str) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIND, &params![id], body)
}

/// Finds an object by another of its names.
pub(crate) fn find_by_alias(tx: &mut Tx<'_>, alias: &str) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIND_BY_ALIAS, &params![alias], body)
}

/// Finds the place of an object in the order of creation.
pub(crate) fn find_seq(tx: &mut Tx<'_>, id: &str) -> Result<Option<i64>, DbError> {
    tx.query_opt(&FIND_SEQ, &params![id], |row| row.get(0))
}

/// Inserts an object after all others.
pub(crate) fn insert(tx: &mut Tx<'_>, object: &Object, columns: &Columns<'_>) -> Result<(), DbError> {
    let Columns { customer, parent, clock, due_at } = *columns;
    let params = params![object.id(), object.kind(), customer, parent, clock, due_at, object.document()];
    tx.execute(&INSERT, &params).map(drop)
}

/// Writes an object anew.
pub(crate) fn update(tx: &mut Tx<'_>, object: &Object, columns: &Columns<'_>) -> Result<(), DbError> {
    let Columns { customer, parent, clock, due_at } = *columns;
    let params = params![object.id(), customer, parent, clock, due_at, object.document()];
    tx.execute(&UPDATE, &params).map(drop)
}

/// Deletes an object and its other names.
pub(crate) fn delete(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.execute(&DELETE_ALIASES, &params![id])?;
    tx.execute(&DELETE, &params![id]).map(drop)
}

/// Gives an object another name, taking it from whichever had it.
pub(crate) fn insert_alias(tx: &mut Tx<'_>, alias: &str, id: &str) -> Result<(), DbError> {
    tx.execute(&PUT_ALIAS, &params![alias, id]).map(drop)
}

/// Lists objects that are older than `seq`, newest first.
pub(crate) fn list_before(
    tx: &mut Tx<'_>,
    listed: &Listed<'_>,
    seq: i64,
    limit: i64,
) -> Result<Vec<(i64, Object)>, DbError> {
    tx.query(&LIST_BEFORE, &params![listed.kind, listed.customer, listed.parent, seq, limit], numbered)
}

/// Lists objects that are newer than `seq`, oldest first.
pub(crate) fn list_after(
    tx: &mut Tx<'_>,
    listed: &Listed<'_>,
    seq: i64,
    limit: i64,
) -> Result<Vec<(i64, Object)>, DbError> {
    tx.query(&LIST_AFTER, &params![listed.kind, listed.customer, listed.parent, seq, limit], numbered)
}

/// Lists everything that lives on a test clock, oldest first.
pub(crate) fn list_of_clock(tx: &mut Tx<'_>, clock: &str) -> Result<Vec<Object>, DbError> {
    tx.query(&LIST_OF_CLOCK, &params![clock], body)
}

/// Finds what is to happen first by the real clock.
pub(crate) fn find_first_due(tx: &mut Tx<'_>, now: i64) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIRST_DUE, &params![now], body)
}

/// Finds what is to happen first on a test clock.
pub(crate) fn find_first_due_of_clock(
    tx: &mut Tx<'_>,
    clock: &str,
    until: i64,
) -> Result<Option<Object>, DbError> {
    tx.query_opt(&FIRST_DUE_OF_CLOCK, &params![clock, until], body)
}

/// Counts objects by kind.
pub(crate) fn count(tx: &mut Tx<'_>) -> Result<Vec<(String, i64)>, DbError> {
    tx.query(&COUNT, &params![], |row| Ok((row.get(0)?, row.get(1)?)))
}
