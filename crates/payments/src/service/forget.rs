//! What becomes of payments when whoever paid is gone: nothing is charged any more, and their use is forgotten. Invoices
//! stay, because the law wants them kept.

use quoin_db::DbError;
use quoin_kernel::UserId;
use quoin_kernel::billing::Subject;

use crate::Payments;
use crate::error::PaymentsError;
use crate::model::Command;
use crate::store::{customers, entitlements};

impl Payments {
    /// Ends every subscription of a subject at once, and forgets its use.
    pub(crate) async fn forget(&self, subject: Subject) -> Result<(), PaymentsError> {
        for one in self.list_subscriptions(subject).await? {
            if one.is_live() {
                let subscription = one.remote_id.clone();
                let command = Command::CancelSubscription { subscription, at_once: true };
                self.carry_out_change(one, command, None).await?;
            }
        }
        self.db()
            .write("payments.forget", move |tx| {
                for row in entitlements::list(tx, subject)? {
                    entitlements::delete(tx, subject, &row.name)?;
                }
                Ok::<_, DbError>(())
            })
            .await?;
        Ok(())
    }

    /// Forgets the address of a person who looked after somebody's money.
    pub(crate) async fn forget_contact(&self, person: UserId) -> Result<(), DbError> {
        let forget = move |tx: &mut quoin_db::Tx<'_>| customers::forget_contact_global(tx, person);
        self.db().write("payments.forget_contact", forget).await.map(|_| ())
    }
}
