//! The few places where SQL that is built while running must differ by engine.

use crate::statement::Engine;

impl Engine {
    /// Writes the `index`-th parameter (from 1).
    pub fn parameter(self, index: usize) -> String {
        match self {
            Self::Sqlite => format!("?{index}"),
            Self::Postgres => format!("${index}"),
        }
    }

    /// Names a system table: schema `quoin` on PostgreSQL, prefix `quoin_` on SQLite.
    pub fn system_table(self, name: &str) -> String {
        match self {
            Self::Sqlite => format!("quoin_{name}"),
            Self::Postgres => format!("quoin.{name}"),
        }
    }

    /// Returns the collation clause that orders texts by their bytes, whatever the database was made with.
    pub const fn binary_order(self) -> &'static str {
        match self {
            Self::Sqlite => "collate binary",
            Self::Postgres => "collate \"C\"",
        }
    }

    /// Quotes an identifier.
    pub fn quote(self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}

#[cfg(test)]
mod tests;
