//! One row of an upsert on SQLite, with PostgreSQL's order of checks: the proposed row must pass the policies for
//! inserting even where another row exists; a row that exists must be one that the caller may see and change, or the
//! whole request fails rather than reveal less than an error would.

use quoin_db::Tx;

use super::insert_rows::{CompleteRow, Inserted, key_values, violation};
use crate::compile::changing::ChangeRows;
use crate::compile::inserting::InsertRows;
use crate::compile::statement::{Assignments, Conflict};
use crate::error::DataError;
use crate::render::Renderer;
use crate::store::rows::Prepared;
use quoin_policy::catalogue::TableEntry;
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::binds;
use quoin_policy::model::expression::{Comparison, Expression};
use quoin_policy::model::requester::RequestRole;
use quoin_policy::model::table::Column;

/// The statements of one row.
pub(super) struct UpsertOnSqlite {
    /// Whether policies let the proposed row in.
    check: Option<Prepared>,
    /// Whether policies let the row that exists be changed; no row where none exists. Absent where the key holds NULL.
    existing: Option<Prepared>,
    insert: Prepared,
    /// Absent where rows that exist are left alone.
    update: Option<Prepared>,
    guarded: bool,
    returned: usize,
    /// The key's values, by which a row met twice is noticed.
    key: String,
    merge: bool,
}

impl UpsertOnSqlite {
    /// Compiles the statements.
    pub(super) fn compile<'b>(
        builder: &impl Fn() -> SqlBuilder<'b>,
        entry: &TableEntry,
        complete: &CompleteRow,
        conflict: &Conflict,
        returning: &[&Column],
    ) -> Result<Self, DataError> {
        let row = &complete.values;
        let sent = row[..complete.sent].to_vec();
        let guarded = binds(entry, builder().requester());
        let mut check = builder();
        let check = guarded
            .then(|| check.check_proposed(entry, row).map(|()| Prepared::new(check.finish())))
            .transpose()?;
        let key = key_values(row, conflict);
        let filter = key.as_ref().map(|key| key_filter(entry, key));
        let mut existing = None;
        let mut update = None;
        if let Some(filter) = &filter {
            let mut sql = builder();
            sql.check_existing(entry, filter, guarded && conflict.merge)?;
            existing = Some(Prepared::new(sql.finish()));
            if conflict.merge && !sent.is_empty() {
                let mut sql = builder();
                sql.update_rows(entry, &sent, filter, returning, true)?;
                update = Some(Prepared::new(sql.finish()));
            }
        }
        let mut insert = builder();
        insert.insert_row(entry, row, None, returning, true)?;
        Ok(Self {
            check,
            existing,
            insert: Prepared::new(insert.finish()),
            update,
            guarded,
            returned: returning.len(),
            key: key.map(|key| format!("{key:?}")).unwrap_or_default(),
            merge: conflict.merge,
        })
    }

    /// Inserts or changes the row.
    pub(super) fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &Renderer,
        inserted: &mut Inserted,
        seen: &mut Vec<String>,
    ) -> Result<(), DataError> {
        if let Some(check) = &self.check
            && check.truth(tx)? != Some(true)
        {
            return Err(violation());
        }
        let existing = match &self.existing {
            Some(existing) => existing.truth(tx)?,
            None => None,
        };
        if existing.is_some() && !self.merge {
            return Ok(());
        }
        if !self.key.is_empty() {
            if existing.is_some() && seen.contains(&self.key) {
                return Err(DataError::ConflictTwice);
            }
            seen.push(self.key.clone());
        }
        match (existing, &self.update) {
            (None, _) => {
                inserted.new += 1;
                self.write(tx, &self.insert, false, renderer, inserted)
            }
            (Some(false), _) => {
                Err(DataError::UpsertPolicyViolation(String::new(), RequestRole::Authenticated))
            }
            (Some(true), Some(update)) => self.write(tx, update, self.guarded, renderer, inserted),
            (Some(true), None) => Ok(()),
        }
    }

    /// Runs a statement; `checked` says that its last column tells whether policies agree.
    fn write(
        &self,
        tx: &mut Tx<'_>,
        statement: &Prepared,
        checked: bool,
        renderer: &Renderer,
        inserted: &mut Inserted,
    ) -> Result<(), DataError> {
        inserted.affected += 1;
        if self.returned == 0 && !checked {
            return Ok(statement.execute(tx).map(drop)?);
        }
        // Without columns the statement reads a 1 before the flag.
        let flag = self.returned.max(1);
        statement.for_each(tx, |row| {
            if checked && !row.get::<Option<bool>>(flag)?.unwrap_or(false) {
                return Err(violation());
            }
            if self.returned > 0 { inserted.collected.take(renderer, row) } else { Ok(()) }
        })
    }
}

/// Finds the row that has this key.
fn key_filter(entry: &TableEntry, key: &Assignments) -> Expression {
    let equals = key.iter().filter_map(|(name, value)| {
        let column = entry.table.column(name)?;
        let left = Expression::column(name, &column.kind);
        let right = Expression::Constant(value.clone(), column.kind.clone());
        Some(Expression::Compare(Comparison::Equal, Box::new(left), Box::new(right)))
    });
    Expression::All(equals.collect())
}
