//! What the statements of writes are made of; `reading`, `inserting` and `changing` write them.

use quoin_policy::model::literal::Literal;

/// A value for each column that a write sets.
pub type Assignments = Vec<(String, Literal)>;

/// Says which unique key an upsert goes by, and what it does with rows that exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The key's columns.
    pub columns: Vec<String>,
    /// Whether rows that exist are changed, or left alone.
    pub merge: bool,
}
