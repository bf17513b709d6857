//! Why an expression cannot be read, written for an engine, or asked.

use quoin_db::DbError;
use quoin_kernel::Problem;

use crate::model::literal::BadValue;
use crate::model::requester::RequestRole;
use crate::model::sql_subset::Refusal;

/// An expression or policy that cannot be applied.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// A policy asks a table that is not there.
    #[error("relation \"{0}\" does not exist")]
    UnknownTable(String),
    /// A value is none of its type.
    #[error(transparent)]
    BadValue(#[from] BadValue),
    /// Something that only PostgreSQL has.
    #[error("{0} need PostgreSQL")]
    NotOnSqlite(&'static str),
    /// A policy asks a table that the caller's role may not use.
    #[error("permission denied for table {0}")]
    PermissionDenied(String, RequestRole),
    /// Policies that ask each other in a circle.
    #[error("infinite recursion detected in policy for relation \"{0}\"")]
    PolicyRecursion(String),
    /// A limit of this server.
    #[error("{0}")]
    TooMuch(String),
    /// The SQL is not accepted.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// A fault of ours.
    #[error("{0}")]
    Problem(Problem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}
