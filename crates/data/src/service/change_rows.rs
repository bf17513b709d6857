//! Updates, deletes and puts rows.

use quoin_db::{DbError, Engine, Tx};

use super::Data;
use super::count_rows::RowCount;
use super::insert_rows::{insert_answer, read_body, refuse_affected, violation};
use super::request::{Answer, Resolved, RowsRequest, keep_or_undo, undone};
use crate::compile::changing::ChangeRows;
use crate::compile::statement::{Assignments, Conflict};
use crate::error::DataError;
use crate::model::query::range::MOST_ROWS;
use crate::model::query::{Resolution, Return};
use crate::render::{Format, Renderer};
use crate::store::rows::{Collected, Prepared};
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::binds;
use quoin_policy::model::expression::{Comparison, Expression};
use quoin_policy::model::literal::Literal;
use quoin_policy::model::table::{Column, Table};
use quoin_policy::session;

/// A change of rows, ready to run.
struct Change {
    statement: Prepared,
    /// Whether rows go away.
    removes: bool,
    /// Whether the statement's last column tells whether policies agree with the row left behind.
    checked: bool,
    /// Finds a row that policies would not let be left behind; asked when a constraint fails first.
    refused: Option<Prepared>,
    returned: usize,
    renderer: Renderer,
    window: crate::model::query::Window,
}

impl Data {
    /// Sets the columns of the body in every row that matches.
    ///
    /// # Errors
    /// What the contract refuses: columns, values, constraints, policies.
    pub async fn update_rows(&self, request: RowsRequest) -> Result<Answer, DataError> {
        request.refuse_order()?;
        let resolved = self.resolve(&request).await?;
        let entry = &resolved.entry;
        let mut rows = read_body(&request, &entry.table)?;
        if rows.len() > 1 {
            return Err(DataError::BadBody("An update takes one object".into()));
        }
        let sets = rows.pop().unwrap_or_default();
        if let Some(always) = identity_always(&entry.table, &sets) {
            return Err(DataError::IdentityAlways(always));
        }
        if sets.is_empty() {
            // Nothing is set, so nothing is touched.
            let nothing = Resolved { filter: Expression::Any(Vec::new()), ..resolved.clone() };
            let change = self.compile_delete(&request, &nothing)?;
            return self.change(request, &resolved, change).await;
        }
        let change = self.compile_update(&request, &resolved, &sets)?;
        self.change(request, &resolved, change).await
    }

    /// Removes every row that matches.
    ///
    /// # Errors
    /// What the contract refuses: columns, constraints, policies.
    pub async fn delete_rows(&self, request: RowsRequest) -> Result<Answer, DataError> {
        request.refuse_order()?;
        let resolved = self.resolve(&request).await?;
        let change = self.compile_delete(&request, &resolved)?;
        self.change(request, &resolved, change).await
    }

    /// Inserts the one row that the query string names by its primary key, or replaces it.
    ///
    /// # Errors
    /// `PGRST105`, `PGRST114`, `PGRST115` where query string and body do not name one row by its key.
    pub async fn put_row(&self, mut request: RowsRequest) -> Result<Answer, DataError> {
        if request.parameters.limit.is_some()
            || request.parameters.offset.is_some()
            || request.range.is_some()
        {
            return Err(DataError::BadPut(
                "PGRST114",
                "limit/offset querystring parameters are not allowed for PUT",
                400,
            ));
        }
        request.refuse_order()?;
        request.preferences.resolution = Some(Resolution::MergeDuplicates);
        let resolved = self.resolve(&request).await?;
        let table = &resolved.entry.table;
        let named = key_of_filters(&resolved.filter, table).ok_or(DataError::BadPut(
            "PGRST105",
            "Filters must include all and only primary key columns with 'eq' operators",
            405,
        ))?;
        let rows = read_body(&request, table)?;
        let agrees = |row: &Assignments| named.iter().all(|pair| row.contains(pair));
        if rows.len() != 1 || !rows.iter().all(agrees) {
            let reason = "Payload values do not match URL in primary key column(s)";
            return Err(DataError::BadPut("PGRST115", reason, 400));
        }
        let conflict = Conflict { columns: named.into_iter().map(|(name, _)| name).collect(), merge: true };
        let put = self.write_rows(&request, &resolved, rows, Some(conflict), |request, inserted| {
            let status = match (inserted.new, request.returning()) {
                (0, Return::Representation) => 200,
                (0, _) => 204,
                _ => 201,
            };
            insert_answer(request, inserted, status)
        });
        undone(put.await)
    }

    fn compile_update(
        &self,
        request: &RowsRequest,
        resolved: &Resolved,
        sets: &Assignments,
    ) -> Result<Change, DataError> {
        let Resolved { catalogue, entry, filter, .. } = resolved;
        let returning = returned_columns(request, resolved);
        let reads = reads(filter, &returning);
        let builder = || SqlBuilder::new(self.engine(), catalogue, &request.requester);
        let mut sql = builder();
        sql.update_rows(entry, sets, filter, &returning, reads)?;
        let checked = self.engine() == Engine::Sqlite && binds(entry, &request.requester);
        let mut refused = None;
        if checked {
            let mut sql = builder();
            sql.refused_changes(entry, sets, filter, reads)?;
            refused = Some(Prepared::new(sql.finish()));
        }
        let (renderer, window, returned) = (resolved.renderer.clone(), resolved.window, returning.len());
        let statement = Prepared::new(sql.finish());
        Ok(Change { statement, removes: false, checked, refused, returned, renderer, window })
    }

    fn compile_delete(&self, request: &RowsRequest, resolved: &Resolved) -> Result<Change, DataError> {
        let Resolved { catalogue, entry, filter, .. } = resolved;
        let returning = returned_columns(request, resolved);
        let mut sql = SqlBuilder::new(self.engine(), catalogue, &request.requester);
        sql.delete_rows(entry, filter, &returning, reads(filter, &returning))?;
        let (renderer, window, returned) = (resolved.renderer.clone(), resolved.window, returning.len());
        Ok(Change {
            statement: Prepared::new(sql.finish()),
            removes: true,
            checked: false,
            refused: None,
            returned,
            renderer,
            window,
        })
    }

    async fn change(
        &self,
        request: RowsRequest,
        resolved: &Resolved,
        change: Change,
    ) -> Result<Answer, DataError> {
        if resolved.entry.table.read_only {
            return Err(DataError::ReadOnly(resolved.entry.table.name.clone()));
        }
        let as_owner = self.as_owner(&request.requester, &resolved.entry);
        let role = request.requester.role;
        let table = resolved.entry.table.name.clone();
        let counted = RowCount::of(&self.0.app, &request.requester).filter(|_| change.removes);
        let write = move |tx: &mut Tx<'_>| {
            session::begin(tx, &request.requester, as_owner)?;
            let (collected, affected) = change.run(tx).map_err(|error| match error {
                DataError::Db(error) => DataError::from_constraint(error, &table, role),
                DataError::PolicyViolation(_, _) => DataError::PolicyViolation(table.clone(), role),
                other => other,
            })?;
            refuse_affected(&request, affected)?;
            if let Some(counted) = &counted {
                counted.give_back(tx, affected)?;
            }
            keep_or_undo(change_answer(&request, collected, affected)?, &request)
        };
        undone(self.db().write("data.rows.change", write).await).map_err(|error| self.note(error))
    }
}

impl Change {
    fn run(&self, tx: &mut Tx<'_>) -> Result<(Collected, u64), DataError> {
        let changed = self.run_statement(tx);
        match (&changed, &self.refused) {
            (Err(DataError::Db(error)), Some(refused)) if is_constraint(error) => {
                // PostgreSQL asks policies before constraints, or a failing constraint would tell of hidden rows.
                if refused.truth(tx)?.is_some() { Err(violation()) } else { changed }
            }
            _ => changed,
        }
    }

    fn run_statement(&self, tx: &mut Tx<'_>) -> Result<(Collected, u64), DataError> {
        let mut collected = Collected::window(&self.renderer, self.window.offset, self.window.limit);
        if self.returned == 0 && !self.checked {
            let affected = self.statement.execute(tx)?;
            return Ok((collected, affected));
        }
        // Without columns the statement reads a 1 before the flag.
        let flag = self.returned.max(1);
        let mut affected = 0;
        self.statement.for_each(tx, |row| {
            affected += 1;
            if self.checked && !row.get::<Option<bool>>(flag)?.unwrap_or(false) {
                return Err(violation());
            }
            if self.returned > 0 { collected.take(&self.renderer, row) } else { Ok(()) }
        })?;
        self.renderer.end(&mut collected.text);
        Ok((collected, affected))
    }
}

fn is_constraint(error: &DbError) -> bool {
    matches!(
        error,
        DbError::Unique { .. } | DbError::ForeignKey { .. } | DbError::Check { .. } | DbError::NotNull { .. }
    )
}

fn returned_columns<'r>(request: &RowsRequest, resolved: &'r Resolved) -> Vec<&'r Column> {
    if request.returning() == Return::Representation { resolved.renderer.columns() } else { Vec::new() }
}

/// Tells whether a change reads rows, which holds it to the policies for reading as well.
fn reads(filter: &Expression, returning: &[&Column]) -> bool {
    !returning.is_empty() || !matches!(filter, Expression::All(parts) if parts.is_empty())
}

fn identity_always(table: &Table, sets: &Assignments) -> Option<String> {
    let always = table.columns.iter().find(|column| {
        column.identity == Some(quoin_policy::model::table::Identity::Always)
            && sets.iter().any(|(name, _)| *name == column.name)
    });
    always.map(|column| column.name.clone())
}

/// Returns the key that the filters name: `eq` on every column of the primary key and nothing else.
fn key_of_filters(filter: &Expression, table: &Table) -> Option<Vec<(String, Literal)>> {
    let Expression::All(parts) = filter else { return None };
    let key = table.primary_key.as_ref()?;
    let mut named = Vec::with_capacity(parts.len());
    for part in parts {
        let Expression::Compare(Comparison::Equal, left, right) = part else { return None };
        let (Expression::Column { name, kind, .. }, Expression::Constant(value, _)) = (&**left, &**right)
        else {
            return None;
        };
        if !key.columns.contains(name) || named.iter().any(|(known, _)| known == name) {
            return None;
        }
        named.push((name.clone(), Literal::parse(kind, &value.to_text()).ok()?));
    }
    (named.len() == key.columns.len()).then_some(named)
}

fn change_answer(request: &RowsRequest, collected: Collected, affected: u64) -> Result<Answer, DataError> {
    let represents = request.returning() == Return::Representation;
    if represents && request.format == Format::Object && collected.rows != 1 {
        return Err(DataError::NotSingular(collected.rows.min(MOST_ROWS)));
    }
    let mut answer = Answer::to(request, if represents { 200 } else { 204 });
    let total = request.preferences.count.map_or_else(|| "*".to_owned(), |_| affected.to_string());
    let range = if affected == 0 { "*".to_owned() } else { format!("0-{}", affected - 1) };
    answer.content_range = Some(format!("{range}/{total}"));
    answer.preference_applied = request.preferences.applied(false);
    answer.body = represents.then_some(collected.text);
    Ok(answer)
}
