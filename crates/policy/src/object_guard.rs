//! The policies on `storage.objects`, compiled, and the question whether they let somebody do something with objects.
//!
//! The objects come in as values, so that the question reads no table of the room that keeps them. Tables that a policy
//! asks are read in the requester's name: under their own policies, and on PostgreSQL in the request's role.
//!
//! A bucket that no permissive policy speaks of is open to everybody at home: within the active organisation, or to the
//! person themselves where none is active. Policies that do speak of it replace that. A policy that does not mention
//! `org_id` holds at home only, so that one written without a thought of organisations opens nothing across them.

mod buckets;
#[cfg(test)]
mod tests;

use quoin_db::statement::DynamicSql;
use quoin_db::{Engine, Tx, Value};

use self::buckets::Buckets;
use crate::catalogue::{Catalogue, CompiledPolicy, TableEntry};
use crate::compile::builder::SqlBuilder;
use crate::compile::policy::Part;
use crate::error::PolicyError;
use crate::model::expression::Expression;
use crate::model::logical_type::LogicalType;
use crate::model::requester::{RequestRole, Requester};
use crate::model::sql_subset::Refusal;
use crate::model::storage_objects::{self, NAME, ObjectRow};
use crate::model::table::{Command, Schema};
use crate::session;

/// How many objects are asked about in one statement.
const AT_ONCE: usize = 200;

/// The compiled policies.
#[derive(Debug)]
pub struct ObjectGuard {
    /// Which buckets permissive policies speak of.
    governed: Buckets,
    /// The policies of governed buckets.
    written: TableEntry,
    /// The policies of every other bucket: home, and what narrows all buckets.
    implied: TableEntry,
    /// Whether some policy reads a table.
    asks_tables: bool,
}

/// What somebody wants to do with an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Act {
    /// See it.
    Read,
    /// Store it as a new one.
    Insert,
    /// Change the one that is there.
    Change,
    /// Leave it behind as it is after a change.
    Leave,
    /// Remove it.
    Remove,
}

impl Act {
    fn policy(self) -> (Command, Part) {
        match self {
            Self::Read => (Command::Select, Part::Using),
            Self::Insert => (Command::Insert, Part::Check),
            Self::Change => (Command::Update, Part::Using),
            Self::Leave => (Command::Update, Part::Check),
            Self::Remove => (Command::Delete, Part::Using),
        }
    }
}

impl ObjectGuard {
    /// Compiles the policies that a schema holds on the table.
    ///
    /// # Errors
    /// A policy that can no longer be read, for example because a table that it asks has gone.
    pub fn compile(schema: &Schema) -> Result<Self, Refusal> {
        let table = schema.get(NAME).cloned().unwrap_or_else(storage_objects::table);
        let mut written = TableEntry::compile_policies(&table, schema)?;
        let mut governed = Buckets::none();
        let mut asks_tables = false;
        for policy in &mut written.policies {
            asks_tables |= policy.using.iter().chain(&policy.check).any(asks);
            if policy.permissive {
                governed = governed.or(concerned(policy));
                confine(policy);
            }
        }
        let mut implied = TableEntry::compile_policies(&table, schema)?;
        implied.policies.retain(|policy| !policy.permissive);
        implied.policies.push(CompiledPolicy {
            command: Command::All,
            roles: Vec::new(),
            permissive: true,
            using: Some(storage_objects::home()),
            check: None,
        });
        Ok(Self { governed, written, implied, asks_tables })
    }

    /// Tells whether policies say something about a bucket; if not, objects are everybody's at home and nobody else's.
    pub fn governs(&self, bucket: &str) -> bool {
        self.governed.hold(bucket) || self.implied.policies.len() > 1
    }

    /// Tells for each object, all of one bucket, whether the requester may do it.
    ///
    /// # Errors
    /// Where the database fails, or refuses a policy's own question.
    pub fn admits(
        &self,
        tx: &mut Tx<'_>,
        asked: Asked<'_>,
        bucket: &str,
        act: Act,
        objects: &[ObjectRow],
    ) -> Result<Vec<bool>, PolicyError> {
        if asked.requester.role == RequestRole::Service {
            return Ok(vec![true; objects.len()]);
        }
        let entry = if self.governed.hold(bucket) { &self.written } else { &self.implied };
        let mut answers = Vec::with_capacity(objects.len());
        for some in objects.chunks(AT_ONCE) {
            let (sql, params) = question(tx.engine(), &asked, entry, act, some)?;
            let as_requester = self.asks_tables && tx.engine() == Engine::Postgres;
            if as_requester {
                session::begin(tx, asked.requester, false)?;
            }
            let found: Vec<bool> = tx.query(&DynamicSql(sql), &params, |row| row.get(0))?;
            if as_requester {
                session::end(tx)?;
            }
            if found.len() != some.len() {
                return Err(PolicyError::TooMuch("a policy answered for other objects than asked".into()));
            }
            answers.extend(found);
        }
        Ok(answers)
    }
}

/// Who asks, and the tables that policies may ask in turn.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The users' tables.
    pub catalogue: &'a Catalogue,
    /// Who asks.
    pub requester: &'a Requester,
}

/// Writes the question as one statement with a truth for each object, in order.
fn question(
    engine: Engine,
    asked: &Asked<'_>,
    entry: &TableEntry,
    act: Act,
    objects: &[ObjectRow],
) -> Result<(String, Vec<Value<'static>>), PolicyError> {
    let (command, part) = act.policy();
    let mut sql = SqlBuilder::new(engine, asked.catalogue, asked.requester);
    sql.push("select coalesce(");
    sql.within(NAME.to_owned(), |sql| sql.policy(entry, command, part))?;
    sql.push(if engine == Engine::Postgres { ", false)" } else { ", 0)" }).push(" from ");
    let rows: Vec<serde_json::Value> =
        objects.iter().enumerate().map(|(position, object)| object.to_json(position)).collect();
    let rows = Value::from(serde_json::Value::from(rows).to_string());
    match engine {
        Engine::Postgres => {
            sql.push("jsonb_to_recordset(").param(rows).push("::jsonb) as ").name(NAME).push("(position int");
            for column in &entry.table.columns {
                sql.push(", ").name(&column.name).push(" ").push(column.kind.base_name());
            }
            sql.push(")");
        }
        Engine::Sqlite => {
            sql.push("(select key as position");
            for column in &entry.table.columns {
                let arrow = if column.kind == LogicalType::Json { " -> '$." } else { " ->> '$." };
                sql.push(", value").push(arrow).push(&column.name).push("' as ").name(&column.name);
            }
            sql.push(" from json_each(").param(rows).push(")) as ").name(NAME);
        }
    }
    sql.push(" order by ").name(NAME).push(".position");
    Ok(sql.finish())
}

fn asks(condition: &Expression) -> bool {
    let mut asks = false;
    condition.walk(&mut |part| asks |= matches!(part, Expression::InSelect(..) | Expression::Exists(_)));
    asks
}

/// Returns the buckets of which a policy says something.
fn concerned(policy: &CompiledPolicy) -> Buckets {
    let parts = policy.using.iter().chain(&policy.check);
    let all = parts.map(Buckets::of).reduce(Buckets::or);
    all.unwrap_or(Buckets::Every)
}

/// Holds the conditions that do not mention organisations to the requester's home.
fn confine(policy: &mut CompiledPolicy) {
    let home = |condition: Option<Expression>| match condition {
        Some(condition) if storage_objects::names_organisation(&condition) => condition,
        Some(condition) => Expression::All(vec![storage_objects::home(), condition]),
        None => storage_objects::home(),
    };
    // An absent check stays absent: `using` stands in for it, and is confined itself.
    if policy.check.is_some() || policy.command == Command::Insert {
        policy.check = Some(home(policy.check.take()));
    }
    policy.using = Some(home(policy.using.take()));
}
