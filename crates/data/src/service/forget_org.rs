//! Removing the rows of an organisation that is gone: of every table with a column `org_id` of type `uuid`.

use quoin_db::{DbError, Engine, Value};
use quoin_kernel::OrgId;

use super::Data;
use crate::error::DataError;
use crate::store::rows::Prepared;
use quoin_policy::catalogue::{Catalogue, TableEntry};
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::model::logical_type::LogicalType;

/// The column that says whose a row is.
const COLUMN: &str = "org_id";
/// How many rows one transaction removes, so that no other waits for long.
const AT_ONCE: u64 = 500;

impl Data {
    /// Removes the organisation's rows, each table by itself, in the order that references allow.
    ///
    /// # Errors
    /// [`DbError::ForeignKey`] where rows of tables without that column, or of another organisation, hold on to them.
    pub(crate) async fn forget_org(&self, org_id: OrgId) -> Result<u64, DataError> {
        let catalogue = self.cache().reload(self.db()).await?;
        let mut waiting: Vec<Prepared> = catalogue
            .entries()
            .filter(|entry| is_of_organisations(entry))
            .map(|entry| self.delete_some(&catalogue, entry, org_id))
            .collect();
        let mut removed = 0;
        while !waiting.is_empty() {
            let (before, mut blocked, mut reason) = (waiting.len(), Vec::new(), None);
            for statement in waiting {
                match self.empty(&statement).await {
                    Ok(rows) => removed += rows,
                    Err(error @ DbError::ForeignKey { .. }) => {
                        blocked.push(statement);
                        reason = Some(error);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
            if let (Some(reason), true) = (reason, blocked.len() == before) {
                return Err(reason.into());
            }
            waiting = blocked;
        }
        Ok(removed)
    }

    /// Runs a removal until nothing is left of what it removes.
    async fn empty(&self, statement: &Prepared) -> Result<u64, DbError> {
        let mut removed = 0;
        loop {
            let once = statement.clone();
            let rows = self.db().write("data.forget_org", move |tx| once.execute(tx)).await?;
            removed += rows;
            if rows < AT_ONCE {
                return Ok(removed);
            }
        }
    }

    fn delete_some(&self, catalogue: &Catalogue, entry: &TableEntry, org_id: OrgId) -> Prepared {
        let requester = self.platform();
        let mut sql = SqlBuilder::new(self.engine(), catalogue, &requester);
        let (before, after) = match self.engine() {
            Engine::Sqlite => (" where rowid in (select rowid from ", ")"),
            Engine::Postgres => (" where ctid = any(array(select ctid from ", "))"),
        };
        sql.push("delete from ").table(&entry.table.name).push(before).table(&entry.table.name);
        sql.push(" where ").name(COLUMN).push(" = ").param(Value::Id(org_id.uuid()));
        sql.push(" limit ").push(&AT_ONCE.to_string()).push(after);
        Prepared::new(sql.finish())
    }
}

fn is_of_organisations(entry: &TableEntry) -> bool {
    let is_own = |column: &quoin_policy::model::table::Column| {
        column.name == COLUMN && column.kind == LogicalType::Uuid
    };
    entry.view.is_none() && !entry.table.read_only && entry.table.columns.iter().any(is_own)
}
