//! What this room must know of people, inside its own transactions, and of DNS, outside of them.

use quoin_db::{DbError, Tx};
use quoin_kernel::port::BoxFuture;
use quoin_kernel::{EmailAddress, OrgId, Problem, UserId};

/// Knows which address is proved to be whose; `identity` implements it.
pub trait People: Send + Sync {
    /// Returns the address that a person has proved to be theirs; `None` for nobody, and while nothing is proved.
    fn proved_address(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError>;

    /// Tells whether a person's address counts as theirs, proved or believed as the configuration says.
    fn is_confirmed(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<bool, DbError>;

    /// Tells whether people belong to one organisation each.
    fn each_belongs_to_one(&self) -> bool;

    /// Finds the person who has proved that an address is theirs, among those who may become members of an organisation.
    fn find_by_address(
        &self,
        tx: &mut Tx<'_>,
        org_id: OrgId,
        email: &EmailAddress,
    ) -> Result<Option<UserId>, DbError>;

    /// Returns the one organisation that a person may belong to, where people belong to one each.
    fn confined_to(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<OrgId>, DbError>;
}

/// Reads what stands in DNS.
pub trait Records: Send + Sync {
    /// Returns the texts of a name's TXT records; none for a name that does not exist.
    ///
    /// # Errors
    /// 503 where DNS cannot be asked.
    fn txt<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Vec<String>, Problem>>;
}
