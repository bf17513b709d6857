//! Whose people somebody is one of.

use quoin_kernel::{EmailAddress, OrgId};
use uuid::Uuid;

/// The whole instance, or one organisation: whose people somebody is one of, for as long as they have an account. In a realm
/// an address names one person, and so does a subject at a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Realm(Option<OrgId>);

impl Realm {
    /// Everybody, where people belong to no single organisation.
    pub const INSTANCE: Self = Self(None);

    /// The people of one organisation.
    pub const fn of(org_id: OrgId) -> Self {
        Self(Some(org_id))
    }

    /// Returns the organisation, where the realm is one's.
    pub const fn org_id(self) -> Option<OrgId> {
        self.0
    }

    /// Returns what rows carry: the nil id for the whole instance, because unique indexes let nulls repeat.
    pub fn key(self) -> OrgId {
        self.0.unwrap_or_else(|| OrgId::from_uuid(Uuid::nil()))
    }

    /// Reads back what rows carry.
    pub fn stored(key: OrgId) -> Self {
        Self(Some(key).filter(|key| !key.uuid().is_nil()))
    }

    /// Names an address where failures and mails are counted: two organisations' people do not share a limit.
    pub fn account(self, email: &EmailAddress) -> String {
        self.0.map_or_else(|| email.to_string(), |org_id| format!("{org_id} {email}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_instance_is_stored_as_the_nil_id_and_an_organisation_as_its_own() {
        let org_id = OrgId::from_uuid(Uuid::from_u128(7));
        assert_eq!(Realm::stored(Realm::INSTANCE.key()), Realm::INSTANCE);
        assert!(Realm::INSTANCE.key().uuid().is_nil());
        assert_eq!(Realm::stored(Realm::of(org_id).key()), Realm::of(org_id));
    }

    #[test]
    fn one_address_is_counted_apart_for_each_organisation() {
        let email: EmailAddress = "ann@example.com".parse().unwrap();
        let (one, other) = (OrgId::from_uuid(Uuid::from_u128(1)), OrgId::from_uuid(Uuid::from_u128(2)));
        assert_eq!(Realm::INSTANCE.account(&email), "ann@example.com");
        assert_ne!(Realm::of(one).account(&email), Realm::of(other).account(&email));
    }
}
