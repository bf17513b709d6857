//! SQL on `quoin.audit_entries`. The filter names the tenant, or nobody for the platform's own view.

use quoin_db::statement::DynamicSql;
use quoin_db::{DbError, Engine, Row, Tx, Value, params, statements};

use crate::model::{Entry, Filter};
use crate::service::Recorded;

statements! {
    /// Appends one entry.
    INSERT = "insert into quoin.audit_entries
        (id, at, actor_kind, actor_id, org_id, action, target, detail, ip, request_id)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
}

/// Appends `entry`.
pub(crate) fn insert(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), DbError> {
    let row = params![
        entry.id,
        entry.at,
        entry.actor.kind(),
        entry.actor.id(),
        entry.org_id,
        entry.action,
        entry.target.as_deref(),
        &entry.detail,
        entry.ip.map(|ip| ip.to_string()),
        entry.request_id.as_deref(),
    ];
    tx.execute(&INSERT, &row).map(|_| ())
}

/// Lists one row more than the page holds, newest first.
pub(crate) fn list(tx: &mut Tx<'_>, filter: &Filter) -> Result<Vec<Recorded>, DbError> {
    let (sql, params) = select(tx.engine(), filter);
    tx.query(&sql, &params, read)
}

/// Writes the query with the conditions that are set only, so that each combination uses the index made for it.
fn select(engine: Engine, filter: &Filter) -> (DynamicSql, Vec<Value<'_>>) {
    let mut conditions = Conditions { engine, text: String::new(), params: Vec::new() };
    if let Some(org_id) = filter.org_id {
        conditions.add("org_id =", org_id);
    }
    if let Some(actor) = &filter.actor {
        conditions.add("actor_id =", actor);
    }
    match filter.action.as_deref() {
        // Not LIKE: `_` is part of many names and a wildcard there.
        Some(action) if action.ends_with(".*") => {
            let prefix = action.trim_end_matches('*');
            conditions.add(&format!("substr(action, 1, {}) =", prefix.chars().count()), prefix);
        }
        Some(action) => conditions.add("action =", action),
        None => {}
    }
    if let Some(target) = &filter.target {
        conditions.add("target =", target);
    }
    if let Some(since) = filter.since {
        conditions.add("at >=", since);
    }
    if let Some(until) = filter.until {
        conditions.add("at <", until);
    }
    if let Some(after) = filter.page.after {
        conditions.add("id <", after);
    }
    conditions.finish(filter.page.limit)
}

struct Conditions<'a> {
    engine: Engine,
    text: String,
    params: Vec<Value<'a>>,
}

impl<'a> Conditions<'a> {
    fn add(&mut self, comparison: &str, value: impl Into<Value<'a>>) {
        self.params.push(value.into());
        let joint = if self.text.is_empty() { "where" } else { "and" };
        let parameter = self.engine.parameter(self.params.len());
        self.text.extend([" ", joint, " ", comparison, " ", &parameter]);
    }

    fn finish(mut self, limit: u32) -> (DynamicSql, Vec<Value<'a>>) {
        self.params.push(Value::from(limit + 1));
        let table = match self.engine {
            Engine::Sqlite => "quoin_audit_entries",
            Engine::Postgres => "quoin.audit_entries",
        };
        let sql = format!(
            "select id, at, actor_kind, actor_id, org_id, action, target, detail, ip, request_id
             from {table}{} order by id desc limit {}",
            self.text,
            self.engine.parameter(self.params.len()),
        );
        (DynamicSql(sql), self.params)
    }
}

fn read(row: &Row<'_>) -> Result<Recorded, DbError> {
    Ok(Recorded {
        id: row.get(0)?,
        at: row.get(1)?,
        actor_kind: row.get(2)?,
        actor_id: row.get(3)?,
        org_id: row.get(4)?,
        action: row.get(5)?,
        target: row.get(6)?,
        detail: row.get(7)?,
        ip: row.get(8)?,
        request_id: row.get(9)?,
    })
}
