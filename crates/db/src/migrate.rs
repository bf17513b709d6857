//! Migrations.

/// One numbered step of a module's schema.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The module.
    pub module: &'static str,
    /// The file's name without its ending.
    pub name: &'static str,
    /// The text in the common dialect.
    pub sql: &'static str,
    /// The text for PostgreSQL, where it must differ.
    pub postgres: Option<&'static str>,
}
