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

    /// Quotes an identifier.
    pub fn quote(self, name: &str) -> String {
        format!("\"{}\"", name.replace('"', "\"\""))
    }
}
