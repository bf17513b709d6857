//! What `tenancy` asks about people inside its own transactions (port [`People`]).

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, UserId};
use quoin_tenancy::People;

use crate::Identity;
use crate::model::User;
use crate::store::users_global;

impl People for Identity {
    fn proved_address(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError> {
        let found = users_global::find(tx, user_id)?;
        Ok(found.filter(User::is_confirmed).and_then(|user| user.email))
    }

    fn find_by_address(&self, tx: &mut Tx<'_>, email: &EmailAddress) -> Result<Option<UserId>, DbError> {
        let found = users_global::find_by_email(tx, email)?;
        Ok(found.filter(User::is_confirmed).map(|user| user.id))
    }
}
