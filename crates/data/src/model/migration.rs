//! The users' migrations: what their author wrote, and what has run.

use quoin_kernel::Timestamp;

/// A migration as its author wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserMigration {
    /// Its name, by which it runs once: a file's name without its ending.
    pub name: String,
    /// Its text.
    pub sql: String,
}

/// A migration that has run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, schemars::JsonSchema)]
pub struct AppliedMigration {
    /// Its place in the order in which migrations ran.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// The SHA-256 of its text, in hexadecimal digits.
    pub checksum: String,
    /// When it ran.
    pub applied_at: Timestamp,
}
