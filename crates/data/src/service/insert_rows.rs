//! Inserts rows, alone or many, and upserts them.

use std::sync::Arc;

use quoin_db::{Engine, Tx};

use super::Data;
use super::count_rows::RowCount;
use super::request::{Answer, BodyFormat, Resolved, RowsRequest, keep_or_undo, undone};
use super::upsert_on_sqlite::UpsertOnSqlite;
use crate::compile::inserting::InsertRows;
use crate::compile::schema::assigned;
use crate::compile::statement::{Assignments, Conflict};
use crate::error::DataError;
use crate::model::body::{Rows, Shape, csv_rows, json_rows};
use crate::model::query::range::MOST_ROWS;
use crate::model::query::{Output, Resolution, Return, Selection};
use crate::render::{Format, Plan, Renderer};
use crate::store::rows::{Collected, Prepared};
use quoin_policy::catalogue::TableEntry;
use quoin_policy::compile::builder::SqlBuilder;
use quoin_policy::compile::policy::binds;
use quoin_policy::model::literal::Literal;
use quoin_policy::model::requester::{RequestRole, Requester};
use quoin_policy::model::table::{Column, Identity, Table};
use quoin_policy::session;

/// One statement of an insert, or one row of an upsert on SQLite.
pub(super) enum Insertion {
    /// The statement inserts what it is given.
    Plain(Prepared),
    /// The statement inserts nothing where a policy refuses.
    Guarded(Prepared),
    /// PostgreSQL says in the last column whether a row is new.
    Merging(Prepared),
    /// SQLite goes step by step.
    Stepwise(Box<UpsertOnSqlite>),
}

/// A row with its defaults, which stand after what the caller sent.
pub(super) struct CompleteRow {
    pub(super) values: Assignments,
    pub(super) sent: usize,
}

/// What an insert has done.
pub(super) struct Inserted {
    pub(super) collected: Collected,
    /// Rows inserted or changed.
    pub(super) affected: u64,
    /// Rows inserted.
    pub(super) new: u64,
}

impl Data {
    /// Inserts the rows of the body; with a resolution, rows that exist are changed or left alone.
    ///
    /// # Errors
    /// What the contract refuses: columns, values, constraints, policies.
    pub async fn insert_rows(&self, request: RowsRequest) -> Result<Answer, DataError> {
        request.refuse_order()?;
        let resolved = self.resolve(&request).await?;
        let rows = read_body(&request, &resolved.entry.table)?;
        let conflict = conflict(&request, &resolved.entry.table)?;
        let inserted = self.write_rows(&request, &resolved, rows, conflict, |request, inserted| {
            let status =
                if inserted.new == 0 && request.preferences.resolution.is_some() { 200 } else { 201 };
            insert_answer(request, inserted, status)
        });
        undone(inserted.await)
    }

    /// Runs the insertion in one transaction; `answer` is made inside of it, so that it may refuse what was done.
    pub(super) async fn write_rows(
        &self,
        request: &RowsRequest,
        resolved: &Resolved,
        rows: Rows,
        conflict: Option<Conflict>,
        answer: impl Fn(&RowsRequest, Inserted) -> Result<Answer, DataError> + Send + 'static,
    ) -> Result<Answer, DataError> {
        let Resolved { entry, .. } = resolved;
        if entry.table.read_only {
            return Err(DataError::ReadOnly(entry.table.name.clone()));
        }
        let renderer = renderer(request, resolved, self.engine());
        let rows = rows
            .into_iter()
            .map(|row| self.complete(row, entry, &request.requester))
            .collect::<Result<Vec<_>, _>>()?;
        let columns = if request.returning() == Return::Minimal { Vec::new() } else { renderer.columns() };
        let insertions = self.insertions(request, resolved, &rows, conflict.as_ref(), &columns)?;
        let table = entry.table.name.clone();
        let width = columns.len();
        let request = request.clone();
        let role = request.requester.role;
        let as_owner = self.as_owner(&request.requester, entry);
        let counted = RowCount::of(&self.0.app, &request.requester);
        // How many rows of an upsert are new shows only afterwards.
        let known = conflict.is_none().then_some(rows.len() as u64);
        let write = move |tx: &mut Tx<'_>| {
            if let (Some(counted), Some(rows)) = (&counted, known) {
                counted.take(tx, rows)?;
            }
            session::begin(tx, &request.requester, as_owner)?;
            let mut inserted = Inserted { collected: Collected::new(&renderer), affected: 0, new: 0 };
            let mut seen = Vec::new();
            for insertion in &insertions {
                insertion.run(tx, &renderer, width, &mut inserted, &mut seen).map_err(
                    |error| match error {
                        DataError::Db(error) => DataError::from_constraint(error, &table, role),
                        DataError::PolicyViolation(_, _) => DataError::PolicyViolation(table.clone(), role),
                        DataError::UpsertPolicyViolation(_, _) => {
                            DataError::UpsertPolicyViolation(table.clone(), role)
                        }
                        other => other,
                    },
                )?;
            }
            renderer.end(&mut inserted.collected.text);
            refuse_affected(&request, inserted.affected)?;
            if let (Some(counted), None) = (&counted, known) {
                counted.take_after(tx, inserted.new)?;
            }
            keep_or_undo(answer(&request, inserted)?, &request)
        };
        self.db().write("data.rows.insert", write).await.map_err(|error| self.note(error))
    }

    /// Adds what the row does not say: on SQLite, where Quoin fills the defaults; PostgreSQL fills its own.
    fn complete(
        &self,
        mut row: Assignments,
        entry: &TableEntry,
        requester: &Requester,
    ) -> Result<CompleteRow, DataError> {
        let sent = row.len();
        let always = |column: &&Column| column.identity == Some(Identity::Always);
        for column in entry.table.columns.iter().filter(always) {
            if row.iter().any(|(name, _)| *name == column.name) {
                return Err(DataError::IdentityAlways(column.name.clone()));
            }
        }
        if self.engine() == Engine::Postgres {
            return Ok(CompleteRow { values: row, sent });
        }
        for (column, default) in entry.table.columns.iter().zip(&entry.defaults) {
            let Some(default) = default else { continue };
            if row.iter().all(|(name, _)| *name != column.name) {
                let value = requester.constant(default, &mut || self.random_uuid())?;
                row.push((column.name.clone(), assigned(&column.kind, value)?));
            }
        }
        Ok(CompleteRow { values: row, sent })
    }

    fn insertions(
        &self,
        request: &RowsRequest,
        resolved: &Resolved,
        rows: &[CompleteRow],
        conflict: Option<&Conflict>,
        returning: &[&Column],
    ) -> Result<Vec<Insertion>, DataError> {
        let Resolved { catalogue, entry, .. } = resolved;
        let builder = || SqlBuilder::new(self.engine(), catalogue, &request.requester);
        let reads = !returning.is_empty();
        let merges = conflict.is_some_and(|conflict| conflict.merge);
        if self.engine() == Engine::Postgres {
            // Rows that name the same columns go together; rows that name none cannot.
            let rows: Vec<Assignments> = rows.iter().map(|row| row.values.clone()).collect();
            let same = |a: &Assignments, b: &Assignments| {
                !a.is_empty() && a.iter().map(|(name, _)| name).eq(b.iter().map(|(name, _)| name))
            };
            let group = |group: &[Assignments]| {
                let mut sql = builder();
                match group {
                    [row] => sql.insert_row(entry, row, conflict, returning, reads)?,
                    rows => sql.insert_rows(entry, rows, conflict, returning),
                }
                let prepared = Prepared::new(sql.finish());
                Ok(if merges { Insertion::Merging(prepared) } else { Insertion::Plain(prepared) })
            };
            return rows.chunk_by(same).map(group).collect();
        }
        let guarded = binds(entry, &request.requester);
        rows.iter()
            .map(|row| {
                if let Some(conflict) = conflict {
                    let upsert = UpsertOnSqlite::compile(&builder, entry, row, conflict, returning)?;
                    return Ok(Insertion::Stepwise(Box::new(upsert)));
                }
                let mut sql = builder();
                sql.insert_row(entry, &row.values, None, returning, reads)?;
                let prepared = Prepared::new(sql.finish());
                Ok(if guarded { Insertion::Guarded(prepared) } else { Insertion::Plain(prepared) })
            })
            .collect()
    }
}

impl Insertion {
    fn run(
        &self,
        tx: &mut Tx<'_>,
        renderer: &Renderer,
        returned: usize,
        inserted: &mut Inserted,
        seen: &mut Vec<String>,
    ) -> Result<(), DataError> {
        let before = inserted.collected.rows;
        match self {
            Self::Stepwise(upsert) => return upsert.run(tx, renderer, inserted, seen),
            Self::Plain(prepared) | Self::Guarded(prepared) => {
                let rows = if returned == 0 {
                    prepared.execute(tx)?
                } else {
                    prepared.for_each(tx, |row| inserted.collected.take(renderer, row))?;
                    inserted.collected.rows - before
                };
                if rows == 0 && matches!(self, Self::Guarded(_)) {
                    return Err(violation());
                }
                inserted.affected += rows;
                inserted.new += rows;
            }
            Self::Merging(prepared) => {
                // Without columns the statement reads a 1 before the flag.
                let flag = returned.max(1);
                let (affected, new) = (&mut inserted.affected, &mut inserted.new);
                let collected = &mut inserted.collected;
                prepared.for_each(tx, |row| {
                    *affected += 1;
                    *new += u64::from(row.get::<bool>(flag)?);
                    if returned > 0 { collected.take(renderer, row) } else { Ok(()) }
                })?;
            }
        }
        Ok(())
    }
}

/// A policy refuses; the caller of the statement knows the table and role.
pub(super) fn violation() -> DataError {
    DataError::PolicyViolation(String::new(), RequestRole::Authenticated)
}

/// Reads the rows of a body.
pub(super) fn read_body(request: &RowsRequest, table: &Table) -> Result<Rows, DataError> {
    let columns = request.parameters.columns.as_deref().map(|names| {
        names
            .split(',')
            .map(|name| name.trim().trim_matches('"').to_owned())
            .filter(|name| !name.is_empty())
            .collect()
    });
    let shape = Shape { columns, missing_default: request.preferences.missing_default };
    match request.body_format {
        BodyFormat::Json => json_rows(&request.body, table, &shape),
        BodyFormat::Csv => csv_rows(&request.body, table, &shape),
    }
}

/// Says by which key an upsert goes: the one named, else the primary key.
fn conflict(request: &RowsRequest, table: &Table) -> Result<Option<Conflict>, DataError> {
    let Some(wanted) = request.preferences.resolution else { return Ok(None) };
    let named = request.parameters.on_conflict.as_deref().filter(|names| !names.trim().is_empty());
    let columns: Vec<String> = match (named, &table.primary_key) {
        (Some(list), _) => list.split(',').map(|name| name.trim().trim_matches('"').to_owned()).collect(),
        (None, Some(key)) => key.columns.clone(),
        (None, None) => return Ok(None),
    };
    if let Some(unknown) = columns.iter().find(|name| table.column(name).is_none()) {
        return Err(DataError::UnknownColumn(table.name.clone(), unknown.clone()));
    }
    if table.unique_over(&columns).is_none() {
        return Err(DataError::NoConflictKey);
    }
    Ok(Some(Conflict { columns, merge: wanted == Resolution::MergeDuplicates }))
}

/// Prepares to write the answer: the selection, or the primary key where only its place is wanted.
fn renderer(request: &RowsRequest, resolved: &Resolved, engine: Engine) -> Renderer {
    let table = &resolved.entry.table;
    if request.returning() != Return::HeadersOnly {
        return resolved.renderer.clone();
    }
    let key = table.primary_key.as_ref().map(|key| key.columns.as_slice()).unwrap_or_default();
    let outputs = key.iter().filter_map(|name| table.column(name)).map(|column| Output {
        label: column.name.clone(),
        column: column.name.clone(),
        kind: column.kind.clone(),
        path: Vec::new(),
        as_text: true,
        cast: None,
    });
    let plan = Plan::new(&Selection { outputs: outputs.collect() }, table);
    Renderer::new(engine, Format::Json, false, Arc::new(plan))
}

/// Refuses a write that concerns more rows than the caller allows.
pub(super) fn refuse_affected(request: &RowsRequest, affected: u64) -> Result<(), DataError> {
    match request.preferences.binding_max_affected() {
        Some(most) if affected > most => Err(DataError::TooManyAffected(affected)),
        _ => Ok(()),
    }
}

/// Makes the answer of an insert.
pub(super) fn insert_answer(
    request: &RowsRequest,
    inserted: Inserted,
    status: u16,
) -> Result<Answer, DataError> {
    let Inserted { collected, affected, .. } = inserted;
    let returning = request.returning();
    if returning == Return::Representation && request.format == Format::Object && collected.rows != 1 {
        return Err(DataError::NotSingular(collected.rows.min(MOST_ROWS)));
    }
    let mut answer = Answer::to(request, status);
    answer.preference_applied = request.preferences.applied(false);
    let total = request.preferences.count.map(|_| affected);
    answer.content_range = Some(total.map_or_else(|| "*/*".to_owned(), |total| format!("*/{total}")));
    match returning {
        Return::Minimal => {}
        Return::Representation => answer.body = Some(collected.text),
        Return::HeadersOnly => answer.location = location(&request.table, &collected),
    }
    Ok(answer)
}

/// Says where the one inserted row is.
fn location(table: &str, collected: &Collected) -> Option<String> {
    let rows: Vec<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(&collected.text).ok()?;
    let [row] = rows.as_slice() else { return None };
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in row {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        query.append_pair(name, &format!("eq.{text}"));
    }
    Some(format!("/rest/v1/{table}?{}", query.finish()))
}

/// A key's values, for a statement that finds the row which has them.
pub(super) fn key_values(row: &Assignments, conflict: &Conflict) -> Option<Assignments> {
    conflict
        .columns
        .iter()
        .map(|name| row.iter().find(|(known, value)| known == name && *value != Literal::Null).cloned())
        .collect()
}
