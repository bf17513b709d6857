//! What a room hands to `server`: the only registry there is.

use quoin_db::{Migration, Statement};
use quoin_kernel::job::{JobType, Schedule};

use crate::route::Routes;

/// Describes one room: its tables, statements, routes, jobs and documentation.
pub struct Module {
    /// The room's name, first part of its tables, codes, jobs and operations.
    pub name: &'static str,
    /// Its migrations, in order.
    pub migrations: &'static [Migration],
    /// The catalogue of its statements, one list for each store file.
    pub statements: Vec<&'static [&'static Statement]>,
    /// Its operations.
    pub routes: Routes,
    /// The kinds of jobs it runs.
    pub jobs: Vec<JobType>,
    /// The jobs that run by themselves.
    pub schedules: Vec<Schedule>,
    /// The keys of its configuration section.
    pub config_docs: &'static [ConfigDoc],
    /// The read-only views it offers to the users' SQL.
    pub views: Vec<ExposedView>,
}

/// Documents one key of the configuration.
#[derive(Debug, Clone, Copy)]
pub struct ConfigDoc {
    /// The key, dotted as in the configuration file.
    pub key: &'static str,
    /// The default, in words or as the value.
    pub default: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
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
        Self {
            name,
            migrations: &[],
            statements: Vec::new(),
            routes,
            jobs: Vec::new(),
            schedules: Vec::new(),
            config_docs: &[],
            views: Vec::new(),
        }
    }
}
