//! The users' tables as the server knows them at one moment: documents, and what is compiled from them.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use quoin_kernel::Problem;

use crate::error::PolicyError;
use crate::model::expression::{Claim, Comparison, Expression};
use crate::model::logical_type::LogicalType;
use crate::model::sql_subset::expressions::Place;
use crate::model::sql_subset::{Refusal, stored_expression};
use crate::model::storage_objects;
use crate::model::table::{Command, Schema, Table};
use crate::object_guard::ObjectGuard;

/// Holds every table by name. Never changes: another one takes its place.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// What the database said its schema was when this was read.
    pub fingerprint: String,
    /// Whether the database orders texts by their bytes by itself.
    pub orders_by_bytes: bool,
    tables: HashMap<String, Arc<TableEntry>>,
    schema: Schema,
    objects: Option<Result<ObjectGuard, Refusal>>,
}

/// A table and what is compiled from its document.
#[derive(Debug)]
pub struct TableEntry {
    /// The document.
    pub table: Table,
    /// Its policies.
    pub policies: Vec<CompiledPolicy>,
    /// The default of each column, in the order of columns.
    pub defaults: Vec<Option<Expression>>,
    /// The query behind it, where it is a view of Quoin's.
    pub view: Option<ViewSource>,
    /// What a room works out once for as long as this entry lives.
    memo: Memo,
}

/// Holds one value of a room's own, made when it is first asked for.
#[derive(Default)]
struct Memo(OnceLock<Box<dyn Any + Send + Sync>>);

impl fmt::Debug for Memo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

impl TableEntry {
    /// Returns what the caller's room remembers of this table; empty at first, gone when the schema changes.
    ///
    /// # Panics
    /// Where two rooms remember different things of one entry: each has a catalogue of its own.
    pub fn memo<T: Default + Send + Sync + 'static>(&self) -> &T {
        let kept = self.memo.0.get_or_init(|| Box::new(T::default()));
        kept.downcast_ref().expect("one room asks one catalogue, always for the same type")
    }
}

/// The query behind a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewSource {
    /// The query in the common dialect.
    pub select: &'static str,
}

/// A policy whose conditions have been read.
#[derive(Debug)]
pub struct CompiledPolicy {
    /// What it guards.
    pub command: Command,
    /// Whose requests it concerns; everybody's where empty.
    pub roles: Vec<String>,
    /// Whether it widens or narrows.
    pub permissive: bool,
    /// Which rows exist for the caller.
    pub using: Option<Expression>,
    /// Which rows the caller may leave behind.
    pub check: Option<Expression>,
}

impl Catalogue {
    /// Compiles a schema; `native` says that the database applies policies and defaults by itself.
    ///
    /// # Errors
    /// A document that this version cannot read.
    pub fn compile(
        schema: Schema,
        fingerprint: String,
        orders_by_bytes: bool,
        native: bool,
    ) -> Result<Self, Refusal> {
        let mut tables = HashMap::with_capacity(schema.len());
        for (name, table) in schema.iter().filter(|(name, _)| *name != storage_objects::NAME) {
            tables.insert(
                name.clone(),
                Arc::new(if native { uncompiled(table) } else { compile_table(table, &schema)? }),
            );
        }
        let objects = ObjectGuard::compile(&schema);
        Ok(Self { fingerprint, orders_by_bytes, tables, schema, objects: Some(objects) })
    }

    /// Adds a read-only view, unless a table of the users has its name.
    ///
    /// Its rows are those of the active organisation; a view that has none is the platform's alone.
    pub fn expose(&mut self, table: Table, view: ViewSource) {
        let own = table.column("org_id").map(|column| {
            let org_id = Box::new(Expression::column(&column.name, &column.kind));
            let active = Box::new(Expression::Claim(Claim::OrgId));
            CompiledPolicy {
                command: Command::Select,
                roles: Vec::new(),
                permissive: true,
                using: Some(Expression::Compare(Comparison::Equal, org_id, active)),
                check: None,
            }
        });
        let entry = TableEntry {
            defaults: table.columns.iter().map(|_| None).collect(),
            policies: own.into_iter().collect(),
            view: Some(view),
            memo: Memo::default(),
            table,
        };
        self.tables.entry(entry.table.name.clone()).or_insert_with(|| Arc::new(entry));
    }

    /// Finds a table.
    ///
    /// # Errors
    /// 404 `PGRST205`.
    pub fn entry(&self, name: &str) -> Result<Arc<TableEntry>, PolicyError> {
        self.tables.get(name).cloned().ok_or_else(|| PolicyError::UnknownTable(name.to_owned()))
    }

    /// Returns every table and view.
    pub fn entries(&self) -> impl Iterator<Item = &Arc<TableEntry>> {
        self.tables.values()
    }

    /// Returns the policies on `storage.objects`.
    ///
    /// # Errors
    /// A policy that can no longer be read: nobody but the platform may then touch objects, rather than everybody.
    pub fn objects(&self) -> Result<&ObjectGuard, PolicyError> {
        match &self.objects {
            Some(Ok(guard)) => Ok(guard),
            Some(Err(refusal)) => Err(PolicyError::Refused(refusal.clone())),
            None => Err(PolicyError::Problem(Problem::internal("the catalogue has not been read"))),
        }
    }

    /// Returns the tables' documents.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

fn uncompiled(table: &Table) -> TableEntry {
    TableEntry {
        defaults: table.columns.iter().map(|_| None).collect(),
        policies: Vec::new(),
        view: None,
        memo: Memo::default(),
        table: table.clone(),
    }
}

impl TableEntry {
    /// Compiles a table's policies and nothing else of it.
    ///
    /// # Errors
    /// A policy that cannot be read.
    pub(crate) fn compile_policies(table: &Table, schema: &Schema) -> Result<Self, Refusal> {
        Ok(Self { policies: policies(table, schema)?, ..uncompiled(table) })
    }
}

fn policies(table: &Table, schema: &Schema) -> Result<Vec<CompiledPolicy>, Refusal> {
    let mut policies = Vec::with_capacity(table.policies.len());
    for policy in &table.policies {
        let read = |sql: &Option<String>| {
            sql.as_deref().map(|sql| stored_expression(sql, schema, table, Place::Policy, None)).transpose()
        };
        policies.push(CompiledPolicy {
            command: policy.command,
            roles: policy.roles.clone(),
            permissive: policy.permissive,
            using: read(&policy.using)?,
            check: read(&policy.check)?,
        });
    }
    Ok(policies)
}

fn compile_table(table: &Table, schema: &Schema) -> Result<TableEntry, Refusal> {
    let policies = policies(table, schema)?;
    let default =
        |sql: &str, kind: &LogicalType| stored_expression(sql, schema, table, Place::Default, Some(kind));
    let defaults = table
        .columns
        .iter()
        .map(|column| column.default.as_deref().map(|sql| default(sql, &column.kind)).transpose())
        .collect::<Result<_, _>>()?;
    Ok(TableEntry { table: table.clone(), policies, defaults, view: None, memo: Memo::default() })
}
