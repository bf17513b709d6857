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

    fn is_confirmed(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<bool, DbError> {
        let found = users_global::find(tx, user_id)?;
        // Whoever has no address came by a provider's word, or is anonymous and answers to nobody's mail.
        Ok(found.is_some_and(|user| user.email.is_none() || user.is_confirmed(self.config().unverified)))
    }

    fn each_belongs_to_one(&self) -> bool {
        self.config().mode == IdentityMode::PerOrganization
    }

    fn confined_to(&self, tx: &mut Tx<'_>, user_id: UserId) -> Result<Option<OrgId>, DbError> {
        if !self.each_belongs_to_one() {
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
