//! What this room keeps of a person, for the file that they may ask for.

use quoin_db::{DbError, Tx};
use quoin_kernel::page::Page;
use quoin_kernel::{EmailAddress, OrgId, UserId};
use serde_json::{Value, json};

use crate::store::{departures, invitations_global, organizations};

/// More organisations than one person belongs to.
const ALL: Page = Page { limit: 10_000, after: None };

/// Collects where a person belongs, where they have belonged, and to what their addresses are invited: by one organisation,
/// where they are one of its people.
pub fn kept_of_person(
    tx: &mut Tx<'_>,
    (realm, user_id): (Option<OrgId>, UserId),
    addresses: &[EmailAddress],
) -> Result<Value, DbError> {
    let mut members = organizations::list(tx, user_id, false, ALL)?;
    members.extend(organizations::list(tx, user_id, true, ALL)?);
    let mut invited = Vec::new();
    for address in addresses {
        let waiting = invitations_global::list_of_address(tx, address)?;
        invited.extend(waiting.into_iter().filter(|one| realm.is_none_or(|own| own == one.org_id)));
    }
    let invited_to = invited.iter().map(|one| {
        json!({"organization": one.organization, "role": one.role, "sent_at": one.sent_at, "expires_at": one.expires_at})
    });
    let member_of = members.iter().map(|org| {
        json!({"id": org.id, "name": org.name, "personal": org.personal, "role": org.role, "status": org.status})
    });
    let left = departures::list_of(tx, user_id)?;
    Ok(json!({
        "member_of": member_of.collect::<Vec<_>>(),
        "left": left.into_iter().map(|(id, at)| json!({"id": id, "at": at})).collect::<Vec<_>>(),
        "invited_to": invited_to.collect::<Vec<_>>(),
    }))
}
