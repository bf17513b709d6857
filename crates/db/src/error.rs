//! What can go wrong in a database, in words that are the same on both engines.

use quoin_kernel::Problem;

/// A statement, transaction or connection that failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DbError {
    /// A unique index refused a row; the name is the index's, without schema or prefix `quoin_`.
    #[error("a row with this key exists already ({index})")]
    Unique {
        /// The index or constraint.
        index: String,
        /// PostgreSQL's detail, or the columns on SQLite.
        detail: Option<String>,
    },
    /// A foreign key refused a row.
    #[error("a row that is referred to does not exist, or is still referred to")]
    ForeignKey {
        /// PostgreSQL's constraint and detail, where known.
        detail: Option<String>,
    },
    /// A CHECK constraint refused a row.
    #[error("a check constraint refused the row ({constraint})")]
    Check {
        /// The constraint's name or text.
        constraint: String,
    },
    /// A column that must not be null was.
    #[error("column {column} must not be null")]
    NotNull {
        /// The column.
        column: String,
    },
    /// A statement ran longer than its limit.
    #[error("the statement took longer than allowed and was stopped")]
    Timeout,
    /// The disk or quota is full. Nothing was written.
    #[error("no space is left for the database")]
    Full,
    /// Too many transactions wait already.
    #[error("too many transactions are waiting")]
    Overloaded,
    /// No connection to the database server.
    #[error("the database cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A sync to disk failed; writes stay stopped until a restart, because what the disk holds is unknown.
    #[error("writes are stopped because the disk failed to sync")]
    WritesStopped,
    /// The engine refused a statement for a reason with an SQLSTATE-like code.
    #[error("{message} ({code})")]
    Refused {
        /// SQLSTATE on PostgreSQL; on SQLite the nearest one.
        code: String,
        /// The engine's message.
        message: String,
        /// The engine's detail.
        detail: Option<String>,
        /// The engine's hint.
        hint: Option<String>,
    },
    /// A transaction met another one that came first; it is run again by `Db::write`.
    #[error("the transaction collided with another one")]
    Serialization,
    /// A column does not hold what the code expects.
    #[error("column {index} does not hold {expected}")]
    Column {
        /// The column, from 0.
        index: usize,
        /// The type asked for.
        expected: &'static str,
    },
    /// A row was expected and none came.
    #[error("the statement {0} gave no row")]
    NoRow(&'static str),
    /// A migration cannot be applied.
    #[error("migration {name}: {reason}")]
    Migration {
        /// The migration.
        name: String,
        /// What is wrong and what to do.
        reason: String,
    },
    /// Anything else the driver reports.
    #[error("the database failed")]
    Driver(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<DbError> for Problem {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Full => {
                Self::new(507, "insufficient_storage", "The server's disk is full; nothing was written")
                    .source(error)
            }
            DbError::Overloaded => {
                Self::unavailable("overloaded", "The server is busy; nothing was written", 1).source(error)
            }
            DbError::Timeout => {
                Self::new(504, "statement_timeout", "The database took longer than allowed and was stopped")
                    .source(error)
            }
            DbError::Unreachable(_) | DbError::WritesStopped | DbError::Serialization => {
                Self::unavailable("database_unavailable", "The database cannot answer now", 5).source(error)
            }
            other => Self::internal(other),
        }
    }
}
