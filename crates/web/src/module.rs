//! What a started room hands to `server`.

use quoin_kernel::job::{JobType, Schedule};

use crate::route::Routes;

/// Describes what a started room brings. Its tables and statements are statics of its crate: they are needed before any room starts.
pub struct Module {
    /// The room's name, first part of its tables, codes, jobs and operations.
    pub name: &'static str,
    /// Its operations.
    pub routes: Routes,
    /// The kinds of jobs it runs.
    pub jobs: Vec<JobType>,
    /// The jobs that run by themselves.
    pub schedules: Vec<Schedule>,
}

/// A read-only view of a system table that the users' own SQL and the Database API may see.
#[derive(Debug, Clone)]
pub struct ExposedView {
    /// The view's name as users see it, for example `profiles`.
    pub name: &'static str,
    /// Its columns in order.
    pub columns: &'static [(&'static str, LogicalType)],
    /// The query in the common dialect.
    pub select: &'static str,
}

/// Names a logical type of the database room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogicalType {
    /// A UUID.
    Id,
    /// A moment.
    Time,
    /// A truth value.
    Bool,
    /// A JSON text.
    Json,
    /// A 64-bit integer.
    Int,
    /// A double.
    Real,
    /// A text.
    Text,
    /// Raw bytes.
    Bytes,
}

impl Module {
    /// Starts with a name and routes; the rest is empty.
    pub fn new(name: &'static str, routes: Routes) -> Self {
        Self { name, routes, jobs: Vec::new(), schedules: Vec::new() }
    }
}
