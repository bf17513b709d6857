//! What `tenancy` asks about people inside its own transactions (port [`People`]).

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, OrgId, UserId};
use quoin_tenancy::People;

use crate::Identity;
use crate::config::IdentityMode;
use crate::model::User;
use crate::store::users_global;

impl People for Identity {
    fn proved_address(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError> {
        let found = users_global::find(tx, user_id)?;
        Ok(found.filter(User::is_proved).and_then(|user| user.email))
    }

    fn confined_to(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<OrgId>, DbError> {
        if self.config().mode == IdentityMode::Global {
            return Ok(None);
        }
        Ok(users_global::find(tx, user_id)?.and_then(|user| user.realm.org_id()))
    }

    fn find_by_address(
        &self,
        tx: &mut Tx<'_>,
        org_id: OrgId,
        email: &EmailAddress,
    ) -> Result<Option<UserId>, DbError> {
        let found = users_global::find_by_email(tx, self.realm_of(org_id), email)?;
        Ok(found.filter(User::is_proved).map(|user| user.id))
    }
}
