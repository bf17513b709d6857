//! Codes that make a plan cheaper. They are kept by the provider; here they are made and switched.

use quoin_audit::Entry;

use super::start_checkout::Order;
use crate::Payments;
use crate::error::PaymentsError;
use crate::model::command::CreateCoupon;
use crate::model::{Command, Outcome};

impl Payments {
    /// Makes a coupon with its code; the same code with the same terms is made once.
    pub async fn create_coupon(&self, wish: CreateCoupon, entry: Entry) -> Result<String, PaymentsError> {
        check(&wish)?;
        let provider = self.provider()?;
        let target = format!("coupon:{}", wish.code);
        let (entry, command) = (entry.on(&wish.code), Command::CreateCoupon(wish));
        let intent = self.intent(provider.as_ref(), target, command);
        let id = self
            .db()
            .write("payments.coupons.claim", move |tx| {
                quoin_audit::record(tx, &entry)?;
                Self::write_down(tx, &intent)
            })
            .await?;
        match self.carry_out(id).await? {
            Outcome::Object { id } => Ok(id),
            _ => Err(PaymentsError::NoSuch("coupon")),
        }
    }

    /// Stops or resumes accepting a code.
    pub async fn set_coupon(&self, id: &str, active: bool, entry: Entry) -> Result<(), PaymentsError> {
        let provider = self.provider()?;
        let command = Command::SetCoupon { promotion: id.to_owned(), active };
        let intent = self.intent(provider.as_ref(), format!("promotion:{id}"), command);
        let entry = entry.on(id);
        let intent_id = self
            .db()
            .write("payments.coupons.claim", move |tx| {
                quoin_audit::record(tx, &entry)?;
                Self::write_down(tx, &intent)
            })
            .await?;
        self.carry_out(intent_id).await.map(|_| ())
    }

    /// Finds the id of the code that an order names.
    pub(crate) async fn promotion(&self, order: &Order) -> Result<Option<String>, PaymentsError> {
        let Some(code) = &order.coupon else { return Ok(None) };
        let wish = CreateCoupon {
            code: code.clone(),
            percent_off: None,
            amount_off: None,
            currency: None,
            duration: crate::model::command::CouponDuration::Once,
            max_redemptions: None,
        };
        let key = crate::port::IntentKey { intent: uuid::Uuid::nil(), key: String::new() };
        let found = self.provider()?.look_up(&Command::CreateCoupon(wish), &key).await?;
        match found.and_then(|outcome| outcome.id().map(str::to_owned)) {
            Some(id) => Ok(Some(id)),
            None => Err(PaymentsError::Unusable { field: "coupon", problem: "is not accepted".into() }),
        }
    }
}

fn check(wish: &CreateCoupon) -> Result<(), PaymentsError> {
    let unusable = |field, problem: &str| Err(PaymentsError::Unusable { field, problem: problem.to_owned() });
    let is_code =
        (1..=100).contains(&wish.code.len()) && wish.code.bytes().all(|b| b.is_ascii_alphanumeric());
    if !is_code {
        return unusable("code", "must have 1 to 100 letters or digits");
    }
    match (wish.percent_off, wish.amount_off, wish.currency) {
        (Some(percent), None, None) if (1..=100).contains(&percent) => Ok(()),
        (None, Some(amount), Some(_)) if amount > 0 => Ok(()),
        _ => unusable("percent_off", "give percent_off (1 to 100), or amount_off with its currency"),
    }
}
