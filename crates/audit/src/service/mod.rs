//! The verbs: record an entry in the caller's transaction, list entries, remove old ones.

mod purge;

pub use purge::purge;

use quoin_db::{Db, DbError, Tx};
use quoin_kernel::page::Listed;
use quoin_kernel::{OrgId, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::model::{Entry, EntryId, Filter};
use crate::store::entries_global;

/// An entry as it stands in the trail.
#[derive(Debug, Clone, Serialize, schemars::JsonSchema)]
pub struct Recorded {
    /// The entry.
    pub id: EntryId,
    /// When it happened.
    pub at: Timestamp,
    /// `user`, `api_key`, `system` or `anonymous`.
    pub actor_kind: String,
    /// Who did it; null for anonymous callers.
    pub actor_id: Option<String>,
    /// For which organisation, if for one.
    pub org_id: Option<OrgId>,
    /// What was done, for example `identity.user.banned`.
    pub action: String,
    /// To what it was done.
    pub target: Option<String>,
    /// What else there is to know.
    pub detail: Value,
    /// The client's address.
    pub ip: Option<String>,
    /// The request, which the log knows too.
    pub request_id: Option<String>,
}

/// Appends an entry in the transaction that does what the entry says.
pub fn record(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), DbError> {
    entries_global::insert(tx, entry)
}

/// Lists entries, newest first. The three HTTP filters of the trail all end here.
///
/// Whoever calls it has decided that the caller may see what `filter` names.
pub async fn list(db: &Db, filter: Filter) -> Result<Listed<Recorded>, DbError> {
    let page = filter.page;
    let rows = db.read("audit.list", move |tx| entries_global::list(tx, &filter)).await?;
    Ok(Listed::from_rows(rows, page, |row| row.id.uuid(), |row| row))
}
