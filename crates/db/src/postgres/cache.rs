//! Prepared statements, kept as long as the connection lives.

use std::collections::HashMap;

use tokio_postgres::Statement;

/// How many statements one connection keeps: more than the catalogue has, and room for queries built while running.
const CAPACITY: usize = 768;

/// Finds prepared statements by their text and forgets those that were used longest ago.
#[derive(Default)]
pub(super) struct StatementCache {
    entries: HashMap<Box<str>, Entry>,
    clock: u64,
}

struct Entry {
    statement: Statement,
    used: u64,
}

impl StatementCache {
    /// Returns the statement prepared for `sql`.
    pub(super) fn get(&mut self, sql: &str) -> Option<Statement> {
        self.clock += 1;
        let entry = self.entries.get_mut(sql)?;
        entry.used = self.clock;
        Some(entry.statement.clone())
    }

    /// Keeps a statement.
    pub(super) fn insert(&mut self, sql: &str, statement: Statement) {
        if self.entries.len() >= CAPACITY {
            self.forget_oldest_quarter();
        }
        self.entries.insert(sql.into(), Entry { statement, used: self.clock });
    }

    /// Forgets everything, after a change of the schema.
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    /// Many at a time, so that a stream of ever new queries does not search the whole table for each of them.
    fn forget_oldest_quarter(&mut self) {
        let mut ages: Vec<u64> = self.entries.values().map(|entry| entry.used).collect();
        let (_, limit, _) = ages.select_nth_unstable(CAPACITY / 4);
        let limit = *limit;
        self.entries.retain(|_, entry| entry.used > limit);
    }
}
