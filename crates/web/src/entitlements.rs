//! The port through which rooms ask what a plan allows, and count its use inside their own transactions.
//!
//! It stands here and not with the other ports in `kernel`, because it is called with a transaction, and `kernel` knows
//! no database.

use quoin_db::{DbError, Tx};
use quoin_kernel::billing::{LimitReached, Subject};
use quoin_kernel::{Problem, Timestamp};

/// What members of an organisation are counted under.
pub const SEATS: &str = "seats";
/// What organisations of a person are counted under.
pub const ORGANIZATIONS: &str = "organizations";
/// What rows of the users' tables are counted under.
pub const ROWS: &str = "rows";
/// What bytes of files are counted under.
pub const STORAGE_BYTES: &str = "storage_bytes";
/// What calls of the API are counted under.
pub const API_CALLS: &str = "api_calls";

/// What is to be counted, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    /// Who is billed.
    pub subject: Subject,
    /// What is counted: one of this module's names, or one of the user's own.
    pub meter: &'a str,
    /// How much more.
    pub amount: i64,
    /// When.
    pub now: Timestamp,
}

/// Why something more is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum Denied {
    /// The plan does not allow it.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limit(reached) => reached.into(),
            Denied::Db(error) => error.into(),
        }
    }
}

/// Knows what plans allow; `payments` implements it, `server` hands it to whoever must keep limits.
pub trait Entitlements: Send + Sync {
    /// Tells, without asking the database, whether any plan limits `meter`. Where none does, nothing need be counted.
    fn is_limited(&self, meter: &str) -> bool;

    /// Counts `amount` more in the caller's transaction, or refuses. Exact under any number of callers at once: check and
    /// count are one statement.
    ///
    /// # Errors
    /// [`Denied::Limit`] with the limit, the present use and the way to a larger plan.
    fn take(&self, tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<(), Denied>;

    /// Checks `amount` more of what its room counts by itself, `used` so far, or refuses; less is only noted. Whoever adds
    /// something writes to what was counted in the same transaction, so that two at once cannot both find room.
    ///
    /// # Errors
    /// [`Denied::Limit`] as above.
    fn check(&self, tx: &mut Tx<'_>, wish: &Wish<'_>, used: i64) -> Result<(), Denied>;

    /// Counts `amount` less in the caller's transaction, never below nothing.
    fn give_back(&self, tx: &mut Tx<'_>, wish: &Wish<'_>) -> Result<(), DbError>;

    /// Tells whether the plan in force says `true` for `flag`.
    fn has(&self, tx: &mut Tx<'_>, subject: Subject, flag: &str) -> Result<bool, DbError>;
}
