//! What administrators see and do.

use quoin_db::statement::DynamicSql;
use quoin_db::{DbError, Engine, Row, Tx, Value, params, statements};
use quoin_kernel::page::Page;
use quoin_kernel::{JobId, Timestamp};

use crate::model::{QueuedJob, State};

statements! {
    /// Reads where a job stands.
    STATE = "select state from quoin.jobs_queue where id = ?1";

    /// Gives a dead job all its tries again.
    REVIVE = "update quoin.jobs_queue set state = 'waiting', attempt = 0, run_at = ?2, finished_at = null
        where id = ?1 and state = 'dead'";

    /// Removes a job that no worker holds.
    DELETE = "delete from quoin.jobs_queue where id = ?1 and state <> 'running'";
}

/// Reads where a job stands; `None` where there is no such job.
pub(crate) fn find_state(tx: &mut Tx<'_>, id: JobId) -> Result<Option<State>, DbError> {
    tx.query_opt(&STATE, &params![id], |row| read_state(row, 0))
}

/// Makes a dead job wait again; `false` where it is not dead.
pub(crate) fn revive(tx: &mut Tx<'_>, id: JobId, now: Timestamp) -> Result<bool, DbError> {
    Ok(tx.execute(&REVIVE, &params![id, now])? == 1)
}

/// Removes a job that no worker holds; `false` where one does.
pub(crate) fn delete(tx: &mut Tx<'_>, id: JobId) -> Result<bool, DbError> {
    Ok(tx.execute(&DELETE, &params![id])? == 1)
}

/// Lists one row more than the page holds, newest first.
pub(crate) fn list(
    tx: &mut Tx<'_>,
    state: Option<State>,
    kind: Option<&str>,
    page: Page,
) -> Result<Vec<QueuedJob>, DbError> {
    let engine = tx.engine();
    let (mut text, mut params) = (String::new(), Vec::<Value<'_>>::new());
    let conditions = [
        ("state =", state.map(|state| Value::from(state.as_str()))),
        ("type =", kind.map(Value::from)),
        ("id <", page.after.map(Value::from)),
    ];
    for (comparison, value) in conditions {
        let Some(value) = value else { continue };
        params.push(value);
        let joint = if text.is_empty() { "where" } else { "and" };
        text.extend([" ", joint, " ", comparison, " ", &engine.parameter(params.len())]);
    }
    params.push(Value::from(page.limit + 1));
    let table = match engine {
        Engine::Sqlite => "quoin_jobs_queue",
        Engine::Postgres => "quoin.jobs_queue",
    };
    let sql = format!(
        "select id, type, state, attempt, max_attempts, run_at, lease_until, last_error, org_id, created_at,
         finished_at from {table}{text} order by id desc limit {}",
        engine.parameter(params.len())
    );
    tx.query(&DynamicSql(sql), &params, read)
}

fn read_state(row: &Row<'_>, index: usize) -> Result<State, DbError> {
    State::parse(&row.get::<String>(index)?).ok_or(DbError::Column { index, expected: "a state" })
}

fn read(row: &Row<'_>) -> Result<QueuedJob, DbError> {
    Ok(QueuedJob {
        id: row.get(0)?,
        kind: row.get(1)?,
        state: read_state(row, 2)?,
        attempt: row.get(3)?,
        max_attempts: row.get(4)?,
        run_at: row.get(5)?,
        lease_until: row.get(6)?,
        last_error: row.get(7)?,
        org_id: row.get(8)?,
        created_at: row.get(9)?,
        finished_at: row.get(10)?,
    })
}
