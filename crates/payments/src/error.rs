//! Why a wish about plans and payments is refused.

use quoin_db::DbError;
use quoin_kernel::Problem;
use quoin_kernel::billing::LimitReached;
use quoin_web::entitlements::Denied;
use serde_json::json;

use crate::model::plan::InvalidPlan;
use crate::model::plan_file::InvalidPlanFile;
use crate::port::{InvalidAnnouncement, ProviderError, Refusal};

/// A refusal of this room.
#[derive(Debug, thiserror::Error)]
pub enum PaymentsError {
    /// No provider is set up.
    #[error("no provider of payments is set up")]
    NotSetUp,
    /// The input cannot be used.
    #[error("{field}: {problem}")]
    Unusable {
        /// Which field.
        field: &'static str,
        /// What is wrong.
        problem: String,
    },
    /// The plan cannot be sold as described.
    #[error(transparent)]
    Plan(#[from] InvalidPlan),
    /// The file of plans cannot be used.
    #[error(transparent)]
    PlanFile(#[from] InvalidPlanFile),
    /// There is no such plan on sale.
    #[error("no such plan")]
    NoSuchPlan,
    /// A plan with this id is there already.
    #[error("a plan with this id exists")]
    PlanExists,
    /// The plan has no price for this interval and currency.
    #[error("the plan has no such price")]
    NoSuchPrice,
    /// The provider does not know the plan yet.
    #[error("the plan is not published yet")]
    PlanNotPublished,
    /// Something was changed elsewhere; only with force it is overwritten.
    #[error("the plans have drifted from the file")]
    Drifted(Vec<String>),
    /// There is no such thing of this subject.
    #[error("no such {0}")]
    NoSuch(&'static str),
    /// The subject has a subscription already.
    #[error("the subject is subscribed already")]
    AlreadySubscribed,
    /// The subscription is over, or not begun.
    #[error("the subscription does not allow this now")]
    WrongState(&'static str),
    /// An administrator gave it; its owner may only end it.
    #[error("the plan was granted")]
    Granted,
    /// More is used than the new plan allows.
    #[error("more is used than the plan allows")]
    UsesMore {
        /// What is counted.
        meter: String,
        /// What the new plan allows.
        limit: i64,
        /// What is used.
        used: i64,
    },
    /// The subject was never billed.
    #[error("there is no customer yet")]
    NoCustomer,
    /// The same thing is being done.
    #[error("the same thing is being done")]
    InProgress,
    /// The same target was to be changed in another way a moment ago.
    #[error("another change is under way")]
    OtherChange,
    /// A report of use with this key said something else before.
    #[error("the key was used for another report")]
    ReportKeyReused,
    /// Giving something back was written down, and nobody knows yet whether it is done.
    #[error("what was asked may still be carried out")]
    Unsettled(#[source] Box<Self>),
    /// Nothing is left to give back.
    #[error("nothing is left to refund")]
    NothingToRefund,
    /// A place to go to that is not on the list.
    #[error("{0} is not allowed")]
    ForbiddenUrl(&'static str),
    /// The event is not believed.
    #[error("the event is not believed: {0}")]
    Announcement(#[from] InvalidAnnouncement),
    /// The provider.
    #[error(transparent)]
    Provider(#[from] ProviderError),
    /// A limit.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The database failed.
    #[error(transparent)]
    Db(DbError),
    /// A row does not hold what we wrote.
    #[error("a stored document cannot be read: {0}")]
    Document(#[from] serde_json::Error),
}

impl PaymentsError {
    /// Returns what the provider refuses, where that is what it is.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        if let Self::Provider(error) = self { error.refusal() } else { None }
    }
}

impl From<DbError> for PaymentsError {
    fn from(error: DbError) -> Self {
        match error {
            DbError::Unique { index, .. } if index == "payments_plans_pkey" => Self::PlanExists,
            DbError::Unique { index, .. } if index == "payments_checkouts_open" => Self::InProgress,
            DbError::Unique { index, .. } if index == "payments_intents_target" => Self::OtherChange,
            other => Self::Db(other),
        }
    }
}

impl From<Denied> for PaymentsError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Limit(reached) => Self::Limit(reached),
            Denied::Db(error) => Self::Db(error),
        }
    }
}

impl From<PaymentsError> for Problem {
    fn from(error: PaymentsError) -> Self {
        match error {
            PaymentsError::NotSetUp => {
                Self::unavailable("payments_not_set_up", "No provider of payments is set up", 60)
                    .hint("Set stripe.secret_key, or payments.provider = \"manual\".")
            }
            PaymentsError::Unusable { field, problem } => {
                Self::invalid(format!("{field}: {problem}")).field(field, problem)
            }
            PaymentsError::Plan(error) => {
                let text = error.to_string();
                let field = text.split_once(':').map_or("plan", |(field, _)| field).to_owned();
                Self::invalid(text.clone()).field(field, text)
            }
            PaymentsError::PlanFile(error) => Self::invalid(error.to_string()),
            PaymentsError::NoSuchPlan => Self::not_found("plan"),
            PaymentsError::NoSuch(what) => Self::not_found(what),
            PaymentsError::Limit(reached) => reached.into(),
            PaymentsError::Db(error) => error.into(),
            PaymentsError::Document(error) => Self::internal(error),
            PaymentsError::Announcement(error) => announcement(error),
            PaymentsError::Provider(error) => provider(error),
            PaymentsError::Unsettled(error) => unsettled(error),
            other => conflict(other),
        }
    }
}

/// What the present state does not allow.
fn conflict(error: PaymentsError) -> Problem {
    let new = Problem::new;
    match error {
        PaymentsError::PlanExists => new(409, "plan_exists", "There is a plan with this id already"),
        PaymentsError::NoSuchPrice => {
            new(422, "no_such_price", "The plan has no price for this interval and currency")
        }
        PaymentsError::PlanNotPublished => {
            new(409, "plan_not_published", "The provider does not know this plan yet").retry_after_s(5)
        }
        PaymentsError::Drifted(fields) => {
            new(409, "plans_drifted", "Plans were changed elsewhere since the file was applied")
                .detail(format!("These would be overwritten: {}.", fields.join(", ")))
                .hint("Take the changes into the file, or apply it with force.")
        }
        PaymentsError::AlreadySubscribed => new(409, "already_subscribed", "There is a subscription already")
            .hint("Change it, or wait until it has ended."),
        PaymentsError::WrongState(why) => {
            new(409, "subscription_state", "The subscription does not allow this now").detail(why)
        }
        PaymentsError::Granted => new(409, "plan_granted", "An administrator gave this plan")
            .detail("Plan, seats and end of what was granted stay as they were given; it can be cancelled.")
            .hint("An administrator grants another one, or begin with a checkout."),
        PaymentsError::UsesMore { meter, limit, used } => {
            new(409, "uses_more_than_plan", "More is used than the new plan allows")
                .detail(format!("The plan allows {limit} of {meter}, and {used} are used."))
                .member("limit", json!({"meter": meter, "limit": limit, "used": used}))
        }
        PaymentsError::NoCustomer => {
            new(409, "no_customer", "Nothing was bought yet, so there is nothing to manage")
                .hint("Begin with a checkout.")
        }
        PaymentsError::OtherChange => {
            new(409, "change_in_progress", "Another change of the same thing is under way").retry_after_s(2)
        }
        PaymentsError::ReportKeyReused => {
            new(409, "usage_key_reused", "A report of use with this key said something else before")
        }
        PaymentsError::NothingToRefund => {
            new(409, "nothing_to_refund", "Nothing of this invoice is left to give back")
        }
        PaymentsError::ForbiddenUrl(field) => {
            new(400, "redirect_not_allowed", "This address is not on the list")
                .detail(format!("{field} must lie on the site or on the list of allowed redirects."))
                .field(field, "is not on the list of allowed redirects")
        }
        _ => new(409, "payment_in_progress", "The same thing is being done now").retry_after_s(2),
    }
}

fn announcement(error: InvalidAnnouncement) -> Problem {
    match error {
        InvalidAnnouncement::NoSecret => Problem::unavailable(
            "webhook_not_set_up",
            "No signing secret is set, so no event can be believed",
            60,
        )
        .hint("Set stripe.webhook_secret."),
        other => {
            Problem::new(400, "webhook_not_believed", "The event is not believed").detail(other.to_string())
        }
    }
}

/// What is written down is carried out sooner or later, so the answer is one that keeps the `Idempotency-Key`.
fn unsettled(error: Box<PaymentsError>) -> Problem {
    Problem::unavailable("provider_unavailable", "The provider of payments does not answer now", 5)
        .detail("It is not known yet whether this was done. It may still be carried out.")
        .hint("Look at the invoice before you ask again. A call with an Idempotency-Key is carried out once.")
        .source(error)
}

fn provider(error: ProviderError) -> Problem {
    match error {
        ProviderError::Unavailable(source) => {
            Problem::unavailable("provider_unavailable", "The provider of payments does not answer now", 5)
                .hint("Nothing is done twice when you repeat the call.")
                .source(source)
        }
        ProviderError::Busy => {
            Problem::new(409, "payment_in_progress", "The same thing is being done now").retry_after_s(2)
        }
        ProviderError::Refused { code, message } => {
            Problem::new(422, "provider_refused", "The provider of payments refuses this")
                .detail(format!("{message} ({code})"))
        }
        ProviderError::Declined { code, message } => {
            Problem::new(402, "payment_declined", "The payment that this needs does not go through")
                .detail(format!("{message} ({code})"))
                .hint("Nothing was changed. Try again with another way to pay, which the portal takes.")
        }
        error @ (ProviderError::Unauthorized | ProviderError::Garbled(_)) => {
            Problem::new(502, "provider_failed", "The provider of payments could not be used").source(error)
        }
    }
}
