//! What `tenancy` asks about people inside its own transactions (port [`People`]).

use quoin_db::{DbError, Tx};
use quoin_kernel::{EmailAddress, OrgId, UserId};
use quoin_tenancy::People;

use crate::Identity;
use crate::config::IdentityMode;
use crate::store::users_global;

impl People for Identity {
    fn proved_address(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<EmailAddress>, DbError> {
        let found = users_global::find(tx, user_id)?;
        let unverified = self.config().unverified;
        Ok(found.filter(|user| user.is_confirmed(unverified)).and_then(|user| user.email))
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
        let unverified = self.config().unverified;
        Ok(found.filter(|user| user.is_confirmed(unverified)).map(|user| user.id))
    }
}
