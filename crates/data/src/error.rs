//! What the Database API refuses, in the contract's codes.

use quoin_db::DbError;
use quoin_kernel::Problem;
use quoin_kernel::billing::LimitReached;

use quoin_policy::model::literal::BadValue;
use quoin_policy::model::requester::RequestRole;
use quoin_policy::model::sql_subset::Refusal;
use quoin_web::entitlements::Denied;

/// A request or migration that failed.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// No such table, or none that this caller may know of.
    #[error("Could not find the table 'public.{0}' in the schema cache")]
    UnknownTable(String),
    /// A filter, order or selection names a column that is not there.
    #[error("column {0}.{1} does not exist")]
    UnknownColumn(String, String),
    /// A body names a column that is not there.
    #[error("Could not find the '{1}' column of '{0}' in the schema cache")]
    UnknownBodyColumn(String, String),
    /// A value is none of its column's type.
    #[error(transparent)]
    BadValue(#[from] BadValue),
    /// A query parameter cannot be read.
    #[error("\"failed to parse {0}\"")]
    BadQuery(String, String),
    /// The body is not what the operation takes.
    #[error("{0}")]
    BadBody(String),
    /// The range lies outside the rows.
    #[error("Requested range not satisfiable")]
    BadRange(String),
    /// One row was asked for, and there are fewer or more.
    #[error("Cannot coerce the result to a single JSON object")]
    NotSingular(u64),
    /// An upsert by PUT without the key, or with another one.
    #[error("{1}")]
    BadPut(&'static str, &'static str, u16),
    /// Preferences that are not known, under `handling=strict`.
    #[error("Invalid preferences given with handling=strict")]
    BadPreferences(String),
    /// More rows would be changed than the caller allows.
    #[error("Query result exceeds max-affected preference constraint")]
    TooManyAffected(u64),
    /// A feature of the contract that is not there.
    #[error("{1}")]
    NotImplemented(&'static str, String, u16),
    /// Something that only PostgreSQL has.
    #[error("{0} need PostgreSQL")]
    NotOnSqlite(&'static str),
    /// A representation that nobody offers.
    #[error("None of these media types are available: {0}")]
    NotAcceptable(String),
    /// Another schema than `public`.
    #[error("Invalid schema: {0}")]
    UnknownSchema(String),
    /// A policy refuses the row.
    #[error("new row violates row-level security policy for table \"{0}\"")]
    PolicyViolation(String, RequestRole),
    /// A policy refuses to change the row that an upsert meets.
    #[error("new row violates row-level security policy (USING expression) for table \"{0}\"")]
    UpsertPolicyViolation(String, RequestRole),
    /// A table that the caller's role may not use.
    #[error("permission denied for table {0}")]
    PermissionDenied(String, RequestRole),
    /// Policies that ask each other in a circle.
    #[error("infinite recursion detected in policy for relation \"{0}\"")]
    PolicyRecursion(String),
    /// No unique key fits `on_conflict`.
    #[error("there is no unique or exclusion constraint matching the ON CONFLICT specification")]
    NoConflictKey,
    /// An upsert meets one row twice.
    #[error("ON CONFLICT DO UPDATE command cannot affect row a second time")]
    ConflictTwice,
    /// A caller gives the value of a column that the database counts up.
    #[error("cannot insert a non-DEFAULT value into column \"{0}\"")]
    IdentityAlways(String),
    /// A limit of this server.
    #[error("{0}")]
    TooMuch(String),
    /// A view, or one of Quoin's own.
    #[error("cannot change the view \"{0}\"")]
    ReadOnly(String),
    /// The database refuses, in the words that both engines share.
    #[error("{message}")]
    Refused {
        /// The SQLSTATE.
        code: String,
        /// The message.
        message: String,
        /// The role of the caller.
        role: RequestRole,
    },
    /// A migration says something that is not accepted.
    #[error("{0}")]
    Migration(#[from] Refusal),
    /// A migration of this name has run with another text.
    #[error("The migration {0} has been applied with another text")]
    MigrationChanged(String),
    /// Everything went well, but the caller asked to undo it.
    #[error("rolled back as asked")]
    RolledBack(Box<crate::service::Answer>),
    /// The plan allows no more rows.
    #[error(transparent)]
    Limit(LimitReached),
    /// Anything else.
    #[error("{0}")]
    Problem(Problem),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl DataError {
    /// Says what a constraint refused, in PostgreSQL's words on both engines and without values of other people's rows.
    pub fn from_constraint(error: DbError, table: &str, role: RequestRole) -> Self {
        let (code, message) = match &error {
            DbError::Unique { index, .. } => {
                ("23505", format!("duplicate key value violates unique constraint \"{index}\""))
            }
            DbError::ForeignKey { .. } => (
                "23503",
                format!("insert, update or delete on table \"{table}\" violates a foreign key constraint"),
            ),
            DbError::Check { constraint } => (
                "23514",
                format!("new row for relation \"{table}\" violates check constraint \"{constraint}\""),
            ),
            DbError::NotNull { column } => (
                "23502",
                format!(
                    "null value in column \"{column}\" of relation \"{table}\" violates not-null constraint"
                ),
            ),
            // PostgreSQL names the restrictive policy, which its author chose and no caller needs to know.
            DbError::Refused { message, .. }
                if message.starts_with("new row violates row-level security") =>
            {
                return if message.contains("(USING expression)") {
                    Self::UpsertPolicyViolation(table.to_owned(), role)
                } else {
                    Self::PolicyViolation(table.to_owned(), role)
                };
            }
            DbError::Refused { code, message, .. } => (code.as_str(), message.clone()),
            _ => return Self::Db(error),
        };
        Self::Refused { code: code.to_owned(), message, role }
    }
}

impl From<quoin_policy::PolicyError> for DataError {
    fn from(error: quoin_policy::PolicyError) -> Self {
        use quoin_policy::PolicyError;
        match error {
            PolicyError::UnknownTable(table) => Self::UnknownTable(table),
            PolicyError::BadValue(bad) => Self::BadValue(bad),
            PolicyError::NotOnSqlite(what) => Self::NotOnSqlite(what),
            PolicyError::PermissionDenied(table, role) => Self::PermissionDenied(table, role),
            PolicyError::PolicyRecursion(table) => Self::PolicyRecursion(table),
            PolicyError::TooMuch(limit) => Self::TooMuch(limit),
            PolicyError::Refused(refusal) => Self::Migration(refusal),
            PolicyError::Problem(problem) => Self::Problem(problem),
            PolicyError::Db(error) => Self::Db(error),
        }
    }
}

impl From<Denied> for DataError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limit(reached) => Self::Limit(reached),
            Denied::Db(error) => Self::Db(error),
        }
    }
}

impl From<crate::render::RenderError> for DataError {
    fn from(error: crate::render::RenderError) -> Self {
        match error {
            crate::render::RenderError::Db(error) => Self::Db(error),
            crate::render::RenderError::BadValue(bad) => Self::BadValue(bad),
        }
    }
}

fn contract(status: u16, code: impl Into<std::borrow::Cow<'static, str>>, error: &DataError) -> Problem {
    Problem::new(status, code, "The Database API refused the request").detail(error.to_string())
}

fn denied(role: RequestRole) -> u16 {
    if role == RequestRole::Anon { 401 } else { 403 }
}

/// PostgREST's table of SQLSTATEs and HTTP statuses.
fn status_of(sqlstate: &str, role: RequestRole) -> u16 {
    match sqlstate {
        "23503" | "23505" => 409,
        "25006" => 405,
        "42501" => denied(role),
        "42883" | "42P01" => 404,
        "42P17" | "53400" => 500,
        _ => match sqlstate.get(..2).unwrap_or_default() {
            "08" | "53" => 503,
            "0L" | "0P" | "28" => 403,
            // Not class 54, where the contract has 500: what is too large was sent by the caller.
            "09" | "25" | "2D" | "38" | "39" | "3B" | "40" | "55" | "57" | "58" | "F0" | "HV" | "XX" => 500,
            _ => 400,
        },
    }
}

impl From<DataError> for Problem {
    fn from(error: DataError) -> Self {
        match &error {
            DataError::UnknownTable(_) => contract(404, "PGRST205", &error),
            DataError::UnknownColumn(..) => contract(400, "42703", &error),
            DataError::UnknownBodyColumn(..) => contract(400, "PGRST204", &error),
            DataError::BadValue(bad) => contract(400, bad.code, &error),
            DataError::BadQuery(_, details) => contract(400, "PGRST100", &error).details(details.clone()),
            DataError::BadBody(_) => contract(400, "PGRST102", &error),
            DataError::BadRange(details) => contract(416, "PGRST103", &error).details(details.clone()),
            DataError::NotSingular(rows) => {
                contract(406, "PGRST116", &error).details(format!("The result contains {rows} rows"))
            }
            DataError::BadPut(code, _, status) | DataError::NotImplemented(code, _, status) => {
                contract(*status, *code, &error)
            }
            DataError::BadPreferences(invalid) => {
                contract(400, "PGRST122", &error).details(format!("Invalid preferences: {invalid}"))
            }
            DataError::TooManyAffected(rows) => {
                contract(400, "PGRST124", &error).details(format!("The query affects {rows} rows"))
            }
            DataError::NotOnSqlite(_) => contract(400, "PGRST127", &error),
            DataError::NotAcceptable(_) => contract(406, "PGRST107", &error),
            DataError::UnknownSchema(_) => {
                contract(406, "PGRST106", &error).hint("Only the following schemas are exposed: public")
            }
            DataError::PolicyViolation(_, role)
            | DataError::UpsertPolicyViolation(_, role)
            | DataError::PermissionDenied(_, role) => contract(denied(*role), "42501", &error),
            DataError::PolicyRecursion(_) => contract(400, "42P17", &error),
            DataError::NoConflictKey => contract(400, "42P10", &error),
            DataError::ConflictTwice => contract(400, "21000", &error),
            DataError::IdentityAlways(_) => contract(400, "428C9", &error),
            DataError::TooMuch(_) => contract(400, "54000", &error),
            DataError::ReadOnly(_) => contract(405, "25006", &error),
            DataError::Refused { code, role, .. } => contract(status_of(code, *role), code.clone(), &error),
            DataError::Migration(refusal) => {
                Self::new(400, "migration_refused", "The migration is not accepted")
                    .detail(refusal.to_string())
                    .field(format!("line {}", refusal.line), refusal.reason.clone())
            }
            DataError::MigrationChanged(_) => {
                Self::new(409, "migration_changed", "A migration is applied once and never changes")
                    .detail(error.to_string())
                    .hint("Write a new migration instead.")
            }
            DataError::RolledBack(_) => Self::internal("a rolled back answer was treated as a failure"),
            DataError::Problem(_) | DataError::Limit(_) | DataError::Db(_) => match error {
                DataError::Limit(reached) => reached.into(),
                DataError::Problem(problem) => problem,
                DataError::Db(error) => error.into(),
                other => Self::internal(other.to_string()),
            },
        }
    }
}

#[cfg(test)]
mod tests;
