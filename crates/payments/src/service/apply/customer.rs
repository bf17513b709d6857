//! A customer that somebody deleted at the provider: the next checkout makes a new one.

use quoin_db::Tx;
use quoin_kernel::Timestamp;
use serde_json::json;

use super::Applied;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::explanation::changes;
use crate::port::Provider;
use crate::store::{checkouts, customers};

impl Payments {
    /// Notes that a customer is gone. What was billed to it stays with its subject; nobody can pay a session of it any more.
    pub(super) fn apply_lost_customer(
        tx: &mut Tx<'_>,
        provider: &dyn Provider,
        customer: &str,
        now: Timestamp,
    ) -> Result<Applied, PaymentsError> {
        let Some(owner) = customers::find_owner(tx, provider.name(), customer)? else {
            return Ok(Applied::missing());
        };
        let subject = owner.subject;
        if !customers::retire(tx, subject, (provider.name(), customer), now)? {
            return Ok(Applied::missing());
        }
        if let Some(open) = checkouts::find_open(tx, subject)?
            && open.provider.as_deref().is_none_or(|name| name == provider.name())
        {
            checkouts::close(tx, subject, open.id, ("expired", Some("customer")), now)?;
        }
        Ok(Applied::with(changes(Some(&json!({"customer": customer})), &json!({"customer": null}))))
    }
}
