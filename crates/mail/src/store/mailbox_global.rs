//! The development mailbox.

use quoin_db::{DbError, Row, Tx, params, statements};
use quoin_kernel::EmailAddress;
use serde_json::json;

use crate::model::CapturedMail;

/// Mails that the mailbox shows and holds at most.
pub(crate) const CAPACITY: i64 = 1000;

statements! {
    /// Keeps a mail; a second try of the same one changes nothing.
    INSERT = "insert into quoin.mail_mailbox (id, to_address, subject, body_text, body_html, links, sent_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7) on conflict (id) do nothing";

    /// Drops all but the newest.
    TRIM = "delete from quoin.mail_mailbox where id in (
        select id from quoin.mail_mailbox order by id desc limit 100 offset ?1)";

    /// Lists all mails, newest first.
    LIST = "select id, to_address, subject, body_text, body_html, links, sent_at
        from quoin.mail_mailbox order by id desc limit ?1";

    /// Lists the mails to one address, newest first.
    LIST_TO = "select id, to_address, subject, body_text, body_html, links, sent_at
        from quoin.mail_mailbox where to_address = ?1 order by id desc limit ?2";

    /// Drops the mails to one address.
    FORGET = "delete from quoin.mail_mailbox where to_address = ?1";

    /// Drops everything.
    CLEAR = "delete from quoin.mail_mailbox";
}

/// Keeps `mail` and drops the oldest beyond the capacity.
pub(crate) fn insert(tx: &mut Tx<'_>, mail: &CapturedMail) -> Result<(), DbError> {
    let links = json!(mail.links);
    let row = params![mail.id, &mail.to, &mail.subject, &mail.text, &mail.html, &links, mail.sent_at];
    tx.execute(&INSERT, &row)?;
    tx.execute(&TRIM, &params![CAPACITY]).map(|_| ())
}

/// Lists mails, newest first, to one address or to all.
pub(crate) fn list(tx: &mut Tx<'_>, to: Option<&str>) -> Result<Vec<CapturedMail>, DbError> {
    match to {
        Some(to) => tx.query(&LIST_TO, &params![to, CAPACITY], read),
        None => tx.query(&LIST, &params![CAPACITY], read),
    }
}

/// Drops the mails to one address.
pub(crate) fn forget(tx: &mut Tx<'_>, address: &EmailAddress) -> Result<(), DbError> {
    tx.execute(&FORGET, &params![address]).map(|_| ())
}

/// Empties the mailbox.
pub(crate) fn clear(tx: &mut Tx<'_>) -> Result<(), DbError> {
    tx.execute(&CLEAR, &[]).map(|_| ())
}

fn read(row: &Row<'_>) -> Result<CapturedMail, DbError> {
    let links: serde_json::Value = row.get(5)?;
    let links = serde_json::from_value(links).map_err(|_| DbError::Column { index: 5, expected: "links" })?;
    Ok(CapturedMail {
        id: row.get(0)?,
        to: row.get(1)?,
        subject: row.get(2)?,
        text: row.get(3)?,
        html: row.get(4)?,
        links,
        sent_at: row.get(6)?,
    })
}
