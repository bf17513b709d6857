//! What this room must know of people, inside its own transactions.

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, UserId};

/// Knows which address is proved to be whose; `identity` implements it.
pub trait People: Send + Sync {
    /// Returns the address that a person has proved to be theirs; `None` for nobody, and while nothing is proved.
    fn proved_address(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError>;

    /// Finds the person who has proved that an address is theirs.
    fn find_by_address(&self, tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Option<UserId>, DbError>;
}
